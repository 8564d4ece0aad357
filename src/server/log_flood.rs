//! Bounds how many lines the log gets in a second from one place in the code. An attack or a dead database would otherwise write a
//! line for each request, and fill the disk.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tracing::{Event, Level, Metadata, Subscriber, callsite};
use tracing_subscriber::layer::{Context, Layer};

/// How many lines one place in the code may write within [`WINDOW`].
const LINES: u32 = 10;
/// How many lines the events of accounts may write within [`WINDOW`]. All of them come from one place in the code, and a flood of
/// failures should not hide the one success.
const ACCOUNT_LINES: u32 = 80;
const ACCOUNT_TARGET: &str = "waymark::auth";
const WINDOW: Duration = Duration::from_secs(1);
/// How often the log says how many lines were left out.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// What each place in the code has written.
static PLACES: LazyLock<Arc<Flood>> = LazyLock::new(Arc::default);

/// Returns the layer that leaves lines out.
pub(super) fn flood() -> LogFlood {
    LogFlood(PLACES.clone())
}

/// A layer that leaves out the lines of a place in the code that writes too many. Lines below the level `info` are for
/// searching an error, and are not limited.
#[derive(Debug)]
pub(super) struct LogFlood(Arc<Flood>);

#[derive(Debug, Default)]
struct Flood(Mutex<HashMap<callsite::Identifier, Place>>);

#[derive(Debug)]
struct Place {
    metadata: &'static Metadata<'static>,
    since: Instant,
    lines: u32,
    left_out: u64,
}

impl<S: Subscriber> Layer<S> for LogFlood {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        *event.metadata().level() > Level::INFO || self.0.admits(event.metadata(), Instant::now())
    }
}

impl Flood {
    fn admits(&self, metadata: &'static Metadata<'static>, now: Instant) -> bool {
        let mut places = self.lock();
        let place = places.entry(metadata.callsite()).or_insert(Place { metadata, since: now, lines: 0, left_out: 0 });
        if now.duration_since(place.since) >= WINDOW {
            (place.since, place.lines) = (now, 0);
        }
        place.lines += 1;
        let most = if metadata.target() == ACCOUNT_TARGET { ACCOUNT_LINES } else { LINES };
        let admitted = place.lines <= most;
        place.left_out += u64::from(!admitted);
        admitted
    }

    /// Returns each place that wrote too many lines since the last call, with how many were left out.
    fn take(&self) -> Vec<(&'static Metadata<'static>, u64)> {
        let mut places = self.lock();
        let taken = places.values_mut().map(|place| (place.metadata, std::mem::take(&mut place.left_out)));
        taken.filter(|(_, left_out)| *left_out > 0).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<callsite::Identifier, Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says again and again how many lines were left out. Runs until the process ends.
pub(super) async fn tell() {
    loop {
        tokio::time::sleep(TOLD_EVERY).await;
        tell_once();
    }
}

/// Says how many lines were left out since the last time.
pub(super) fn tell_once() {
    for (metadata, lines) in PLACES.take() {
        metrics::counter!("waymark_log_lines_left_out_total").increment(lines);
        let place = format!("{}:{}", metadata.module_path().unwrap_or_default(), metadata.line().unwrap_or_default());
        tracing::warn!(lines, level = %metadata.level(), place, "lines like the ones before were left out");
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Counts what reaches the log.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<u32>>);

    impl<S: Subscriber> Layer<S> for Written {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            *self.0.lock().expect("a lock") += 1;
        }
    }

    #[test]
    fn a_place_writes_few_lines_a_second_and_silences_no_other_place() {
        let (flood, written) = (Arc::<Flood>::default(), Written::default());
        let subscriber = tracing_subscriber::registry().with(LogFlood(flood.clone())).with(written.clone());
        tracing::subscriber::with_default(subscriber, || {
            let began = Instant::now();
            for _ in 0..10_000 {
                tracing::error!("the database does not answer");
            }
            let windows = 1 + began.elapsed().as_secs() as u32;
            let flooded = *written.0.lock().expect("a lock");
            assert!((LINES..=LINES * windows).contains(&flooded), "{flooded}");
            tracing::error!("another place");
            assert_eq!(*written.0.lock().expect("a lock"), flooded + 1);
            let left_out: u64 = flood.take().iter().map(|(_, lines)| lines).sum();
            assert_eq!(left_out, u64::from(10_000 - flooded));
            assert!(flood.take().is_empty());
        });
    }

    #[test]
    fn the_next_second_has_lines_again() {
        let flood = Flood::default();
        let metadata = {
            static CALLSITE: callsite::DefaultCallsite = {
                static METADATA: Metadata<'static> = tracing::metadata! {
                    name: "test", target: "test", level: Level::WARN,
                    fields: tracing::fieldset!(), callsite: &CALLSITE, kind: tracing::metadata::Kind::EVENT
                };
                callsite::DefaultCallsite::new(&METADATA)
            };
            callsite::Callsite::metadata(&CALLSITE)
        };
        let now = Instant::now();
        let admitted = |at: Instant| (0..100).filter(|_| flood.admits(metadata, at)).count() as u32;
        assert_eq!(admitted(now), LINES);
        assert_eq!(admitted(now + WINDOW / 2), 0);
        assert_eq!(admitted(now + WINDOW), LINES);
    }
}
