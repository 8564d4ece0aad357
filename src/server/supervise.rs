//! Starts background work again after it failed.

use std::time::Duration;

use tokio::task::JoinSet;

/// The wait after the first failure. Each further one doubles the wait, up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(5);

/// Runs work that should never end. When it panics or ends, the log says so, and the work starts again after a while. Dropping the
/// returned future ends the work.
pub(super) async fn forever<F>(name: &'static str, work: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    again_after(FIRST, name, work).await;
}

async fn again_after<F>(first: Duration, name: &'static str, work: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut wait = first;
    loop {
        // The set ends its task when it is dropped.
        let mut task = JoinSet::new();
        task.spawn(work());
        let began = tokio::time::Instant::now();
        let ended = task.join_next().await;
        let panicked = ended.is_some_and(|ended| ended.is_err());
        metrics::counter!("waymark_housekeeping_failures_total", "work" => name).increment(1);
        // Work that ran for long has recovered from the failure before.
        wait = if began.elapsed() > 2 * LONGEST { first } else { wait };
        // The panic hook logs the panic itself.
        tracing::error!(work = name, panicked, seconds = wait.as_secs(), "background work ended and starts again");
        tokio::time::sleep(wait).await;
        wait = (2 * wait).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn work_that_panics_starts_again_until_it_is_dropped() {
        let rounds = Arc::new(AtomicUsize::new(0));
        let counted = rounds.clone();
        let work = again_after(Duration::from_millis(1), "test", move || {
            let counted = counted.clone();
            async move {
                let round = counted.fetch_add(1, Ordering::Relaxed);
                assert!(round >= 3, "a panic in round {round}");
                std::future::pending().await
            }
        });
        let waited = tokio::time::timeout(Duration::from_secs(1), work).await;
        assert!(waited.is_err(), "it runs");
        assert_eq!(rounds.load(Ordering::Relaxed), 4);
    }
}
