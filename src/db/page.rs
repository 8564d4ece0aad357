//! Lists that are read a page at a time, newest first.
//!
//! A page begins at a row, not at a number of rows. So rows that arrive meanwhile do not move the page, and somebody who goes from
//! page to page misses no row.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use crate::timestamp::Timestamp;

/// Which page of a list. `K` is the key by which the list is sorted: an id, or a time with an id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Position<K> {
    /// The first page, which has the newest rows.
    #[default]
    Newest,
    /// The page of the next older rows.
    Before(K),
    /// The page of the next newer rows.
    After(K),
}

impl<K: Copy> Position<K> {
    /// Returns the key that the rows of the page lie beyond.
    pub fn key(self) -> Option<K> {
        match self {
            Self::Newest => None,
            Self::Before(key) | Self::After(key) => Some(key),
        }
    }

    /// Returns SQL's operator between a row's key and [`Self::key`], and the order in which a statement asks for the rows: those
    /// next to the key come first.
    pub fn comparison(self) -> (&'static str, &'static str) {
        match self {
            Self::Newest | Self::Before(_) => ("<", "desc"),
            Self::After(_) => (">", "asc"),
        }
    }
}

impl<K: PartialOrd> Position<K> {
    /// Returns whether a row with this key may stand on the page: it lies beyond the position's key.
    pub fn shows(self, row: K) -> bool {
        match self {
            Self::Newest => true,
            Self::Before(key) => row < key,
            Self::After(key) => row > key,
        }
    }
}

/// Some rows of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, K> {
    pub rows: Vec<T>,
    /// Where there are newer rows: the key that [`Position::After`] takes to them.
    pub newer: Option<K>,
    /// Where there are older rows: the key that [`Position::Before`] takes to them.
    pub older: Option<K>,
}

impl<T, K: Copy> Page<T, K> {
    /// Makes a page of rows that lie beyond the position's key, in the order of [`Position::comparison`]. One row more than `limit`
    /// says that there are more.
    pub fn new(mut rows: Vec<T>, position: Position<K>, limit: u32, key: impl Fn(&T) -> K) -> Self {
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let (newer, older) = match position {
            Position::Newest => (false, more),
            // The row of the key is newer than all rows of the page.
            Position::Before(_) => (true, more),
            Position::After(_) => {
                rows.reverse();
                (more, true)
            }
        };
        let newer = rows.first().filter(|_| newer).map(&key);
        let older = rows.last().filter(|_| older).map(&key);
        Self { rows, newer, older }
    }
}

/// A place in a list by time: the place of the row with this time and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    pub at: Timestamp,
    pub id: Uuid,
}

/// Writes 48 hexadecimal digits: 16 of the time, 32 of the id.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{}", self.at.as_millis(), self.id.simple())
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
        Ok(Self { at: Timestamp::from_millis(millis), id: Uuid::try_parse(id).map_err(|_| BadCursor)? })
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
