use std::time::Duration;

use jiff::{
    SignedDuration,
    civil::{Date, Weekday, date},
};

use super::campaigns::{CAMPAIGNS, MonthDay, When};
use crate::{
    random::Random,
    timestamp::{DAY, Timestamp, whole_days},
};

/// How busy each month is, January to December. People buy this product at work.
const MONTHS: [f64; 12] = [1.12, 1.05, 1.08, 1.0, 1.0, 0.95, 0.84, 0.78, 1.08, 1.14, 1.12, 0.76];
/// How busy each weekday is, Monday to Sunday.
const WEEKDAYS: [f64; 7] = [1.08, 1.2, 1.16, 1.1, 0.94, 0.52, 0.56];

/// The days that sample data covers, in UTC: `days` whole days and, after them, today. Each campaign has a share of the
/// arrivals on each day, which follows seasons, weekdays, growth and launches.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// Midnight before the first day.
    start: Timestamp,
    days: usize,
    dates: Vec<Date>,
    /// The share of arrivals, by day and, within the day, by campaign.
    weights: Vec<f64>,
    /// The strength of each campaign, by day: its share without weight, month, weekday and growth of the site. 1 is usual.
    strengths: Vec<f64>,
}

impl Calendar {
    /// Covers the `days` before the day of `now`, and that day.
    pub fn new(days: usize, now: Timestamp, seed: u64) -> Self {
        let first = whole_days(now - Timestamp::EPOCH).saturating_sub(days as i64);
        let dates: Vec<Date> = (first..).take(days + 1).map(date_of).collect();
        let mut noise = Random::new(seed);
        let (mut weights, mut strengths) = (Vec::new(), Vec::new());
        for (day, &date) in dates.iter().enumerate() {
            let progress = day as f64 / days as f64;
            let usual = MONTHS[date.month() as usize - 1]
                * WEEKDAYS[date.weekday().to_monday_zero_offset() as usize]
                * (0.55 + 0.9 * progress)
                * (0.8 + 0.4 * noise.unit());
            for campaign in &CAMPAIGNS {
                let strength = strength(campaign.when, date, day, days);
                strengths.push(strength);
                weights.push(strength * campaign.weight * usual);
            }
        }
        Self { start: Timestamp::EPOCH + first as u32 * DAY, days, dates, weights, strengths }
    }

    /// Returns the number of days before today.
    pub fn days(&self) -> usize {
        self.days
    }

    /// Returns the first moment of a day.
    pub fn midnight(&self, day: usize) -> Timestamp {
        self.start + day as u32 * DAY
    }

    /// Returns the first moment of today.
    pub fn today(&self) -> Timestamp {
        self.midnight(self.days)
    }

    /// Returns the first moment after today.
    pub fn end(&self) -> Timestamp {
        self.midnight(self.days + 1)
    }

    /// Returns the day of a moment, which is between the start and the end.
    pub fn day_of(&self, at: Timestamp) -> usize {
        (whole_days(at - self.start) as usize).min(self.days)
    }

    /// Returns the share of arrivals, by day and, within the day, by campaign.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Returns the strength of each campaign on a day: 1 is usual, 0 means that the campaign does not run.
    pub fn strengths(&self, day: usize) -> &[f64] {
        &self.strengths[day * CAMPAIGNS.len()..][..CAMPAIGNS.len()]
    }

    /// Returns the number of the newsletter's issue that is the newest on a day. Issue 1 came out on the first Tuesday of
    /// January 2022.
    pub fn issue(&self, day: usize) -> i64 {
        let date = self.dates[day];
        let month = i64::from(date.year() - 2022) * 12 + i64::from(date.month());
        if date.day() < first_tuesday(date).day() { month - 1 } else { month }
    }
}

/// Returns a span times a factor, in whole milliseconds.
pub fn times(span: Duration, factor: f64) -> Duration {
    Duration::from_millis((factor * span.as_millis() as f64) as u64)
}

/// Returns the date of a day, counted from 1 January 1970.
fn date_of(days: i64) -> Date {
    date(1970, 1, 1).saturating_add(SignedDuration::from_hours(days.saturating_mul(24)))
}

fn first_tuesday(of: Date) -> Date {
    let first = of.first_of_month();
    let ahead = (8 - i64::from(first.weekday().to_monday_zero_offset())) % 7;
    first.saturating_add(SignedDuration::from_hours(24 * ahead))
}

/// Returns the strength of a campaign on a date. The date is day number `day` of `days`. 1 is usual; at 0 the campaign does not
/// run.
fn strength(when: When, date: Date, day: usize, days: usize) -> f64 {
    let today: MonthDay = (date.month(), date.day());
    match when {
        When::Always => 1.0,
        When::Growing => 0.15 + 1.7 * day as f64 / days as f64,
        When::Monthly => match i32::from(date.day()) - i32::from(first_tuesday(date).day()) {
            age @ 0..=9 => 0.55_f64.powi(age),
            _ => 0.0,
        },
        When::Season(seasons) => match seasons.iter().find(|(from, to)| (*from..=*to).contains(&today)) {
            Some((from, _)) if *from == today => 2.6,
            Some(((month, day), _)) if (*month, *day + 1) == today => 1.9,
            Some(_) => 1.0,
            None => 0.0,
        },
        When::BlackFriday => match (today, date.weekday()) {
            ((11, 23..=29), Weekday::Friday) => 5.0,
            ((11, 26..=30) | (12, 1..=2), Weekday::Monday) => 3.5,
            ((11, 20..=30) | (12, 1..=2), _) => 1.0,
            _ => 0.0,
        },
        When::Launch(at) => match day.checked_sub((at * days as f64) as usize) {
            Some(age @ 0..=21) => 0.66_f64.powi(age as i32),
            _ => 0.0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T01:06:00Z, a Monday.
    const NOW: Timestamp = Timestamp::from_millis(1_795_395_960_000);

    fn calendar() -> Calendar {
        Calendar::new(365, NOW, 1)
    }

    fn day(month: i8, of: i8) -> usize {
        calendar().dates.iter().rposition(|date| (date.month(), date.day()) == (month, of)).expect("a day of the year")
    }

    fn strength(name: &str, day: usize) -> f64 {
        let campaign = CAMPAIGNS.iter().position(|campaign| campaign.name == Some(name)).expect("a campaign");
        calendar().strengths(day)[campaign]
    }

    #[test]
    fn it_covers_a_year_and_today() {
        let calendar = calendar();
        assert_eq!(calendar.dates[0], date(2025, 11, 23));
        assert_eq!(calendar.dates[365], date(2026, 11, 23));
        assert!(calendar.today() <= NOW && NOW < calendar.end());
        assert_eq!(calendar.day_of(NOW), 365);
        assert_eq!(calendar.day_of(calendar.midnight(0)), 0);
    }

    #[test]
    fn campaigns_run_when_they_should() {
        assert_eq!(strength("black-friday", day(11, 19)), 0.0);
        assert_eq!(strength("black-friday", 5), 5.0, "2025-11-28 was a Black Friday");
        assert_eq!(strength("black-friday", 8), 3.5, "2025-12-01 was the Monday after");
        assert_eq!(strength("spring-launch", day(3, 16)), 0.0);
        assert!(strength("spring-launch", day(3, 17)) > strength("spring-launch", day(3, 18)));
        assert_eq!(strength("spring-launch", day(4, 14)), 1.0);
        assert_eq!(strength("spring-launch", day(4, 15)), 0.0);
        assert_eq!(strength("newsletter-{n}", day(10, 6)), 1.0, "the first Tuesday of October 2026");
        assert_eq!(strength("newsletter-{n}", day(10, 5)), 0.0);
        let launch: Vec<usize> = (0..=365).filter(|day| strength("product-hunt-launch", *day) > 0.5).collect();
        assert_eq!(launch, [226, 227]);
    }

    #[test]
    fn issues_are_counted_from_the_first_tuesday() {
        let calendar = calendar();
        assert_eq!(calendar.issue(day(10, 6)), calendar.issue(day(10, 5)) + 1);
        assert_eq!(calendar.issue(day(10, 6)), 58);
        assert_eq!(calendar.issue(day(1, 6)), 49, "January follows December");
    }

    #[test]
    fn there_is_somebody_to_arrive_on_every_day() {
        for days in [1, 2, 30, 3650] {
            let calendar = Calendar::new(days, NOW, 1);
            assert!((0..=days).all(|day| calendar.strengths(day).iter().sum::<f64>() > 0.0));
        }
    }
}
