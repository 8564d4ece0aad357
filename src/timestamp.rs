//! Moments in time. Spans of time are [`Duration`]s: `now - DAY` is a moment, `now - then` is a span.

use std::{
    ops::{Add, Sub},
    time::Duration,
};

use serde::{Deserialize, Serialize};

pub const MILLISECOND: Duration = Duration::from_millis(1);
pub const DAY: Duration = Duration::from_hours(24);

/// A moment in milliseconds since the Unix epoch, UTC. The database and the session store moments as this number.
///
/// Sums and differences that would overflow become [`Timestamp::MIN`] or [`Timestamp::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(transparent))]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const EPOCH: Self = Self(0);
    pub const MIN: Self = Self(i64::MIN);
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

#[cfg(feature = "ssr")]
impl Timestamp {
    /// Converts the moment for jiff. Errors: the moment is outside jiff's calendar, which has the years -9999 to 9999.
    pub fn to_jiff(self) -> Result<jiff::Timestamp, jiff::Error> {
        jiff::Timestamp::from_millisecond(self.0)
    }
}

#[cfg(feature = "ssr")]
impl From<jiff::Timestamp> for Timestamp {
    fn from(at: jiff::Timestamp) -> Self {
        Self(at.as_millisecond())
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }
}

/// The time from `earlier` to `self`. If `earlier` is the later moment, the time is zero, as for [`std::time::Instant`].
impl Sub for Timestamp {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        Duration::from_millis(if self > earlier { self.0.abs_diff(earlier.0) } else { 0 })
    }
}

/// Returns the number of whole days in a span: 47 hours → 1.
pub const fn whole_days(span: Duration) -> i64 {
    (span.as_secs() / DAY.as_secs()).cast_signed()
}

/// Returns a span in whole milliseconds. A span that is too long for the type becomes `i64::MAX`.
pub fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// A half-open range of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub start: Timestamp,
    /// The first millisecond after the range.
    pub end: Timestamp,
}

impl Range {
    /// All of time.
    pub const ALL: Self = Self { start: Timestamp::MIN, end: Timestamp::MAX };

    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_spans_add_up() {
        let (early, late) = (Timestamp::from_millis(-1_000), Timestamp::from_millis(500));
        assert_eq!(late - early, Duration::from_millis(1_500));
        assert_eq!(early - late, Duration::ZERO);
        assert_eq!(early + (late - early), late);
        assert_eq!(late - Duration::from_nanos(1_999_999), Timestamp::from_millis(499));
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_time() {
        assert_eq!(Timestamp::MAX + DAY, Timestamp::MAX);
        assert_eq!(Timestamp::MIN - Duration::MAX, Timestamp::MIN);
        assert_eq!(Timestamp::MAX - Timestamp::MIN, Duration::from_millis(u64::MAX));
    }
}
