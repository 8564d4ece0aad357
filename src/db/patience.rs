use std::time::Duration;

/// How long a caller waits for its write to be committed. A write that ran out of time may still be committed, if it had begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The longest wait.
    pub total: Duration,
    /// The longest wait while another process holds SQLite's write lock, as for a `vacuum`.
    pub locked: Duration,
}

impl Patience {
    /// For what a person waits for, such as signing in.
    pub const LONG: Self = Self { total: Duration::from_secs(8), locked: Duration::from_secs(8) };
    /// For what can be kept elsewhere, such as a touch in the browser's cookie.
    pub const SHORT: Self = Self { total: Duration::from_secs(2), locked: Duration::from_millis(150) };
}
