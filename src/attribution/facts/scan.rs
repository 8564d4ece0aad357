use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use uuid::Uuid;

use super::{Facts, Person};
use crate::timestamp::Range;

/// Fewer touches than this are counted by one thread, which takes less time than starting another.
const WORTH_A_THREAD: usize = 50_000;
/// The most threads.
const MOST_THREADS: usize = 8;

/// Counts something over all persons.
///
/// Each thread has a tally of its own, which counts some of the persons. So a tally must not depend on the order of persons.
pub trait Tally: Send {
    fn add(&mut self, person: &Person<'_>);

    /// Adds what another thread counted.
    fn merge(&mut self, other: Self);
}

/// Counts the persons with a touch, a sign-up or a conversion in a range of time. `new` returns an empty tally. `found` is a
/// sorted list of ids: [`Person::is_found`] is set for the users in it.
pub fn scan<T: Tally>(facts: &Facts, range: Range, found: &[Uuid], new: impl Fn() -> T + Sync) -> T {
    let next = AtomicUsize::new(0);
    let count = || {
        let mut tally = new();
        while let Some(chunk) = facts.chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some((first, last)) = chunk.span() else { continue };
            if last < range.start || range.end <= first {
                continue;
            }
            let all = range.contains(first) && range.contains(last);
            let mut found = &found[found.partition_point(|id| Some(*id) < chunk.first_id())..];
            for mut person in chunk.persons().filter(|person| all || person.is_active(range)) {
                if person.user().is_some() {
                    // Both are in the order of ids.
                    let before = found.iter().take_while(|id| **id < person.id()).count();
                    found = &found[before..];
                    person.is_found = found.first() == Some(&person.id());
                }
                tally.add(&person);
            }
        }
        tally
    };
    let cores = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let others = cores.min(facts.counts().touches / WORTH_A_THREAD).saturating_sub(1);
    thread::scope(|scope| {
        let others: Vec<_> = (0..others).map(|_| scope.spawn(count)).collect();
        let mut all = count();
        for other in others {
            match other.join() {
                Ok(tally) => all.merge(tally),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

impl<T: Tally> Tally for Option<T> {
    fn add(&mut self, person: &Person<'_>) {
        if let Some(tally) = self {
            tally.add(person);
        }
    }

    fn merge(&mut self, other: Self) {
        if let (Some(tally), Some(other)) = (self, other) {
            tally.merge(other);
        }
    }
}

impl<T: Tally> Tally for Vec<T> {
    fn add(&mut self, person: &Person<'_>) {
        self.iter_mut().for_each(|tally| tally.add(person));
    }

    fn merge(&mut self, other: Self) {
        self.iter_mut().zip(other).for_each(|(tally, other)| tally.merge(other));
    }
}

/// Several tallies count in one pass.
macro_rules! tuples_of_tallies {
    ($(($($tally:ident $other:ident),+);)+) => {$(
        #[allow(non_snake_case, reason = "a variable has the name of its type")]
        impl<$($tally: Tally),+> Tally for ($($tally,)+) {
            fn add(&mut self, person: &Person<'_>) {
                let ($($tally,)+) = self;
                $($tally.add(person);)+
            }

            fn merge(&mut self, other: Self) {
                let ($($tally,)+) = self;
                let ($($other,)+) = other;
                $($tally.merge($other);)+
            }
        }
    )+};
}

tuples_of_tallies! {
    (A a, B b);
    (A a, B b, C c);
    (A a, B b, C c, D d, E e);
}
