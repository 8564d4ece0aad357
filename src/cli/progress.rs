use std::{
    io::Write,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// The number of rows after which the next line is printed.
const STEP: u64 = 10_000;

/// Returns a function that prints a line to standard error each time another 10,000 rows are done: "20000 of 50000 leads". A
/// total of 0 means that the total is not known: "20000 leads read".
pub fn every_10_000(what: &'static str) -> impl Fn(u64, u64) {
    let steps = AtomicU64::new(0);
    move |done, of| {
        if steps.swap(done / STEP, Ordering::Relaxed) == done / STEP || done < STEP {
            return;
        }
        // a closed standard error is no reason to stop the command
        let _ = match of {
            0 => writeln!(std::io::stderr(), "{done} {what} read"),
            _ => writeln!(std::io::stderr(), "{done} of {of} {what}"),
        };
    }
}

/// The time between two lines of [`with_rate`].
const EVERY: Duration = Duration::from_secs(2);

/// Returns a function that prints how far a fill is, and how many rows of all tables a second were added since the last line:
/// "200000 of 1000000 touches, 90000 rows/s".
pub fn with_rate(what: &'static str) -> impl FnMut(u64, u64, u64) {
    let (mut since, mut rows_before) = (Instant::now(), 0);
    move |done, of, rows| {
        let time = since.elapsed();
        if time < EVERY && done < of {
            return;
        }
        let rate = (rows - rows_before) as f64 / time.as_secs_f64().max(0.001);
        let _ = writeln!(std::io::stderr(), "{done} of {of} {what}, {rate:.0} rows/s");
        (since, rows_before) = (Instant::now(), rows);
    }
}
