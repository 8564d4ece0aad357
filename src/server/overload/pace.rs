//! How many requests are served at the same time. The number follows how long a task waits for the processor.
//!
//! Requests that wait for the database or for a password's hash cost the processor nothing, and many may wait at once. Requests
//! that render pages all want the processor. Each further request makes all of them slower, and also the 503 with which further
//! requests are refused. So the number falls quickly while tasks wait for the processor, and rises again when they do not. TCP
//! finds the rate that a network carries in the same way.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    thread::available_parallelism,
    time::{Duration, Instant},
};

use tokio::time::sleep;

/// The most places.
const MOST: usize = 1_024;
/// The fewest places, for each core. A core renders some thousand pages a second, so the last of them waits some hundredths of a
/// second. A debug build is much slower, and has no visitors who would wait.
const FEWEST_OF_A_CORE: usize = if cfg!(debug_assertions) { 256 } else { 64 };
/// How often the wait for the processor is measured.
const EVERY: Duration = Duration::from_millis(10);
/// A wait from which on there are too many requests. No visitor notices a wait of some hundredths of a second, and a refused landing
/// is lost. 256 connections that ask without a pause cause waits of 10 ms on two cores.
const LONG: Duration = Duration::from_millis(25);

/// How many places there are.
#[derive(Debug)]
pub(super) struct Pace {
    places: AtomicUsize,
    fewest: usize,
}

impl Pace {
    /// Starts to measure. Without a runtime, as in a test, the number does not change.
    pub(super) fn start() -> Arc<Self> {
        let fewest = FEWEST_OF_A_CORE * available_parallelism().map_or(1, usize::from);
        let pace = Arc::new(Self { places: AtomicUsize::new(MOST), fewest: fewest.min(MOST) });
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(measure(Arc::downgrade(&pace)));
        }
        pace
    }

    pub(super) fn places(&self) -> usize {
        self.places.load(Ordering::Relaxed)
    }
}

/// Adapts the number of places until nobody uses the pace any more.
async fn measure(pace: Weak<Pace>) {
    loop {
        let began = Instant::now();
        sleep(EVERY).await;
        let waited = began.elapsed().saturating_sub(EVERY);
        let Some(pace) = pace.upgrade() else { return };
        let places = next(pace.places(), pace.fewest, waited);
        pace.places.store(places, Ordering::Relaxed);
        metrics::gauge!("waymark_places").set(places as f64);
    }
}

/// Returns the number of places after a task waited this long for the processor.
fn next(places: usize, fewest: usize, waited: Duration) -> usize {
    if waited >= LONG { (places / 4 * 3).max(fewest) } else { (places + places / 32 + 1).min(MOST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_become_fewer_at_once_and_many_again_in_seconds() {
        let mut places = MOST;
        let mut steps = 0;
        while places > 32 {
            places = next(places, 32, Duration::from_millis(25));
            steps += 1;
        }
        assert!(EVERY * steps < Duration::from_millis(200), "{steps}");
        assert_eq!(next(places, 32, Duration::from_secs(1)), 32);
        while places < MOST {
            places = next(places, 32, Duration::from_millis(1));
            steps += 1;
        }
        assert!(EVERY * steps < Duration::from_secs(3), "{steps}");
    }
}
