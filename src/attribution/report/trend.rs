use super::{Question, Range, distinct::Distinct, matcher::Matcher, period::Bucket};
use crate::{
    attribution::facts::{Facts, Person, Touch, scan::Tally},
    timestamp::Timestamp,
    word_enum::word_enum,
};

word_enum! {
    /// A number that charts and rankings show. The text is its name in addresses.
    pub enum Metric {
        Touches = "touches",
        Visitors = "visitors",
        Leads = "leads",
        Signups = "signups",
    }
}

/// A number over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trend {
    pub buckets: Vec<Bucket>,
    /// The number in each bucket.
    pub current: Vec<i64>,
    /// The number in each bucket of the period before. `None` if the period has an open end.
    pub previous: Option<Vec<i64>>,
}

/// The time axis of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    pub buckets: Vec<Bucket>,
    /// The range of each bucket.
    pub current: Vec<Range>,
    /// The range of each bucket in the period before. `None` if the period has an open end.
    pub previous: Option<Vec<Range>>,
}

impl Axis {
    /// Returns the time axis of a period. An open end becomes the first or the last event.
    pub fn new(facts: &Facts, question: &Question, now: Timestamp) -> Self {
        let period = &question.filter.period;
        let today = period.day_of(now);
        let span = facts.span().map(|(first, last)| (period.day_of(first), period.day_of(last)));
        let days = period.days();
        let period = period.closed(span.map(|(first, _)| first), span.map(|(_, last)| last), today);
        let buckets = period.buckets();
        let current = buckets.iter().map(|bucket| bucket.range(&period.tz)).collect();
        let back = |days| buckets.iter().map(|bucket| bucket.back(days).range(&period.tz)).collect();
        let previous = days.map(back);
        Self { buckets, current, previous }
    }

    /// Returns the range of a period together with the period before.
    pub fn range(&self, period: Range) -> Range {
        let before = self.previous.iter().flatten().map(|bucket| bucket.start);
        Range { start: before.fold(period.start, Timestamp::min), ..period }
    }
}

/// Counts a [`Trend`]. Visitors are distinct within a bucket, so the sum of all buckets may exceed the visitors of the period.
pub struct TrendTally<'a> {
    matcher: &'a Matcher<'a>,
    metric: Metric,
    times: Times,
    counts: Distinct,
}

impl<'a> TrendTally<'a> {
    pub fn new(matcher: &'a Matcher<'a>, axis: &Axis, metric: Metric) -> Self {
        let ranges = axis.current.iter().chain(axis.previous.iter().flatten());
        let times = Times::new(ranges.copied());
        let counts = Distinct::new(times.0.len());
        Self { matcher, metric, times, counts }
    }

    pub fn finish(self, axis: &Axis) -> Trend {
        let mut current: Vec<i64> = self.counts.counts().collect();
        let previous = current.split_off(axis.buckets.len());
        Trend { buckets: axis.buckets.clone(), current, previous: axis.previous.is_some().then_some(previous) }
    }
}

impl Tally for TrendTally<'_> {
    fn add(&mut self, person: &Person<'_>) {
        let Self { matcher, metric, times, counts } = self;
        match metric {
            Metric::Leads if person.user().is_none() => {}
            Metric::Touches | Metric::Visitors | Metric::Leads => {
                let matching = matcher.of(person);
                count_touches(counts, *metric, person, |touch| {
                    if matching.finds(touch.tuple) { times.place(touch.at) } else { None }
                });
            }
            Metric::Signups => {
                let Some(user) = person.user() else { return };
                let counted =
                    || matcher.question.filter.is_bare() || matcher.brought(person, user.created_at).next().is_some();
                if let Some(place) = times.place(user.created_at).filter(|_| counted()) {
                    counts.next();
                    counts.count(place);
                }
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.counts.merge(&other.counts);
    }
}

/// Counts the touches of a person at their places; of visitors, each once at a place. A touch without a place does not count.
pub(super) fn count_touches(
    counts: &mut Distinct,
    metric: Metric,
    person: &Person<'_>,
    place: impl Fn(Touch) -> Option<usize>,
) {
    counts.next();
    for touch in person.touches() {
        if metric != Metric::Visitors || touch.next_visitor {
            counts.next();
        }
        if let Some(place) = place(touch) {
            counts.count(place);
        }
    }
}

/// Ranges of time that do not overlap, to find the range of a moment.
#[derive(Clone, Debug)]
pub(super) struct Times(Vec<(Range, usize)>);

impl Times {
    /// The ranges may come in any order.
    pub fn new(ranges: impl Iterator<Item = Range>) -> Self {
        let mut ranges: Vec<(Range, usize)> = ranges.enumerate().map(|(place, range)| (range, place)).collect();
        ranges.sort_by_key(|(range, _)| (range.end, range.start));
        Self(ranges)
    }

    /// Returns the place of the range that has this moment.
    pub fn place(&self, at: Timestamp) -> Option<usize> {
        let first = self.0.partition_point(|(range, _)| range.end <= at);
        self.0.get(first).filter(|(range, _)| range.contains(at)).map(|&(_, place)| place)
    }
}
