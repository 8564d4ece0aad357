//! Lists that are read a page at a time, newest first.
//!
//! A page begins at a row, not at a number of rows. So rows that arrive meanwhile do not move the page, and somebody who goes from
//! page to page misses no row.

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

    /// Returns how the keys of the page's rows compare with [`Self::key`], and the order in which a statement asks for them: those
    /// next to the key come first.
    pub fn comparison(self) -> (&'static str, &'static str) {
        match self {
            Self::Newest | Self::Before(_) => ("<", "desc"),
            Self::After(_) => (">", "asc"),
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
