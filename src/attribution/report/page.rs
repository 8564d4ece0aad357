//! Lists by time, a page at a time: see [`crate::db::page`].

use std::cmp::Reverse;

use super::Range;
use crate::{
    attribution::facts::Text,
    db::{
        Query,
        page::{Cursor, Page, Position},
        sql,
    },
    id::UserId,
    timestamp::{MILLISECOND, Timestamp},
};

/// Returns the part of a period that has the page: up to the time of the cursor.
fn within(position: Position<Cursor>, mut period: Range) -> Range {
    match position {
        Position::Newest => {}
        Position::Before(cursor) => period.end = period.end.min(cursor.at + MILLISECOND),
        Position::After(cursor) => period.start = period.start.max(cursor.at),
    }
    period
}

/// Chooses the places whose rows a page needs, in the order in which the rows come. The page may need one row more than `limit`,
/// which tells [`Found::page`] that there are more.
///
/// Several rows may have the time of the cursor, or the time at the end of the page. Only their ids, which places do not have,
/// tell which of them the page shows. So all of these places are chosen.
fn choose(position: Position<Cursor>, mut places: Vec<Place>, limit: u32) -> Vec<Place> {
    let needed = position.key().map_or(0, |cursor| places.iter().filter(|place| place.at == cursor.at).count())
        + limit as usize
        + 1;
    let order = |one: &Place, other: &Place| match position {
        Position::Newest | Position::Before(_) => other.at.cmp(&one.at),
        Position::After(_) => one.at.cmp(&other.at),
    };
    if places.len() > needed {
        let (_, last, rest) = places.select_nth_unstable_by(needed - 1, order);
        let last = last.at;
        let tied: Vec<Place> = rest.iter().copied().filter(|place| place.at == last).collect();
        places.truncate(needed);
        places.extend(tied);
    }
    places.sort_unstable_by(order);
    places
}

/// Where facts found a row of a list: the user and the time. Facts do not know the ids of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pub at: Timestamp,
    pub user: UserId,
    /// The kind of a conversion. A user may have conversions of several kinds at one moment, and the filter finds some of them.
    pub kind: Option<Text>,
}

/// From this many places on, those that the page does not need are left out.
const MANY_PLACES: usize = if cfg!(test) { 8 } else { 1_024 };

/// Counts the rows of a list, and collects the places of those that a page needs.
pub(super) struct Places {
    position: Position<Cursor>,
    limit: u32,
    /// The part of the period that has the page.
    range: Range,
    count: i64,
    places: Vec<Place>,
    /// With this many places, those that the page does not need are left out.
    full: usize,
}

impl Places {
    pub fn new(position: Position<Cursor>, limit: u32, period: Range) -> Self {
        let range = within(position, period);
        Self { position, limit, range, count: 0, places: Vec::new(), full: MANY_PLACES }
    }

    /// Adds a row.
    pub fn add(&mut self, place: Place) {
        self.count += 1;
        if self.range.contains(place.at) {
            self.places.push(place);
        }
        if self.places.len() >= self.full {
            self.places = choose(self.position, std::mem::take(&mut self.places), self.limit);
            self.full = MANY_PLACES.max(2 * self.places.len());
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.places.extend(other.places);
    }

    pub fn finish(self) -> Found {
        let Self { position, limit, count, .. } = self;
        Found { position, limit, count, places: choose(position, self.places, limit) }
    }
}

/// The rows of a list that facts found. Their contents are read from the database.
#[derive(Clone, Debug)]
pub struct Found {
    position: Position<Cursor>,
    limit: u32,
    /// How many rows the whole list has.
    pub count: i64,
    /// Where the rows of the page are, in the order in which they come.
    pub(super) places: Vec<Place>,
}

impl Found {
    /// Divides the rows into parts of `size` rows, or a few more: the rows of one place come together. There is one part at
    /// least, which may be empty.
    pub fn parts(mut self, size: usize) -> Vec<Self> {
        self.places.sort_unstable_by_key(|place| Reverse(*place));
        let mut parts = vec![Vec::new()];
        for place in self.places {
            match parts.last_mut() {
                Some(part) if part.len() < size || part.last() == Some(&place) => part.push(place),
                _ => parts.push(vec![place]),
            }
        }
        let Self { position, limit, count, .. } = self;
        parts.into_iter().map(|places| Self { position, limit, count, places }).collect()
    }

    /// Makes a page of the rows at the places. The rows may come in any order.
    pub(super) fn page<T>(&self, mut rows: Vec<T>, cursor: impl Fn(&T) -> Cursor) -> Page<T, Cursor> {
        rows.retain(|row| self.position.shows(cursor(row)));
        match self.position {
            Position::Newest | Position::Before(_) => rows.sort_by_key(|row| Reverse(cursor(row))),
            Position::After(_) => rows.sort_by_key(&cursor),
        }
        Page::new(rows, self.position, self.limit, cursor)
    }
}

/// Returns a statement that begins with the places as the table `place` of `user_id` and `occurred_at`. `rest` goes on from there.
pub(super) fn at_places(places: &[Place], rest: &str) -> Query {
    let mut places: Vec<(UserId, Timestamp)> = places.iter().map(|place| (place.user, place.at)).collect();
    places.sort_unstable();
    places.dedup();
    let rows: Vec<String> = (0..places.len()).map(|row| format!("(${}, ${})", 2 * row + 1, 2 * row + 2)).collect();
    let text = format!("with place (user_id, occurred_at) as (values {}) {rest}", rows.join(", "));
    places.iter().fold(sql(text), |query, &(user, at)| query.bind(user).bind(at))
}
