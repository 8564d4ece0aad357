//! The number that the overview is about, and the lists that rank by it.

use crate::{
    admin::words,
    attribution::report::{ranking::Dimension, totals::Totals, trend::Metric},
};

/// How many rows each list has.
pub const TOP: usize = 7;

/// The lists and their titles.
pub const LISTS: [(Dimension, &str); 4] = [
    (Dimension::Channel, "Channels"),
    (Dimension::LandingPage, "Landing pages"),
    (Dimension::Source, "Sources"),
    (Dimension::Referrer, "Referrers"),
];

/// The number in the chart and in the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Counted(Metric),
    Conversions,
}

impl Shown {
    pub const DEFAULT: Self = Self::Counted(Metric::Leads);

    /// Returns the word in the address.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counted(metric) => metric.as_str(),
            Self::Conversions => "conversions",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Counted(metric) => words::metric(metric),
            Self::Conversions => "Conversions",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        if text == Self::Conversions.as_str() {
            return Some(Self::Conversions);
        }
        Metric::from_word(text).map(Self::Counted)
    }
}

/// Returns the number that the metric has in the totals of a period.
pub fn number(metric: Metric, totals: &Totals) -> i64 {
    match metric {
        Metric::Touches => totals.touches,
        Metric::Visitors => totals.visitors,
        Metric::Leads => totals.leads,
        Metric::Signups => totals.signups,
    }
}
