use std::{
    io::Write,
    sync::atomic::{AtomicU64, Ordering},
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
