//! The facts of some persons, as columns.

/// Makes chunks of persons.
mod builder;
/// The columns of a chunk in a snapshot.
mod stored;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(super) use self::builder::{Builder, replace};

use super::{
    dictionary::{PageNumber, TupleNumber},
    texts::Text,
};
use crate::{
    attribution::model::Minor,
    timestamp::{Range, Timestamp},
};

/// Marks the first touch of each visitor but the first of a person, in the column of pages.
const NEXT_VISITOR: u32 = 1 << 31;

/// A touch, as reports count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    pub at: Timestamp,
    pub tuple: TupleNumber,
    pub page: PageNumber,
    /// Whether the person's touches before this one are of another visitor.
    pub next_visitor: bool,
}

/// A user, as reports count one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub created_at: Timestamp,
    /// The place of the person in the chunk.
    person: u32,
    /// Where the user's conversions end in the chunk.
    end: u32,
}

/// A conversion, or a refund of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversion {
    /// The time by which periods count the conversion or refund.
    pub occurred_at: Timestamp,
    /// The end of the path: for a conversion its own time, for a refund the time of the refunded conversion.
    pub credited_at: Timestamp,
    /// Negative for a refund.
    pub value: Minor,
    /// For a refund, the refunded conversion's value less all earlier refunds; 0 for a conversion.
    pub before: Minor,
    pub kind: Text,
    pub currency: Option<Text>,
    pub is_refund: bool,
}

/// Some persons, sorted by id, and all that reports know of them.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    ids: Vec<Uuid>,
    /// Where each person's touches begin. A person who begins beyond a small number of rows begins the next chunk, so two bytes
    /// are enough.
    starts: Vec<u16>,
    /// The touches of a person stand in the order of their visitors' ids, then of time, then of their own ids.
    times: Vec<Timestamp>,
    tuples: Vec<u32>,
    pages: Vec<u32>,
    /// Touches that were seen again: their places, and how often again.
    repeats: Vec<(u32, u32)>,
    users: Vec<User>,
    /// The conversions of a user stand in the order of time, then of their ids.
    conversions: Vec<Conversion>,
    /// The first and the last time of a touch, sign-up or conversion.
    span: Option<(Timestamp, Timestamp)>,
    /// The kinds of the conversions. There are few.
    kinds: Vec<Text>,
}

/// A user with all visitors of that user, or a visitor of no user.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    chunk: &'a Chunk,
    place: usize,
    /// Where the person's touches begin and end.
    touches: (usize, usize),
    user: Option<&'a User>,
    /// Where the person's conversions begin.
    conversions: usize,
    /// Whether the person is a user in the list `found` of [`scan`](super::scan::scan).
    pub is_found: bool,
}

impl<'a> Person<'a> {
    /// Returns the id of the user, or of the visitor who belongs to no user.
    pub fn id(&self) -> Uuid {
        self.chunk.ids[self.place]
    }

    pub fn user(&self) -> Option<&'a User> {
        self.user
    }

    /// Returns the touches, in the order of visitors and then of time.
    pub fn touches(&self) -> impl Iterator<Item = Touch> + use<'a> {
        let (start, end) = self.touches;
        let Chunk { times, tuples, pages, .. } = self.chunk;
        times[start..end].iter().zip(&tuples[start..end]).zip(&pages[start..end]).map(|((&at, &tuple), &page)| Touch {
            at,
            tuple: TupleNumber(tuple),
            page: PageNumber(page & !NEXT_VISITOR),
            next_visitor: page & NEXT_VISITOR != 0,
        })
    }

    /// Returns whether a touch, the sign-up or a conversion lies in a range of time.
    pub(super) fn is_active(&self, range: Range) -> bool {
        let (start, end) = self.touches;
        self.chunk.times[start..end].iter().any(|&at| range.contains(at))
            || self.user.is_some_and(|user| range.contains(user.created_at))
            || self.conversions().iter().any(|conversion| range.contains(conversion.occurred_at))
    }

    /// Returns the conversions in the order of time.
    pub fn conversions(&self) -> &'a [Conversion] {
        match self.user {
            Some(user) => &self.chunk.conversions[self.conversions..user.end as usize],
            None => &[],
        }
    }

    /// Returns the touches that were seen again: the place among the person's touches, and how often again.
    pub fn repeats(&self) -> impl Iterator<Item = (usize, u32)> + use<'a> {
        let (start, end) = self.touches;
        let repeats = &self.chunk.repeats;
        let first = repeats.partition_point(|(place, _)| (*place as usize) < start);
        repeats[first..]
            .iter()
            .map(|&(place, times)| (place as usize, times))
            .take_while(move |(place, _)| *place < end)
            .map(move |(place, times)| (place - start, times))
    }
}

impl Chunk {
    /// Returns the chunk with its span and kinds.
    fn summed(mut self) -> Self {
        let times = self.times.iter().chain(self.users.iter().map(|user| &user.created_at));
        let all = times.chain(self.conversions.iter().map(|conversion| &conversion.occurred_at)).copied();
        self.span = all.map(|at| (at, at)).reduce(|(first, last), (at, _)| (first.min(at), last.max(at)));
        self.kinds = self.conversions.iter().map(|conversion| conversion.kind).collect();
        self.kinds.sort_unstable();
        self.kinds.dedup();
        self.kinds.shrink_to_fit();
        self
    }

    pub(super) fn first_id(&self) -> Option<Uuid> {
        self.ids.first().copied()
    }

    pub fn persons(&self) -> impl Iterator<Item = Person<'_>> {
        let (mut conversions, mut users) = (0, self.users.iter().peekable());
        self.starts.iter().enumerate().map(move |(place, &start)| {
            let end = self.starts.get(place + 1).map_or(self.times.len(), |&next| next.into());
            let user = users.next_if(|user| user.person as usize == place);
            let person =
                Person { chunk: self, place, touches: (start.into(), end), user, conversions, is_found: false };
            conversions = user.map_or(conversions, |user| user.end as usize);
            person
        })
    }

    pub(super) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span
    }

    pub(super) fn kinds(&self) -> &[Text] {
        &self.kinds
    }

    /// Adds the chunk's rows.
    pub(super) fn count(&self, counts: &mut Counts) {
        counts.touches += self.times.len();
        counts.persons += self.ids.len();
        counts.users += self.users.len();
        counts.conversions += self.conversions.len();
    }

    fn size(&self) -> usize {
        self.ids.len() + self.times.len()
    }
}

/// How many rows facts have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub touches: usize,
    pub persons: usize,
    pub users: usize,
    pub conversions: usize,
}

impl Counts {
    /// Returns how many bytes the columns take.
    pub(super) fn bytes(self) -> usize {
        self.touches * (size_of::<Timestamp>() + 2 * size_of::<u32>())
            + self.persons * (size_of::<Uuid>() + size_of::<u16>())
            + self.users * size_of::<User>()
            + self.conversions * size_of::<Conversion>()
    }
}

/// A person as read from the database.
#[derive(Clone, Debug, Default)]
pub(super) struct NewPerson {
    pub touches: Vec<NewTouch>,
    /// The time of the sign-up, if the person is a user.
    pub created_at: Option<Timestamp>,
    pub conversions: Vec<Conversion>,
}

/// A touch as read from the database, in the order of the touches in a [`Chunk`].
#[derive(Clone, Copy, Debug)]
pub(super) struct NewTouch {
    pub visitor: Uuid,
    pub at: Timestamp,
    pub tuple: TupleNumber,
    pub page: PageNumber,
    pub repeats: u32,
}

impl NewPerson {
    /// Returns whether reports need to know of the person. Visitors without touches mean nothing to them.
    fn counts(&self) -> bool {
        self.created_at.is_some() || !self.touches.is_empty()
    }

    fn size(&self) -> usize {
        1 + self.touches.len()
    }
}
