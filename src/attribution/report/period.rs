//! Periods: whole days in somebody's time zone.
//!
//! Time zones change their offset, at midnight too, so no arithmetic on hours stands here: the first instant of each day
//! comes from the time zone database, and everything else is calendar arithmetic on dates.

use crate::timestamp::Timestamp;
use jiff::{
    ToSpan,
    civil::{Date, date},
    tz::TimeZone,
};

/// The longest period that is shown day by day, in days.
const LONGEST_BY_DAY: i64 = 92;
/// The longest period that is shown week by week, in days.
const LONGEST_BY_WEEK: i64 = 370;

/// The first day a period can name: nothing here is older than the epoch.
pub const FIRST_DAY: Date = date(1970, 1, 1);
/// The last day a period can name; jiff's calendar ends soon after.
pub const LAST_DAY: Date = date(9998, 12, 31);

/// From the first millisecond to before the second: half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl Range {
    /// All of time.
    pub const ALL: Self = Self { start: Timestamp::MIN, end: Timestamp::MAX };

    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

/// A period by name. It moves on with the days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    Days7,
    Days30,
    Days90,
    Months12,
    All,
}

impl Preset {
    pub const EVERY: [Self; 5] = [Self::Days7, Self::Days30, Self::Days90, Self::Months12, Self::All];

    /// How the query parameter `period` names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Days7 => "7d",
            Self::Days30 => "30d",
            Self::Days90 => "90d",
            Self::Months12 => "12m",
            Self::All => "all",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|preset| preset.as_str().eq_ignore_ascii_case(text))
    }
}

/// Whole days in a time zone. An end that is missing is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Period {
    pub from: Option<Date>,
    /// The last day, which belongs to the period.
    pub to: Option<Date>,
    pub tz: TimeZone,
    /// The name it was asked for by.
    pub preset: Option<Preset>,
}

/// One place on the time axis: a day, or the part of a week or month that lies in the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub from: Date,
    /// The last day.
    pub to: Date,
}

/// How long a [`Bucket`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    Day,
    /// From Monday.
    Week,
    Month,
}

impl Period {
    /// The period with that name, as of `today`.
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

    /// From one day to another, both included.
    pub fn between(from: Date, to: Date, tz: TimeZone) -> Self {
        Self { from: Some(from), to: Some(to), tz, preset: None }
    }

    pub fn range(&self) -> Range {
        Range {
            start: self.from.map_or(Timestamp::MIN, |day| start_of_day(day, &self.tz)),
            end: self.to.map_or(Timestamp::MAX, |day| start_of_day(day.saturating_add(1.day()), &self.tz)),
        }
    }

    /// How many days it has; nothing where an end is open.
    pub fn days(&self) -> Option<i64> {
        Some(days_between(self.from?, self.to?) + 1)
    }

    /// The period of as many days that ends where this one begins.
    pub fn previous(&self) -> Option<Self> {
        let days = self.days()?;
        let back = |day: Date| day.checked_sub(days.days()).ok();
        Some(Self { from: Some(back(self.from?)?), to: Some(back(self.to?)?), tz: self.tz.clone(), preset: None })
    }

    /// The same with its open ends, and ends far from anything, brought to where the data is, so that it can be drawn.
    ///
    /// `first` and `last` are the days of the first and the last event, if there is one.
    pub fn closed(&self, first: Option<Date>, last: Option<Date>, today: Date) -> Self {
        let (first, last) = (first.unwrap_or(today), last.unwrap_or(today).max(today));
        let long = self.days().is_none_or(|days| days > LONGEST_BY_WEEK);
        let from = self.from.filter(|from| !long || *from >= first).unwrap_or(first.min(self.to.unwrap_or(first)));
        let to = self.to.filter(|to| !long || *to <= last).unwrap_or(last.max(from));
        Self { from: Some(from), to: Some(to), tz: self.tz.clone(), preset: self.preset }
    }

    /// How it is drawn: by day, by week where it is longer than 92 days, by month beyond 370.
    pub fn grain(&self) -> Grain {
        match self.days() {
            Some(..=LONGEST_BY_DAY) => Grain::Day,
            Some(..=LONGEST_BY_WEEK) => Grain::Week,
            _ => Grain::Month,
        }
    }

    /// The places on its time axis: they follow on each other and cover it whole. None where an end is open.
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

    /// The day it is at a time.
    pub fn day_of(&self, at: Timestamp) -> Date {
        day_of(at, &self.tz)
    }
}

impl Bucket {
    pub fn range(&self, tz: &TimeZone) -> Range {
        Range { start: start_of_day(self.from, tz), end: start_of_day(self.to.saturating_add(1.day()), tz) }
    }

    /// The bucket that many days earlier.
    pub fn back(&self, days: i64) -> Self {
        let back = |day: Date| day.saturating_sub(days.days());
        Self { from: back(self.from), to: back(self.to) }
    }
}

/// The day it is at a time in a zone. Times beyond the calendar count as its ends.
pub fn day_of(at: Timestamp, tz: &TimeZone) -> Date {
    let end = if at < Timestamp::EPOCH { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    tz.to_datetime(at.to_jiff().unwrap_or(end)).date()
}

/// The first instant of a day: not always 00:00, where a clock change falls on midnight.
fn start_of_day(day: Date, tz: &TimeZone) -> Timestamp {
    let start = day.to_zoned(tz.clone()).and_then(|zoned| zoned.start_of_day());
    match start {
        Ok(start) => start.timestamp().into(),
        // beyond the calendar: open
        Err(_) if day < FIRST_DAY => Timestamp::MIN,
        Err(_) => Timestamp::MAX,
    }
}

fn days_between(from: Date, to: Date) -> i64 {
    // whole days, so the division is exact
    from.duration_until(to).as_secs() / 86_400
}
