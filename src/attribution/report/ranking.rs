use super::{
    distinct::Distinct,
    matcher::Matcher,
    trend::{Metric, count_touches},
};
use crate::attribution::facts::{Dictionary, Person, Text, Touch, scan::Tally};

/// What touches are ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    Channel,
    Source,
    LandingPage,
    /// The host of the referrer. Touches without a referrer are left out.
    Referrer,
}

impl Dimension {
    /// Returns the value of a touch as a place in a table: see [`Text::place`]. `None` leaves the touch out.
    pub(super) fn place(self, dictionary: &Dictionary, touch: Touch) -> Option<usize> {
        match self {
            Self::Channel => Some(Text::place(Some(dictionary.tuple(touch.tuple).channel))),
            Self::Source => Some(Text::place(dictionary.tuple(touch.tuple).source)),
            Self::LandingPage => Some(Text::place(Some(dictionary.page(touch.page).landing_path))),
            Self::Referrer => dictionary.page(touch.page).referrer.map(|host| Text::place(Some(host))),
        }
    }
}

/// One row of a ranking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// `None` for touches without a value.
    pub value: Option<String>,
    pub count: i64,
}

/// Counts a ranking. A visitor or user who came by two values counts for both.
pub struct RankingTally<'a> {
    matcher: &'a Matcher<'a>,
    dimension: Dimension,
    metric: Metric,
    counts: Distinct,
}

impl<'a> RankingTally<'a> {
    pub fn new(matcher: &'a Matcher<'a>, dimension: Dimension, metric: Metric) -> Self {
        Self { matcher, dimension, metric, counts: Distinct::new(matcher.dictionary.texts.places()) }
    }

    /// Returns at most `limit` values with the largest numbers, the largest first.
    pub fn finish(self, limit: usize) -> Vec<Ranked> {
        largest(self.matcher.dictionary, self.counts.counts(), limit)
    }
}

impl Tally for RankingTally<'_> {
    fn add(&mut self, person: &Person<'_>) {
        let Self { matcher, dimension, metric, counts } = self;
        let place = |touch| dimension.place(matcher.dictionary, touch);
        match metric {
            Metric::Leads if person.user().is_none() => {}
            Metric::Touches | Metric::Visitors | Metric::Leads => {
                let (matching, range) = (matcher.of(person), matcher.range);
                count_touches(counts, *metric, person, |touch| {
                    if range.contains(touch.at) && matching.finds(touch.tuple) { place(touch) } else { None }
                });
            }
            Metric::Signups => {
                if let Some(created_at) = matcher.signed_up(person) {
                    counts.next();
                    matcher.brought(person, created_at).filter_map(place).for_each(|place| counts.count(place));
                }
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.counts.merge(&other.counts);
    }
}

/// Returns the values with the largest counts, largest first. `counts` has a count for each text, and the first for "no value".
pub(super) fn largest(dictionary: &Dictionary, counts: impl Iterator<Item = i64>, limit: usize) -> Vec<Ranked> {
    let mut found: Vec<(usize, i64)> = counts.enumerate().filter(|(_, count)| *count > 0).collect();
    let texts = &dictionary.texts;
    // the largest first, then by name, and "no value" last
    let order = |&(one, count): &(usize, i64), &(other, others): &(usize, i64)| {
        let name = |place| (texts.at(place).is_none(), texts.at(place));
        others.cmp(&count).then_with(|| name(one).cmp(&name(other)))
    };
    if found.len() > limit && limit > 0 {
        found.select_nth_unstable_by(limit - 1, order);
    }
    found.truncate(limit);
    found.sort_unstable_by(order);
    found.into_iter().map(|(place, count)| Ranked { value: texts.at(place).map(str::to_owned), count }).collect()
}
