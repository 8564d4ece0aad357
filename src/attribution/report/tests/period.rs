use std::time::Duration;

use jiff::{
    civil::{Date, date},
    tz::TimeZone,
};

use crate::{
    attribution::report::{
        Period, Preset,
        period::{Bucket, Grain},
    },
    timestamp::{MILLISECOND, Timestamp},
};

const HOUR: Duration = Duration::from_hours(1);

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a known time zone")
}

fn day(day: Date, tz: &str) -> Period {
    Period::between(day, day, zone(tz))
}

fn hours(period: &Period) -> f64 {
    let range = period.range();
    (range.end - range.start).div_duration_f64(HOUR)
}

#[test]
fn a_day_is_as_long_as_its_clocks_say() {
    let cases = [
        (date(2026, 3, 28), "Europe/Berlin", 24.0),
        (date(2026, 3, 29), "Europe/Berlin", 23.0),
        (date(2026, 10, 25), "Europe/Berlin", 25.0),
        (date(2026, 10, 25), "UTC", 24.0),
        // half an hour of daylight saving
        (date(2026, 4, 5), "Australia/Lord_Howe", 24.5),
        (date(2026, 10, 4), "Australia/Lord_Howe", 23.5),
        // the clocks go forward at midnight: there is no 00:00
        (date(2026, 9, 6), "America/Santiago", 23.0),
        // a day that was skipped
        (date(2011, 12, 30), "Pacific/Apia", 0.0),
    ];
    for (date, tz, expected) in cases {
        assert_eq!(hours(&day(date, tz)), expected, "{date} {tz}");
    }
}

#[test]
fn days_begin_where_the_zone_says() {
    assert_eq!(day(date(2026, 3, 29), "Europe/Berlin").range().start, Timestamp::from_millis(1_774_738_800_000));
    assert_eq!(
        day(date(2026, 3, 30), "Europe/Berlin").range().start,
        Timestamp::from_millis(1_774_738_800_000) + 23 * HOUR
    );
    // half-hour and quarter-hour zones
    assert_eq!(day(date(1970, 1, 2), "Asia/Kolkata").range().start, Timestamp::EPOCH + 24 * HOUR - 5 * HOUR - HOUR / 2);
    assert_eq!(day(date(2026, 1, 1), "Asia/Kathmandu").range().start.as_millis() % 3_600_000, 3_600_000 / 4);
}

#[test]
fn neighbouring_days_share_nothing_and_miss_nothing() {
    for tz in ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia"] {
        let year = Period::between(date(2026, 1, 1), date(2026, 12, 31), zone(tz));
        let mut end = year.range().start;
        let mut at = date(2026, 1, 1);
        while at <= date(2026, 12, 31) {
            let range = day(at, tz).range();
            assert_eq!(range.start, end, "{at} {tz}");
            assert!(range.contains(range.start) && !range.contains(range.end));
            assert_eq!(year.day_of(range.start), at, "{tz}");
            assert_eq!(year.day_of(range.end - MILLISECOND), at, "{tz}");
            end = range.end;
            at = at.tomorrow().expect("a day of 2026");
        }
        assert_eq!(year.range().end, end, "{tz}");
    }
}

#[test]
fn the_period_before_is_as_long_and_ends_where_this_begins() {
    let period = Period::between(date(2026, 3, 20), date(2026, 4, 2), zone("Europe/Berlin"));
    let previous = period.previous().expect("both ends are known");
    assert_eq!((previous.from, previous.to), (Some(date(2026, 3, 6)), Some(date(2026, 3, 19))));
    assert_eq!(previous.range().end, period.range().start);
    assert_eq!(Period::preset(Preset::All, date(2026, 1, 1), TimeZone::UTC).previous(), None);
}

#[test]
fn presets_count_today() {
    let today = date(2026, 2, 28);
    let days = |preset| Period::preset(preset, today, TimeZone::UTC).days();
    assert_eq!(days(Preset::Days7), Some(7));
    assert_eq!(days(Preset::Days30), Some(30));
    assert_eq!(days(Preset::Days90), Some(90));
    assert_eq!(days(Preset::Months12), Some(365));
    assert_eq!(days(Preset::All), None);
}

#[test]
fn buckets_cover_the_period_in_order() {
    for (to, grain) in [
        (date(2026, 1, 7), Grain::Day),
        (date(2026, 4, 7), Grain::Day),
        (date(2026, 4, 8), Grain::Week),
        (date(2027, 1, 10), Grain::Week),
        (date(2027, 1, 11), Grain::Month),
        (date(2031, 5, 5), Grain::Month),
    ] {
        let period = Period::between(date(2026, 1, 6), to, zone("Europe/Berlin"));
        assert_eq!(period.grain(), grain, "{to}");
        let buckets = period.buckets();
        assert_eq!(buckets.first().map(|bucket| bucket.from), period.from);
        assert_eq!(buckets.last().map(|bucket| bucket.to), period.to);
        for pair in buckets.windows(2) {
            assert_eq!(pair[0].range(&period.tz).end, pair[1].range(&period.tz).start);
        }
        // moved back by the length of the period, the buckets are the buckets of the period before
        let days = period.days().expect("both ends are known");
        let before: Vec<Bucket> = buckets.iter().map(|bucket| bucket.back(days)).collect();
        assert_eq!(before.first().map(|bucket| bucket.from), period.previous().and_then(|previous| previous.from));
        assert_eq!(before.last().map(|bucket| bucket.range(&period.tz).end), Some(period.range().start));
    }
}

#[test]
fn weeks_begin_on_monday() {
    // 2026-01-06 is a Tuesday
    let period = Period::between(date(2026, 1, 6), date(2026, 6, 30), TimeZone::UTC);
    let buckets = period.buckets();
    assert_eq!(buckets[0], Bucket { from: date(2026, 1, 6), to: date(2026, 1, 11) });
    assert_eq!(buckets[1], Bucket { from: date(2026, 1, 12), to: date(2026, 1, 18) });
}

#[test]
fn open_and_far_ends_are_brought_to_the_data() {
    let today = date(2026, 11, 23);
    let (first, last) = (Some(date(2026, 5, 1)), Some(date(2026, 11, 20)));
    let closed = |from, to| {
        let period = Period { from, to, tz: TimeZone::UTC, preset: None }.closed(first, last, today);
        (period.from.expect("closed"), period.to.expect("closed"))
    };
    assert_eq!(closed(None, None), (date(2026, 5, 1), today));
    assert_eq!(closed(Some(date(1970, 1, 1)), Some(date(9998, 12, 31))), (date(2026, 5, 1), today));
    // short periods stay as they are
    let short = (date(2026, 1, 1), date(2026, 1, 31));
    assert_eq!(closed(Some(short.0), Some(short.1)), short);
    // no period ends before it begins
    assert_eq!(closed(None, Some(date(2020, 1, 1))), (date(2020, 1, 1), date(2020, 1, 1)));
    assert_eq!(closed(Some(date(2030, 1, 1)), None), (date(2030, 1, 1), date(2030, 1, 1)));
    let empty = Period::preset(Preset::All, today, TimeZone::UTC).closed(None, None, today);
    assert_eq!((empty.from, empty.to), (Some(today), Some(today)));
}
