//! Makes chunks of persons.

use uuid::Uuid;

use super::{Chunk, Conversion, NEXT_VISITOR, NewPerson, Person, User};
use crate::{attribution::facts::texts::Text, timestamp::Timestamp};

/// A chunk has at most this many persons and touches together, unless one person has more. Tests have small chunks, so that
/// their few rows fill many.
const LARGEST: usize = if cfg!(test) { 24 } else { 8_192 };
/// Larger chunks are divided into chunks of at most this size, so that some changes fit into each.
const DIVIDED: usize = LARGEST / 4 * 3;

/// Returns the chunks that replace `chunk` after some persons changed. `changed` is sorted by id. The changed persons' former
/// facts are left out.
pub(in crate::attribution::facts) fn replace(chunk: &Chunk, changed: &[(Uuid, NewPerson)]) -> Vec<Chunk> {
    let size = chunk.size() + changed.iter().map(|(_, person)| person.size()).sum::<usize>();
    let mut builder = Builder { largest: if size > LARGEST { DIVIDED } else { LARGEST }, ..Builder::default() };
    let mut changed = changed.iter().peekable();
    for person in chunk.persons() {
        let id = person.id();
        while let Some((new, content)) = changed.next_if(|(new, _)| *new < id) {
            builder.add(*new, content);
        }
        match changed.next_if(|(new, _)| *new == id) {
            Some((_, content)) => builder.add(id, content),
            None => builder.copy(&person),
        }
    }
    changed.for_each(|(new, content)| builder.add(*new, content));
    builder.finish()
}

/// The columns of a chunk: see [`Chunk`].
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub ids: Vec<Uuid>,
    pub ends: Vec<u32>,
    pub times: Vec<Timestamp>,
    pub tuples: Vec<u32>,
    pub pages: Vec<u32>,
    pub repeats: Vec<(u32, u32)>,
    pub users: Vec<User>,
    pub conversions: Vec<Conversion>,
}

impl Columns {
    /// Makes a chunk. Each of its columns has exactly the memory that it needs. These columns are empty afterwards, and keep their
    /// memory for the next chunk.
    pub fn take(&mut self) -> Chunk {
        fn column<T: Copy>(values: &mut Vec<T>) -> Box<[T]> {
            let column = values.as_slice().into();
            values.clear();
            column
        }
        let times = self.times.iter().chain(self.users.iter().map(|user| &user.created_at));
        let all = times.chain(self.conversions.iter().map(|conversion| &conversion.occurred_at)).copied();
        let span = all.fold(None, |span: Option<(Timestamp, Timestamp)>, at| {
            Some(span.map_or((at, at), |(first, last)| (first.min(at), last.max(at))))
        });
        let mut kinds: Vec<Text> = self.conversions.iter().map(|conversion| conversion.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        Chunk {
            kinds: kinds.into(),
            ids: column(&mut self.ids),
            ends: column(&mut self.ends),
            times: column(&mut self.times),
            tuples: column(&mut self.tuples),
            pages: column(&mut self.pages),
            repeats: column(&mut self.repeats),
            users: column(&mut self.users),
            conversions: column(&mut self.conversions),
            span,
        }
    }
}

/// Puts chunks together. Persons come in the order of their ids.
#[derive(Debug)]
pub(in crate::attribution::facts) struct Builder {
    largest: usize,
    done: Vec<Chunk>,
    /// The chunk that is being filled.
    columns: Columns,
}

impl Default for Builder {
    fn default() -> Self {
        Self { largest: DIVIDED, done: Vec::new(), columns: Columns::default() }
    }
}

impl Builder {
    /// Adds a person, unless reports need not know of the person.
    pub(in crate::attribution::facts) fn add(&mut self, id: Uuid, person: &NewPerson) {
        if !person.counts() {
            return;
        }
        self.make_room(person.size());
        let mut visitor = person.touches.first().map(|touch| touch.visitor);
        for touch in &person.touches {
            let next = visitor.replace(touch.visitor) != Some(touch.visitor);
            if touch.repeats > 0 {
                self.columns.repeats.push((self.columns.times.len() as u32, touch.repeats));
            }
            self.columns.times.push(touch.at);
            self.columns.tuples.push(touch.tuple.0);
            self.columns.pages.push(touch.page.0 | if next { NEXT_VISITOR } else { 0 });
        }
        self.end(id, person.created_at, &person.conversions);
    }

    fn copy(&mut self, person: &Person<'_>) {
        let (start, end) = person.touches;
        self.make_room(1 + end - start);
        let first = self.columns.times.len();
        self.columns.repeats.extend(person.repeats().map(|(place, times)| ((first + place) as u32, times)));
        self.columns.times.extend_from_slice(&person.chunk.times[start..end]);
        self.columns.tuples.extend_from_slice(&person.chunk.tuples[start..end]);
        self.columns.pages.extend_from_slice(&person.chunk.pages[start..end]);
        self.end(person.id(), person.user.map(|user| user.created_at), person.conversions());
    }

    fn end(&mut self, id: Uuid, created_at: Option<Timestamp>, conversions: &[Conversion]) {
        if let Some(created_at) = created_at {
            self.columns.conversions.extend_from_slice(conversions);
            let (person, end) = (self.columns.ids.len() as u32, self.columns.conversions.len() as u32);
            self.columns.users.push(User { created_at, person, end });
        }
        self.columns.ids.push(id);
        self.columns.ends.push(self.columns.times.len() as u32);
    }

    fn make_room(&mut self, size: usize) {
        if !self.columns.ids.is_empty() && self.columns.ids.len() + self.columns.times.len() + size > self.largest {
            self.finish_chunk();
        }
    }

    fn finish_chunk(&mut self) {
        self.done.push(self.columns.take());
    }

    pub(in crate::attribution::facts) fn finish(mut self) -> Vec<Chunk> {
        if !self.columns.ids.is_empty() {
            self.finish_chunk();
        }
        self.done
    }
}
