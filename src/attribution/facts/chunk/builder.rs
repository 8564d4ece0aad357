//! Makes chunks of persons.

use uuid::Uuid;

use super::{Chunk, Conversion, NEXT_VISITOR, NewPerson, Person, User};
use crate::timestamp::Timestamp;

/// A chunk has at most this many persons and touches together, unless one person has more. Tests have small chunks, so that
/// their few rows fill many.
const LARGEST: usize = if cfg!(test) { 24 } else { 8_192 };
const _: () = assert!(LARGEST <= u16::MAX as usize, "a chunk notes in two bytes where a person's touches begin");
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

/// Puts chunks together. Persons come in the order of their ids.
#[derive(Debug)]
pub(in crate::attribution::facts) struct Builder {
    largest: usize,
    done: Vec<Chunk>,
    /// The chunk that is being filled.
    chunk: Chunk,
}

impl Default for Builder {
    fn default() -> Self {
        Self { largest: DIVIDED, done: Vec::new(), chunk: Chunk::default() }
    }
}

impl Builder {
    /// Adds a person, unless reports need not know of the person.
    pub(in crate::attribution::facts) fn add(&mut self, id: Uuid, person: &NewPerson) {
        if !person.counts() {
            return;
        }
        self.make_room(person.size());
        let first = self.chunk.times.len();
        let mut visitor = person.touches.first().map(|touch| touch.visitor);
        for touch in &person.touches {
            let next = visitor.replace(touch.visitor) != Some(touch.visitor);
            if touch.repeats > 0 {
                self.chunk.repeats.push((self.chunk.times.len() as u32, touch.repeats));
            }
            self.chunk.times.push(touch.at);
            self.chunk.tuples.push(touch.tuple.0);
            self.chunk.pages.push(touch.page.0 | if next { NEXT_VISITOR } else { 0 });
        }
        self.end(id, first, person.created_at, &person.conversions);
    }

    fn copy(&mut self, person: &Person<'_>) {
        let (start, end) = person.touches;
        self.make_room(1 + end - start);
        let first = self.chunk.times.len();
        self.chunk.repeats.extend(person.repeats().map(|(place, times)| ((first + place) as u32, times)));
        self.chunk.times.extend_from_slice(&person.chunk.times[start..end]);
        self.chunk.tuples.extend_from_slice(&person.chunk.tuples[start..end]);
        self.chunk.pages.extend_from_slice(&person.chunk.pages[start..end]);
        self.end(person.id(), first, person.user.map(|user| user.created_at), person.conversions());
    }

    /// Ends the person whose touches begin at `first`.
    fn end(&mut self, id: Uuid, first: usize, created_at: Option<Timestamp>, conversions: &[Conversion]) {
        if let Some(created_at) = created_at {
            self.chunk.conversions.extend_from_slice(conversions);
            let (person, end) = (self.chunk.ids.len() as u32, self.chunk.conversions.len() as u32);
            self.chunk.users.push(User { created_at, person, end });
        }
        self.chunk.ids.push(id);
        self.chunk.starts.push(first as u16);
    }

    fn make_room(&mut self, size: usize) {
        if !self.chunk.ids.is_empty() && self.chunk.ids.len() + self.chunk.times.len() + size > self.largest {
            self.finish_chunk();
        }
    }

    fn finish_chunk(&mut self) {
        // A copy of a column has exactly the memory that it needs.
        self.done.push(std::mem::take(&mut self.chunk).clone().summed());
    }

    pub(in crate::attribution::facts) fn finish(mut self) -> Vec<Chunk> {
        if !self.chunk.ids.is_empty() {
            self.finish_chunk();
        }
        self.done
    }
}
