//! Facts: a narrow copy of touches, links and conversions in memory, from which reports count.
//!
//! Reports count distinct visitors and users in any period, time zone and filter, and share credit over paths. Prepared sums cannot
//! tell these numbers, and a database takes seconds to count them among a million touches. One pass over facts takes
//! milliseconds.
//!
//! What always holds:
//! - Facts are a copy, never the truth. They are loaded when a report first asks, brought up to date before each answer, and
//!   dropped when nobody asks for a while.
//! - Facts that were brought up to date equal facts that are loaded anew.
//! - A report works with facts that do not change while it counts.
//!
//! The facts of a *person* stand together. A person is a user with all visitors of that user, or a visitor of no user. So a
//! report counts distinct visitors and users as it goes along. Persons are sorted by their ids, and ids are in the order of time.
//! So new persons mostly come at the end.
//!
//! Database triggers note every change in the table `fact_changes`: see [`changes`]. For each noted visitor and user, the facts of
//! the person are read again.

/// The changes since the facts were last brought up to date.
pub mod changes;
/// The facts of some persons, as columns.
mod chunk;
/// What many touches have in common.
mod dictionary;
/// Keeps the facts: loads them, brings them up to date, drops them.
pub mod keeper;
/// Reads the facts of some persons from the database.
mod load;
/// Reads all facts from the database.
mod load_all;
/// When facts are read from and written to disk.
mod on_disk;
/// Work that keeps no request waiting.
mod quiet;
/// Touches and conversions as read from the database.
mod rows;
/// Goes over all persons on several cores.
pub mod scan;
/// Facts on disk.
mod snapshot;
#[cfg(test)]
mod tests;
/// Texts and other values by number.
mod texts;
/// Puts touches that come in any order into the order of facts.
mod unsorted;

use std::{collections::BTreeSet, sync::Arc};

use uuid::Uuid;

use self::chunk::{Chunk, NewPerson};
pub use self::{
    chunk::{Conversion, Counts, Person, Touch, User},
    dictionary::{Campaign, CampaignNumber, Dictionary, Page, PageNumber, Tuple, TupleNumber},
    texts::{Text, Texts},
};
pub(crate) use self::{
    load::{conversions_of_users, touches_of_users},
    rows::{ConversionRow, TouchRow},
};
use crate::{db::Error, timestamp::Timestamp};

/// Why there are no facts.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoFacts {
    /// The facts are being loaded: touches read, and about how many there are.
    #[error("the facts are being loaded: {read} of about {total} touches")]
    Loading { read: usize, total: usize },
    /// The facts would take more memory than the setting allows.
    #[error("facts of {touches} touches do not fit into the {limit} bytes of FACTS_MEMORY")]
    TooLarge { touches: usize, limit: usize },
    #[error(transparent)]
    Database(#[from] Error),
}

/// The facts of all persons.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    dictionary: Dictionary,
    /// The chunks are in the order of their persons' ids, and none is empty.
    chunks: Vec<Arc<Chunk>>,
}

impl Facts {
    /// Makes facts of chunks, which are in the order of their persons' ids.
    fn new(dictionary: Dictionary, chunks: Vec<Chunk>) -> Self {
        Self { dictionary, chunks: chunks.into_iter().map(Arc::new).collect() }
    }

    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.chunks.iter().for_each(|chunk| chunk.count(&mut counts));
        counts
    }

    /// Returns the times of the first and the last touch, sign-up or conversion.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let spans = self.chunks.iter().filter_map(|chunk| chunk.span());
        spans.reduce(|(first, last), (other_first, other_last)| (first.min(other_first), last.max(other_last)))
    }

    /// Returns about how many bytes the facts take.
    pub fn bytes(&self) -> usize {
        self.counts().bytes() + self.dictionary.bytes() + self.chunks.len() * 2 * size_of::<Chunk>()
    }

    /// Returns the kinds of the conversions that there are, by name.
    pub fn kinds(&self) -> Vec<String> {
        let kinds = self.chunks.iter().flat_map(|chunk| chunk.kinds());
        let names: BTreeSet<&str> = kinds.map(|kind| self.dictionary.texts.get(*kind)).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Replaces the facts of some persons, sorted by id. A person of whom nothing is left is removed.
    fn replace(&mut self, changed: &[(Uuid, NewPerson)]) {
        let mut former = std::mem::take(&mut self.chunks).into_iter().peekable();
        if former.peek().is_none() {
            former = vec![Arc::default()].into_iter().peekable();
        }
        let mut rest = changed;
        while let Some(chunk) = former.next() {
            // A chunk also takes the new persons up to the first person of the next chunk.
            let next = former.peek().and_then(|next| next.first_id());
            let end = next.map_or(rest.len(), |next| rest.partition_point(|(id, _)| *id < next));
            let (own, others) = rest.split_at(end);
            rest = others;
            if own.is_empty() && chunk.first_id().is_some() {
                self.chunks.push(chunk);
            } else {
                self.chunks.extend(chunk::replace(&chunk, own).into_iter().map(Arc::new));
            }
        }
    }
}
