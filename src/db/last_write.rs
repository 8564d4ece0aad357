use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// When a write last succeeded. At the start, the start counts as a write.
#[derive(Debug)]
pub(super) struct LastWrite {
    start: Instant,
    /// Milliseconds since the start.
    at: AtomicU64,
}

impl Default for LastWrite {
    fn default() -> Self {
        Self { start: Instant::now(), at: AtomicU64::new(0) }
    }
}

impl LastWrite {
    pub(super) fn note(&self) {
        self.at.store(self.start.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    pub(super) fn is_older_than(&self, age: Duration) -> bool {
        let at = Duration::from_millis(self.at.load(Ordering::Relaxed));
        self.start.elapsed().saturating_sub(at) > age
    }
}
