use std::collections::BTreeMap;

use self::similar_names::{CampaignCount, SimilarPair};
use super::{
    Period, Question,
    matcher::Matcher,
    period::{FIRST_DAY, LAST_DAY},
};
use crate::{
    attribution::facts::{Facts, Person, Text, scan::Tally},
    db::{Conn, Error, Query, sql},
};

/// Campaign names that differ by little.
pub mod similar_names;

/// The most campaign names that are compared with each other: those with the most touches.
pub const MOST_NAMES: usize = 10_000;

/// The arrivals that did not count on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoredDay {
    /// In UTC: `2026-11-23`.
    pub day: String,
    /// By reason, as the counter names it.
    pub counts: BTreeMap<String, i64>,
}

impl IgnoredDay {
    pub fn total(&self) -> i64 {
        self.counts.values().sum()
    }
}

/// Binds the first and the last day of a period. Arrivals are counted by days in UTC, so the period's days are taken as such.
fn on_days(query: Query, period: &Period) -> Query {
    let (first, last) = (period.from.unwrap_or(FIRST_DAY), period.to.unwrap_or(LAST_DAY));
    query.bind(first.to_string()).bind(last.to_string())
}

/// Returns the arrivals that did not count in a period, by reason, largest first.
pub async fn ignored(conn: &mut Conn, period: &Period) -> Result<Vec<(String, i64)>, Error> {
    let query = sql("select reason, cast(sum(count) as bigint) as total from ignored_arrivals
         where day >= $1 and day <= $2
         group by reason order by total desc, reason");
    on_days(query, period).fetch_all(conn).await
}

/// Returns the arrivals that did not count, by day, the latest day first: at most `days` days, without days on which
/// all counted.
pub async fn ignored_days(conn: &mut Conn, period: &Period, days: u32) -> Result<Vec<IgnoredDay>, Error> {
    let query = sql("select day, reason, count from ignored_arrivals
         where day >= $1 and day <= $2 and day in (
           select day from ignored_arrivals where day >= $1 and day <= $2 group by day order by day desc limit $3)
         order by day desc, reason");
    let rows: Vec<(String, String, i64)> = on_days(query, period).bind(days).fetch_all(conn).await?;
    let mut found: Vec<IgnoredDay> = Vec::new();
    for (day, reason, count) in rows {
        if found.last().is_none_or(|last| last.day != day) {
            found.push(IgnoredDay { day, counts: BTreeMap::new() });
        }
        if let Some(last) = found.last_mut() {
            last.counts.insert(reason, count);
        }
    }
    Ok(found)
}

/// Counts of touches that somebody may want to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TouchCounts {
    pub all: i64,
    /// Arrivals, not touches: the same arrival again within half an hour.
    pub repeats: i64,
    /// The source, the medium or both follow from a click id or the referrer.
    pub derived: i64,
    /// The link stood on a page of this site.
    pub internal: i64,
    pub without_source: i64,
    pub without_medium: i64,
    /// By the version of the rules that chose the channel, largest first.
    pub by_rules: Vec<(String, i64)>,
}

impl TouchCounts {
    /// Returns the number of touches whose channel other rules chose.
    pub fn by_other_rules(&self, version: &str) -> i64 {
        self.by_rules.iter().filter(|(rules, _)| rules != version).map(|(_, touches)| touches).sum()
    }
}

/// How often a period has each tuple, and how often its touches were seen again.
pub struct TupleTally<'a> {
    matcher: &'a Matcher<'a>,
    touches: Vec<i64>,
    repeats: i64,
}

impl<'a> TupleTally<'a> {
    pub fn new(matcher: &'a Matcher<'a>) -> Self {
        Self { matcher, touches: vec![0; matcher.dictionary.tuples().len()], repeats: 0 }
    }

    /// Returns the counts of touches, and the campaign names that look alike.
    pub fn finish(self) -> (TouchCounts, SimilarNames) {
        (self.touch_counts(), self.similar_names())
    }

    fn touch_counts(&self) -> TouchCounts {
        let dictionary = self.matcher.dictionary;
        let mut counts = TouchCounts { repeats: self.repeats, ..TouchCounts::default() };
        let mut by_rules: BTreeMap<Text, i64> = BTreeMap::new();
        for (tuple, &touches) in dictionary.tuples().iter().zip(&self.touches).filter(|(_, touches)| **touches > 0) {
            let if_so = |holds: bool| if holds { touches } else { 0 };
            counts.all += touches;
            counts.derived += if_so(tuple.derived);
            counts.internal += if_so(tuple.internal);
            counts.without_source += if_so(tuple.source.is_none());
            counts.without_medium += if_so(tuple.medium.is_none());
            *by_rules.entry(tuple.rules_version).or_default() += touches;
        }
        let by_rules =
            by_rules.into_iter().map(|(version, touches)| (dictionary.texts.get(version).to_owned(), touches));
        counts.by_rules = by_rules.collect();
        counts.by_rules.sort_by(|(one, touches), (other, others)| others.cmp(touches).then_with(|| one.cmp(other)));
        counts
    }

    /// Compares the names under which reports show the campaigns.
    fn similar_names(&self) -> SimilarNames {
        let dictionary = self.matcher.dictionary;
        let mut names: BTreeMap<Text, i64> = BTreeMap::new();
        for (tuple, &touches) in dictionary.tuples().iter().zip(&self.touches).filter(|(_, touches)| **touches > 0) {
            if let Some(campaign) = tuple.campaign {
                *names.entry(dictionary.shown(campaign)).or_default() += touches;
            }
        }
        let named = names.into_iter();
        let mut names: Vec<CampaignCount> = named
            .map(|(name, touches)| CampaignCount { name: dictionary.texts.get(name).to_owned(), touches })
            .collect();
        names.sort_by(|one, other| other.touches.cmp(&one.touches).then_with(|| one.name.cmp(&other.name)));
        let cut = names.len() > MOST_NAMES;
        names.truncate(MOST_NAMES);
        SimilarNames { pairs: similar_names::pairs(&names), cut }
    }
}

impl Tally for TupleTally<'_> {
    fn add(&mut self, person: &Person<'_>) {
        let (matching, range) = (self.matcher.of(person), self.matcher.range);
        let mut repeats = person.repeats().peekable();
        for (place, touch) in person.touches().enumerate() {
            let again = repeats.next_if(|(repeated, _)| *repeated == place).map_or(0, |(_, again)| i64::from(again));
            if range.contains(touch.at) && matching.finds(touch.tuple) {
                self.touches[touch.tuple.place()] += 1;
                self.repeats += again;
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.touches.iter_mut().zip(other.touches).for_each(|(own, other)| *own += other);
        self.repeats += other.repeats;
    }
}

/// Counts the touches of a period, and compares the names of its campaigns.
pub fn touches(facts: &Facts, question: &Question) -> (TouchCounts, SimilarNames) {
    let matcher = Matcher::new(facts, question);
    matcher.scan(matcher.range, || TupleTally::new(&matcher)).finish()
}

/// Campaign names that look alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimilarNames {
    /// Pairs of the names with the most touches first.
    pub pairs: Vec<SimilarPair>,
    /// Whether there were more than [`MOST_NAMES`], so that not all were compared.
    pub cut: bool,
}
