//! Lists by time, a page at a time.
//!
//! A page begins at a row, not at a number of rows. So rows that arrive meanwhile do not move the page, and somebody who goes
//! from page to page misses no row.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use super::{
    Range,
    statement::{SqlText, Statement, sql_text},
};
use crate::timestamp::{MILLISECOND, Timestamp};

/// A place in a list by time: the place of the row with this time and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub(super) occurred_at: Timestamp,
    pub(super) id: Uuid,
}

/// Writes 48 hexadecimal digits: 16 of the time, 32 of the id.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{}", self.occurred_at.as_millis(), self.id.simple())
    }
}

/// The text is not a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCursor;

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        if text.len() != 48 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BadCursor);
        }
        let (time, id) = text.split_at(16);
        let millis = u64::from_str_radix(time, 16).map_err(|_| BadCursor)?.cast_signed();
        Ok(Self { occurred_at: Timestamp::from_millis(millis), id: Uuid::try_parse(id).map_err(|_| BadCursor)? })
    }
}

/// Which page of a list by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PagePosition {
    /// The first page, which has the newest rows.
    Newest,
    /// The page of the next older rows.
    Before(Cursor),
    /// The page of the next newer rows.
    After(Cursor),
}

impl PagePosition {
    /// Returns the range up to the cursor. There is an index for this condition on the time, and no index for the cursor's own
    /// condition.
    pub(super) fn within(self, mut range: Range) -> Range {
        match self {
            Self::Newest => {}
            Self::Before(cursor) => range.end = range.end.min(cursor.occurred_at + MILLISECOND),
            Self::After(cursor) => range.start = range.start.max(cursor.occurred_at),
        }
        range
    }

    /// Returns the end of a statement: the condition of the cursor with an `and` before it, the order, and the limit.
    ///
    /// The limit is one row more than the page has. The additional row tells [`Page::new`] that there are more.
    pub(super) fn select(self, statement: &mut Statement, time: &'static str, id: &'static str, limit: u32) -> SqlText {
        let mut beyond = |sign: &'static str, cursor: Cursor| {
            let (occurred_at, cursor_id) = (statement.bind(cursor.occurred_at), statement.bind(cursor.id));
            sql_text!("and ({time}, {id}) {sign} ({occurred_at}, {cursor_id})"; time, id, sign, occurred_at, cursor_id)
        };
        let (beyond, direction) = match self {
            Self::Newest => (SqlText::default(), "desc"),
            Self::Before(cursor) => (beyond("<", cursor), "desc"),
            Self::After(cursor) => (beyond(">", cursor), "asc"),
        };
        let limit = statement.bind(i64::from(limit) + 1);
        sql_text!(
            "{beyond} order by {time} {direction}, {id} {direction} limit {limit}"; beyond, time, id, direction, limit
        )
    }
}

/// A row of a list by time.
pub trait HasCursor {
    /// Returns the row's place in the list.
    fn cursor(&self) -> Cursor;
}

/// Some rows of a list by time, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Where there are newer rows: the cursor that [`PagePosition::After`] takes to them.
    pub newer: Option<Cursor>,
    /// Where there are older rows: the cursor that [`PagePosition::Before`] takes to them.
    pub older: Option<Cursor>,
}

impl<T: HasCursor> Page<T> {
    /// Makes a page of the rows that [`PagePosition::select`] found.
    pub(super) fn new(mut rows: Vec<T>, position: PagePosition, limit: u32) -> Self {
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let (newer, older) = match position {
            PagePosition::Newest => (false, more),
            // the row of the cursor is newer than all rows of the page
            PagePosition::Before(_) => (true, more),
            PagePosition::After(_) => {
                rows.reverse();
                (more, true)
            }
        };
        let newer = rows.first().filter(|_| newer).map(T::cursor);
        let older = rows.last().filter(|_| older).map(T::cursor);
        Self { rows, newer, older }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_cursor_is_refused() {
        let cursor = "0".repeat(48);
        assert!(cursor.parse::<Cursor>().is_ok());
        for wrong in [
            "",
            "0",
            &cursor[1..],
            &format!("{cursor}0"),
            &cursor.replace('0', "g"),
            &"é".repeat(24),
            &format!("+{}", &cursor[1..]),
        ] {
            assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
        }
    }
}
