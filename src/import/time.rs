use jiff::{civil::DateTime, tz::TimeZone};

use crate::timestamp::Timestamp;

/// Reads a time. A time without a zone is UTC, as Django stores it in SQLite: `2023-05-04 12:34:56` → 12:34:56 UTC.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let time = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        // a time with a zone that jiff does not understand must not count as UTC
        let naive = text.bytes().any(|byte| byte == b':') && !text.contains(['+', '[', 'Z', 'z']);
        let time = text.parse::<DateTime>().ok().filter(|_| naive)?;
        TimeZone::UTC.to_timestamp(time).ok()
    })?;
    Some(time.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn djangos_and_postgresqls_times_and_iso_8601_are_read() {
        let noon = 1_683_203_696_000;
        for (text, millis) in [
            ("2023-05-04 12:34:56", noon),
            ("2023-05-04 12:34:56.123456", noon + 123),
            (" 2023-05-04T12:34:56 ", noon),
            ("2023-05-04 12:34", noon - 56_000),
            ("2023-05-04T12:34:56Z", noon),
            ("2023-05-04 12:34:56.123456+00", noon + 123),
            ("2023-05-04 14:34:56+02:00", noon),
            ("2023-05-04T09:04:56-0330", noon),
            ("2023-05-04T14:34:56+02:00[Europe/Berlin]", noon),
            ("1970-01-01 00:00:00", 0),
        ] {
            assert_eq!(parse(text), Some(Timestamp::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "yesterday",
            "2023-05-04",
            "20230504",
            "04.05.2023 12:34",
            "2023-13-01 00:00:00",
            "1683203696",
            "12:34:56",
            "2023-05-04 12:34:56+99:99",
            "2023-05-04 12:34:56 UTC",
            "0000-00-00 00:00:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
