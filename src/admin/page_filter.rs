//! The filter of one page and its links.

use jiff::civil::Date;

use super::{
    page::PageRequest,
    words::{long_day, short_day},
};
use crate::{
    attribution::{
        model::Model,
        report::{Filter, ParsedFilter, Period, Preset, filter::href},
    },
    timestamp::Timestamp,
};

/// The filter of one page. The address of a page holds all of its state, so every change is a link or a GET form.
#[derive(Clone, Debug)]
pub struct PageFilter {
    pub parsed: ParsedFilter,
    /// The path of the page.
    pub path: &'static str,
    /// Parameters of the page itself, which its links keep.
    pub own: Vec<(&'static str, String)>,
    /// The kinds of conversions that can be chosen. `None` on pages that show no credit: they cannot change model and kind, and
    /// their links keep both.
    pub kinds: Option<Vec<String>>,
    /// The model that applies if the address names no model.
    pub default_model: Model,
    pub now: Timestamp,
}

impl PageFilter {
    /// Reads the filter in the query of a request. The default period is the last 30 days.
    pub fn new(request: &PageRequest, path: &'static str) -> Self {
        let parsed = Filter::parse(&request.query, Preset::Days30, request.now);
        Self { parsed, path, own: Vec::new(), kinds: None, default_model: request.default_model(), now: request.now }
    }

    /// Adds a parameter of the page itself. `None` stands for its default, which the address leaves out.
    pub fn keeping(mut self, name: &'static str, value: Option<String>) -> Self {
        self.own.extend(value.map(|value| (name, value)));
        self
    }

    /// Lets the reader choose the model and one of these kinds of conversions.
    pub fn with_credit(self, kinds: Vec<String>) -> Self {
        Self { kinds: Some(kinds), ..self }
    }

    pub fn filter(&self) -> &Filter {
        &self.parsed.filter
    }

    /// Returns the address of this page with another filter.
    pub fn here(&self, filter: &Filter) -> String {
        let own: Vec<_> = self.own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        filter.href(self.path, &own)
    }

    /// Returns the address of this page with another value of one parameter of its own.
    pub fn with_own(&self, name: &'static str, value: &str) -> String {
        self.href_with_own(name, Some(value))
    }

    /// Returns the address of this page without one parameter of its own.
    pub fn without_own(&self, name: &'static str) -> String {
        self.href_with_own(name, None)
    }

    fn href_with_own(&self, name: &'static str, value: Option<&str>) -> String {
        let others = self.own.iter().filter(|(key, _)| *key != name).map(|(key, value)| (*key, value.as_str()));
        let own: Vec<_> = others.chain(value.map(|value| (name, value))).collect();
        self.filter().href(self.path, &own)
    }

    /// Returns the address of this page for all of time, without conditions.
    pub fn all_time_href(&self) -> String {
        format!("{}?period=all", self.path)
    }

    /// Returns the address of this page's CSV file, which has all rows. The address names days, because a period such as `30d`
    /// moves on.
    pub fn csv_href(&self, path: &str, further: &[(&str, &str)]) -> String {
        let pairs = self.filter().dated_pairs();
        href(path, pairs.iter().map(|(name, value)| (*name, value.as_str())).chain(further.iter().copied()))
    }

    /// Returns the address of the page of one lead or user, with this page's time zone and model.
    pub fn detail(&self, path: &str) -> String {
        detail_href(path, self.filter())
    }

    /// Returns the period in words, with the time zone where it is not UTC: `25 Oct – 23 Nov 2026, Europe/Berlin`.
    pub fn period_words(&self) -> String {
        let zone = self.filter().tz_name();
        let words = period_words(&self.filter().period);
        if zone == "UTC" { words } else { format!("{words}, {zone}") }
    }
}

fn period_words(period: &Period) -> String {
    let days = |from: Date, to: Date| match from.year() == to.year() {
        true => format!("{} – {}", short_day(from), long_day(to)),
        false => format!("{} – {}", long_day(from), long_day(to)),
    };
    match (period.from, period.to) {
        (None, None) => "All time".to_owned(),
        (Some(from), None) => format!("Since {}", long_day(from)),
        (None, Some(to)) => format!("Until {}", long_day(to)),
        (Some(from), Some(to)) if from == to => long_day(to),
        (Some(from), Some(to)) => days(from, to),
    }
}

/// Returns the address of the page of one lead or user, which shows times in the filter's zone and credit by its model.
pub fn detail_href(path: &str, filter: &Filter) -> String {
    let zone = (filter.tz_name() != "UTC").then_some(("tz", filter.tz_name()));
    href(path, zone.into_iter().chain(filter.model.map(|model| ("model", model.as_str()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_reads_as_short_as_it_can() {
        let now = Timestamp::from_millis(1_795_476_600_000); // 2026-11-23
        for (query, expected) in [
            ("", "25 Oct – 23 Nov 2026"),
            ("period=all", "All time"),
            ("from=2026-11-01&to=2026-11-01", "1 Nov 2026"),
            ("from=2025-12-31&to=2026-01-01", "31 Dec 2025 – 1 Jan 2026"),
            ("from=2026-01-01", "Since 1 Jan 2026"),
            ("to=2026-01-01", "Until 1 Jan 2026"),
        ] {
            assert_eq!(period_words(&Filter::parse(query, Preset::Days30, now).filter.period), expected, "{query}");
        }
    }

    #[test]
    fn links_keep_what_the_page_knows() {
        let parsed = Filter::parse("campaign=a%26b&period=7d", Preset::All, Timestamp::EPOCH);
        let page = PageFilter {
            parsed,
            path: "/admin",
            own: vec![("sort", "-rate".into()), ("x", "1".into())],
            kinds: None,
            default_model: Model::default(),
            now: Timestamp::EPOCH,
        };
        assert_eq!(page.with_own("sort", "leads"), "/admin?period=7d&campaign=a%26b&x=1&sort=leads");
        assert_eq!(page.without_own("sort"), "/admin?period=7d&campaign=a%26b&x=1");
        assert_eq!(page.here(&page.filter().bare()), "/admin?period=7d&sort=-rate&x=1");
    }
}
