//! Puts touches that come in any order into the order of facts.

use std::{collections::BTreeSet, vec};

use uuid::Uuid;

use super::chunk::{Builder, Chunk, NewPerson, NewTouch};
use crate::timestamp::Timestamp;

/// Into how many parts visitors are divided. Each part is sorted by itself, and its memory is given back before the next one.
const PARTS: u128 = 64;

/// Touches in the order in which the database has them.
#[derive(Debug)]
pub(super) struct Unsorted {
    /// The smallest id of a visitor, and how many ids a part has.
    first: u128,
    width: u128,
    /// The touches of visitors who belong to no user. Each part has the visitors of a range of ids.
    unlinked: Vec<Vec<NewTouch>>,
    /// The touches of visitors who belong to a user: with the place of the user.
    linked: Vec<(u32, NewTouch)>,
    len: usize,
}

impl Unsorted {
    /// Most visitors have ids from `first` to `last`.
    pub fn new(first: Uuid, last: Uuid) -> Self {
        let (first, last) = (first.as_u128(), last.as_u128());
        let width = last.saturating_sub(first) / PARTS + 1;
        Self { first, width, unlinked: vec![Vec::new(); PARTS as usize], linked: Vec::new(), len: 0 }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Adds a touch. `user` is the place of the visitor's user, if the visitor has one.
    pub fn add(&mut self, user: Option<u32>, touch: NewTouch) {
        self.len += 1;
        match user {
            Some(user) => self.linked.push((user, touch)),
            None => {
                let part = touch.visitor.as_u128().saturating_sub(self.first) / self.width;
                self.unlinked[part.min(PARTS - 1) as usize].push(touch);
            }
        }
    }

    /// Makes chunks. `users` are sorted by id, and have no touches yet.
    ///
    /// Touches of one visitor and moment belong into the order of their ids, which are not known here. Also returns the visitors
    /// who have different touches at one moment.
    pub fn into_chunks(self, users: Vec<(Uuid, NewPerson)>) -> (Vec<Chunk>, BTreeSet<Uuid>) {
        let mut visitors = Visitors { parts: self.unlinked.into_iter(), touches: Vec::new().into_iter().peekable() };
        let mut linked = self.linked;
        linked.sort_unstable_by_key(|(user, touch)| (*user, order(touch)));
        let mut linked = linked.into_iter().peekable();
        let mut persons = Persons { builder: Builder::default(), undecided: BTreeSet::new() };
        for ((id, mut person), place) in users.into_iter().zip(0..) {
            persons.add_visitors(&mut visitors, Some(id));
            person
                .touches
                .extend(std::iter::from_fn(|| linked.next_if(|(user, _)| *user == place)).map(|(_, touch)| touch));
            persons.add(id, &person);
        }
        persons.add_visitors(&mut visitors, None);
        (persons.builder.finish(), persons.undecided)
    }
}

/// The order of a person's touches, as far as it is known.
fn order(touch: &NewTouch) -> (Uuid, Timestamp) {
    (touch.visitor, touch.at)
}

/// The touches of visitors who belong to no user, by visitor and time.
struct Visitors {
    parts: vec::IntoIter<Vec<NewTouch>>,
    /// The rest of the part at hand.
    touches: std::iter::Peekable<vec::IntoIter<NewTouch>>,
}

impl Visitors {
    /// Takes the next touch if it is wanted.
    fn next_if(&mut self, wanted: impl FnOnce(&NewTouch) -> bool) -> Option<NewTouch> {
        while self.touches.peek().is_none() {
            let mut part = self.parts.next()?;
            part.sort_unstable_by_key(order);
            self.touches = part.into_iter().peekable();
        }
        self.touches.next_if(wanted)
    }
}

/// Persons in the order of their ids.
struct Persons {
    builder: Builder,
    undecided: BTreeSet<Uuid>,
}

impl Persons {
    /// Adds the visitors with smaller ids than `end`, or all.
    fn add_visitors(&mut self, visitors: &mut Visitors, end: Option<Uuid>) {
        let mut person = NewPerson::default();
        while let Some(first) = visitors.next_if(|touch| end.is_none_or(|end| touch.visitor < end)) {
            person.touches.clear();
            person.touches.push(first);
            while let Some(next) = visitors.next_if(|touch| touch.visitor == first.visitor) {
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
