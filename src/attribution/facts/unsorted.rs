//! Puts touches that come in any order into the order of facts.

use std::{cmp::Reverse, collections::BTreeSet};

use uuid::Uuid;

use super::chunk::{Builder, Chunk, NewPerson, NewTouch};
use crate::timestamp::Timestamp;

/// After this many touches were taken, the memory of those that are left is made smaller.
const SHRINK_EVERY: usize = if cfg!(test) { 16 } else { 1 << 18 };

/// Touches in the order in which the database has them.
#[derive(Debug, Default)]
pub(super) struct Unsorted {
    /// Of visitors who belong to no user.
    unlinked: Vec<NewTouch>,
    /// Of visitors who belong to a user: with the place of the user.
    linked: Vec<(u32, NewTouch)>,
}

impl Unsorted {
    /// Makes room for the touches of visitors who belong to no user. They are the most.
    pub fn with_capacity(touches: usize) -> Self {
        Self { unlinked: Vec::with_capacity(touches), linked: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.unlinked.len() + self.linked.len()
    }

    pub fn add(&mut self, user: Option<u32>, touch: NewTouch) {
        match user {
            Some(user) => self.linked.push((user, touch)),
            None => self.unlinked.push(touch),
        }
    }

    /// Makes chunks. `users` are sorted by id, and have no touches yet.
    ///
    /// Touches of one visitor and moment belong into the order of their ids, which are not known here. Also returns the visitors
    /// who have different touches at one moment.
    pub fn into_chunks(mut self, users: Vec<(Uuid, NewPerson)>) -> (Vec<Chunk>, BTreeSet<Uuid>) {
        // The first comes last. So touches are taken from the end, and their memory can be given back meanwhile.
        self.unlinked.sort_unstable_by_key(|touch| Reverse(order(touch)));
        self.linked.sort_unstable_by_key(|(user, touch)| Reverse((*user, order(touch))));
        let mut persons = Persons { builder: Builder::default(), undecided: BTreeSet::new() };
        for ((id, mut person), place) in users.into_iter().zip(0..) {
            persons.add_visitors(&mut self.unlinked, Some(id));
            while let Some((_, touch)) = take_if(&mut self.linked, |(user, _)| *user == place) {
                person.touches.push(touch);
            }
            persons.add(id, &person);
        }
        persons.add_visitors(&mut self.unlinked, None);
        (persons.builder.finish(), persons.undecided)
    }
}

/// The order of a person's touches, as far as it is known.
fn order(touch: &NewTouch) -> (Uuid, Timestamp) {
    (touch.visitor, touch.at)
}

/// Takes the last of some rows if it is wanted. Gives memory back from time to time.
fn take_if<T>(rows: &mut Vec<T>, wanted: impl FnOnce(&T) -> bool) -> Option<T> {
    let row = rows.pop_if(|row| wanted(row))?;
    if rows.len().is_multiple_of(SHRINK_EVERY) {
        rows.shrink_to_fit();
    }
    Some(row)
}

/// Persons in the order of their ids.
struct Persons {
    builder: Builder,
    undecided: BTreeSet<Uuid>,
}

impl Persons {
    /// Adds the visitors with smaller ids than `end`, or all.
    fn add_visitors(&mut self, touches: &mut Vec<NewTouch>, end: Option<Uuid>) {
        let mut person = NewPerson::default();
        while let Some(first) = take_if(touches, |touch| end.is_none_or(|end| touch.visitor < end)) {
            person.touches.clear();
            person.touches.push(first);
            while let Some(next) = take_if(touches, |touch| touch.visitor == first.visitor) {
                person.touches.push(next);
            }
            self.add(first.visitor, &person);
        }
    }

    fn add(&mut self, id: Uuid, person: &NewPerson) {
        let what = |touch: &NewTouch| (touch.tuple, touch.page, touch.repeats);
        for two in person.touches.windows(2) {
            if order(&two[0]) == order(&two[1]) && what(&two[0]) != what(&two[1]) {
                self.undecided.insert(two[0].visitor);
            }
        }
        self.builder.add(id, person);
    }
}
