//! A time zone may change its offset at any hour, midnight included. So this module does no arithmetic on hours. The first
//! instant of each day comes from the time zone database, and everything else is calendar arithmetic on dates.

use jiff::{
    ToSpan,
    civil::{Date, date},
    tz::TimeZone,
};

use super::parameters::Parameters;
use crate::{
    timestamp::{Range, Timestamp},
    word_enum::word_enum,
};

/// The longest period that is shown day by day, in days.
const LONGEST_BY_DAY: i64 = 92;
/// The longest period that is shown week by week, in days.
const LONGEST_BY_WEEK: i64 = 370;

/// The first day that a period can name: nothing in the database is older than the epoch.
pub const FIRST_DAY: Date = date(1970, 1, 1);
/// The last day that a period can name; jiff's calendar ends soon after it.
pub const LAST_DAY: Date = date(9998, 12, 31);

word_enum! {
    /// A period by name. Tomorrow the name stands for other days. The text is the value of the query parameter `period`.
    pub enum Preset {
        Days7 = "7d",
        Days30 = "30d",
        Days90 = "90d",
        Months12 = "12m",
        All = "all",
    }
}

/// Whole days in a time zone. A missing end is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Period {
    pub from: Option<Date>,
    /// The last day, which belongs to the period.
    pub to: Option<Date>,
    pub tz: TimeZone,
    /// The name by which the period was asked for.
    pub preset: Option<Preset>,
}

/// One place on the time axis of a chart: a day, or the part of a week or month that lies in the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub from: Date,
    /// The last day.
    pub to: Date,
}

/// The length of a [`Bucket`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    Day,
    /// From Monday.
    Week,
    Month,
}

impl Period {
    /// Reads `from`, `to`, `period` and `tz`. Without the first three parameters, the period is `default`. `now` tells which day
    /// is today.
    pub(super) fn parse(parameters: &mut Parameters<'_>, default: Preset, now: Timestamp) -> Self {
        let tz = parameters
            .read("tz", zone, |typed| format!("“{typed}” is not a time zone. Write it like Europe/Berlin or UTC."));
        let tz = tz.unwrap_or(TimeZone::UTC);
        let mut day = |name| {
            let read = |typed: &str| typed.parse::<Date>().ok().filter(|day| (FIRST_DAY..=LAST_DAY).contains(day));
            parameters.read(name, read, |typed| format!("“{typed}” is not a day. Write it like 2026-11-23."))
        };
        let (from, to) = (day("from"), day("to"));
        let preset = |typed: &str| Preset::from_word(&typed.to_ascii_lowercase());
        let preset = parameters
            .read("period", preset, |typed| format!("“{typed}” is not a period. Use 7d, 30d, 90d, 12m or all."));
        let reversed = from.zip(to).filter(|(from, to)| from > to);
        if let Some((from, to)) = reversed {
            parameters.problem("from", &from.to_string(), format!("The first day, {from}, is after the last."));
            parameters.problem("to", &to.to_string(), format!("The last day, {to}, is before the first."));
        }
        if reversed.is_some() || (from, to) == (None, None) {
            Self::preset(preset.unwrap_or(default), day_of(now, &tz), tz)
        } else {
            Self { from, to, tz, preset: None }
        }
    }

    /// Returns the period with this name, as of `today`.
    pub fn preset(preset: Preset, today: Date, tz: TimeZone) -> Self {
        let from = match preset {
            Preset::Days7 => Some(today.saturating_sub(6.days())),
            Preset::Days30 => Some(today.saturating_sub(29.days())),
            Preset::Days90 => Some(today.saturating_sub(89.days())),
            Preset::Months12 => Some(today.saturating_sub(12.months()).saturating_add(1.day())),
            Preset::All => None,
        };
        Self { from, to: from.map(|_| today), tz, preset: Some(preset) }
    }

    /// Returns the period from one day to another, both included.
    pub fn between(from: Date, to: Date, tz: TimeZone) -> Self {
        Self { from: Some(from), to: Some(to), tz, preset: None }
    }

    pub fn range(&self) -> Range {
        Range {
            start: self.from.map_or(Timestamp::MIN, |day| start_of_day(day, &self.tz)),
            end: self.to.map_or(Timestamp::MAX, |day| start_of_day(day.saturating_add(1.day()), &self.tz)),
        }
    }

    /// Returns the number of days, or `None` if an end is open.
    pub fn days(&self) -> Option<i64> {
        Some(days_between(self.from?, self.to?) + 1)
    }

    /// Returns the period of as many days that ends where this period begins, or `None` if an end is open.
    pub fn previous(&self) -> Option<Self> {
        let days = self.days()?;
        let back = |day: Date| day.checked_sub(days.days()).ok();
        Some(Self { from: Some(back(self.from?)?), to: Some(back(self.to?)?), tz: self.tz.clone(), preset: None })
    }

    /// Returns the period with both ends, as a chart needs it. An open start becomes the day of the first event. An
    /// open end becomes today, or the day of the last event where that is later. In a period longer than 370 days, the
    /// same happens to an end that lies outside of these days.
    ///
    /// `first` and `last` are the days of the first and the last event, where there are events.
    pub fn closed(&self, first: Option<Date>, last: Option<Date>, today: Date) -> Self {
        let (first, last) = (first.unwrap_or(today), last.unwrap_or(today).max(today));
        let long = self.days().is_none_or(|days| days > LONGEST_BY_WEEK);
        let from = self.from.filter(|from| !long || *from >= first).unwrap_or(first.min(self.to.unwrap_or(first)));
        let to = self.to.filter(|to| !long || *to <= last).unwrap_or(last.max(from));
        Self { from: Some(from), to: Some(to), tz: self.tz.clone(), preset: self.preset }
    }

    /// Returns how a chart divides the period: by day; by week where it is longer than 92 days; by month beyond 370.
    pub fn grain(&self) -> Grain {
        match self.days() {
            Some(..=LONGEST_BY_DAY) => Grain::Day,
            Some(..=LONGEST_BY_WEEK) => Grain::Week,
            _ => Grain::Month,
        }
    }

    /// Returns the places on the time axis. The buckets follow each other without a gap and cover the period. An open period has
    /// no buckets.
    pub fn buckets(&self) -> Vec<Bucket> {
        let (Some(mut from), Some(last)) = (self.from, self.to) else { return Vec::new() };
        let grain = self.grain();
        let mut buckets = Vec::new();
        while from <= last {
            let to = match grain {
                Grain::Day => from,
                Grain::Week => from.saturating_add((6 - i64::from(from.weekday().to_monday_zero_offset())).days()),
                Grain::Month => from.last_of_month(),
            };
            let to = to.min(last);
            buckets.push(Bucket { from, to });
            from = to.saturating_add(1.day());
        }
        buckets
    }

    /// Returns the day of a time.
    pub fn day_of(&self, at: Timestamp) -> Date {
        day_of(at, &self.tz)
    }
}

impl Bucket {
    pub fn range(&self, tz: &TimeZone) -> Range {
        Range { start: start_of_day(self.from, tz), end: start_of_day(self.to.saturating_add(1.day()), tz) }
    }

    /// Returns the bucket moved back by a number of days.
    pub fn back(&self, days: i64) -> Self {
        let back = |day: Date| day.saturating_sub(days.days());
        Self { from: back(self.from), to: back(self.to) }
    }
}

/// Returns the day of a time in a time zone. Times beyond the calendar count as its ends.
pub fn day_of(at: Timestamp, tz: &TimeZone) -> Date {
    let end = if at < Timestamp::EPOCH { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    tz.to_datetime(at.to_jiff().unwrap_or(end)).date()
}

/// Returns the first instant of a day. The instant is not 00:00 where clocks go forward at midnight.
fn start_of_day(day: Date, tz: &TimeZone) -> Timestamp {
    let start = day.to_zoned(tz.clone()).and_then(|zoned| zoned.start_of_day());
    match start {
        Ok(start) => start.timestamp().into(),
        // A day beyond the calendar is an open end.
        Err(_) if day < FIRST_DAY => Timestamp::MIN,
        Err(_) => Timestamp::MAX,
    }
}

fn days_between(from: Date, to: Date) -> i64 {
    // both are dates, so the division is exact
    from.duration_until(to).as_secs() / 86_400
}

/// Finds a time zone by its IANA name. A time zone without such a name could not be written into a link again.
fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok().filter(|tz| tz.iana_name().is_some())
}
