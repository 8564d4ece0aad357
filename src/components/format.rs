//! Numbers and times as text for people: English grouping, a real minus sign, no exponent, and a dash instead of `NaN`.

use jiff::tz::TimeZone;

use crate::timestamp::Timestamp;

/// The minus sign. The sign is as wide as the plus sign; a hyphen is narrower.
const MINUS: char = '\u{2212}';

/// Returns a count with grouped digits: `61204` → `61,204`.
pub fn count(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 3);
    if value < 0 {
        out.push(MINUS);
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Returns a count that is short enough for an axis: `950`, `1_250` → `1.2k`, `1_500_000` → `1.5M`.
pub fn compact(value: i64) -> String {
    let (scaled, unit) = match value.unsigned_abs() {
        0..1_000 => return count(value),
        1_000..1_000_000 => (value as f64 / 1e3, "k"),
        1_000_000..1_000_000_000 => (value as f64 / 1e6, "M"),
        _ => (value as f64 / 1e9, "B"),
    };
    let text = if scaled.abs() < 100.0 { format!("{scaled:.1}") } else { format!("{scaled:.0}") };
    let text = text.strip_suffix(".0").unwrap_or(&text);
    format!("{}{unit}", text.replace('-', "\u{2212}"))
}

/// Returns a ratio as a percentage with one decimal: `0.0386` → `3.9%`.
pub fn percent(ratio: f64) -> String {
    one_decimal(ratio * 100.0, false, "%")
}

/// Returns the percentage of `part` in `whole`: `1` of `4` → `25.0%`. A dash if `whole` is zero.
pub fn share(part: i64, whole: i64) -> String {
    percent(part as f64 / whole as f64)
}

/// Returns a relative change with its sign: `0.124` → `+12.4%`, `-0.03` → `−3.0%`, `0.0` → `0.0%`.
pub fn signed_percent(ratio: f64) -> String {
    one_decimal(ratio * 100.0, true, "%")
}

/// Returns a difference of two ratios in percentage points: `-0.002` → `−0.2 pp`.
pub fn signed_points(difference: f64) -> String {
    one_decimal(difference * 100.0, true, "\u{a0}pp")
}

/// Returns a count with its noun: `1 touch`, `3 touches`.
pub fn plural(n: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// Returns a date in a time zone: `22 Nov 2026`.
pub fn date(at: Timestamp, zone: &TimeZone) -> String {
    strftime(at, zone, "%-d %b %Y")
}

/// Returns a date and a time in a time zone: `22 Nov 2026, 14:02`.
pub fn date_time(at: Timestamp, zone: &TimeZone) -> String {
    strftime(at, zone, "%-d %b %Y, %H:%M")
}

/// Returns a time for `datetime` attributes: `2026-11-22T14:02:11Z`.
pub fn rfc3339(at: Timestamp) -> String {
    at.to_jiff().map_or_else(|_| String::new(), |at| at.to_string())
}

fn strftime(at: Timestamp, zone: &TimeZone, format: &str) -> String {
    // jiff's calendar ends with the year 9999
    at.to_jiff().map_or_else(|_| "–".to_owned(), |at| at.to_zoned(zone.clone()).strftime(format).to_string())
}

fn one_decimal(value: f64, plus: bool, unit: &str) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let text = format!("{:.1}", value.abs());
    // −0.04 rounds to zero, and zero has no sign
    let sign = match text.as_str() {
        "0.0" => "",
        _ if value < 0.0 => "\u{2212}",
        _ if plus => "+",
        _ => "",
    };
    format!("{sign}{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_three() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (61_204, "61,204"),
            (-1_234_567, "−1,234,567"),
            (i64::MIN, "−9,223,372,036,854,775,808"),
        ];
        for (value, text) in cases {
            assert_eq!(count(value), text);
        }
    }

    #[test]
    fn compact_counts_fit_an_axis() {
        let cases = [
            (950, "950"),
            (1_000, "1k"),
            (1_250, "1.2k"),
            (38_400, "38.4k"),
            (450_000, "450k"),
            (1_500_000, "1.5M"),
            (-2_500, "−2.5k"),
        ];
        for (value, text) in cases {
            assert_eq!(compact(value), text);
        }
    }

    #[test]
    fn changes_carry_their_sign_in_text() {
        assert_eq!(signed_percent(0.124), "+12.4%");
        assert_eq!(signed_percent(-0.03), "−3.0%");
        assert_eq!(signed_percent(-0.0001), "0.0%");
        assert_eq!(signed_points(-0.002), "−0.2\u{a0}pp");
        assert_eq!(percent(0.0386), "3.9%");
    }

    #[test]
    fn nothing_divided_is_a_dash() {
        assert_eq!(share(0, 0), "–");
        assert_eq!(share(3, 0), "–");
        assert_eq!(share(1, 4), "25.0%");
        assert_eq!(percent(f64::NAN), "–");
    }

    #[test]
    fn times_are_those_of_the_zone() {
        let at = Timestamp::from_millis(1_795_352_531_000);
        assert_eq!(rfc3339(at), "2026-11-22T13:02:11Z");
        assert_eq!(date_time(at, &TimeZone::UTC), "22 Nov 2026, 13:02");
        let auckland = TimeZone::get("Pacific/Auckland").expect("bundled");
        assert_eq!(date(at, &auckland), "23 Nov 2026");
        assert_eq!(date(Timestamp::MAX, &TimeZone::UTC), "–");
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(plural(1, "touch", "touches"), "1 touch");
        assert_eq!(plural(0, "touch", "touches"), "0 touches");
        assert_eq!(plural(1_200, "touch", "touches"), "1,200 touches");
    }
}
