use std::collections::HashMap;

use super::{CreditSettings, groups::Groups, path::Paths};
use crate::{
    attribution::{
        facts::{Person, Text, scan::Tally},
        model::Minor,
        report::matcher::Matcher,
    },
    timestamp::Timestamp,
};

/// A path through channels, and what the people who took it converted to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::attribution::report) struct PeoplePath {
    /// The numbers of the channels, oldest first. Consecutive repeats of a channel are one step.
    pub channels: Vec<usize>,
    /// Whether these people have a conversion of the filter's kind, at any time.
    pub converted: bool,
    /// The currencies in which these people have such a conversion with a value.
    pub currencies: Vec<Text>,
}

/// Counts the paths of all people with a touch in the period, converted or not, by their channels.
///
/// "Did not convert" depends on the question: for counts, no conversion; for money in a currency, no conversion with a value in
/// that currency. So each path says both.
///
/// A person is a user with all browsers of that user, or a visitor who belongs to no user. The path ends with the person's last
/// touch in the period and goes back from there as far as a conversion's path would. Only the filter's period and kind matter.
pub(in crate::attribution::report) struct PeopleTally<'a> {
    paths: Paths<'a>,
    /// The groups by channel.
    channels: &'a Groups,
    /// Most people have a path of one channel and no conversion. They are counted by channel.
    one_channel: Vec<u64>,
    others: HashMap<PeoplePath, u64>,
    /// The touches of the person at hand: time and channel.
    steps: Vec<(Timestamp, usize)>,
}

impl<'a> PeopleTally<'a> {
    pub fn new(matcher: &'a Matcher<'a>, settings: &'a CreditSettings, channels: &'a Groups) -> Self {
        Self {
            paths: Paths::new(matcher, settings),
            channels,
            one_channel: vec![0; channels.len()],
            others: HashMap::new(),
            steps: Vec::new(),
        }
    }

    /// Returns how many people took each path.
    pub fn finish(mut self) -> HashMap<PeoplePath, u64> {
        for (channel, people) in self.one_channel.into_iter().enumerate().filter(|(_, people)| *people > 0) {
            let path = PeoplePath { channels: vec![channel], converted: false, currencies: Vec::new() };
            self.others.insert(path, people);
        }
        self.others
    }

    /// Puts the steps of a person's path into `self.steps`.
    fn load(&mut self, person: &Person<'_>) {
        let Paths { matcher, settings, .. } = self.paths;
        let (range, internal) = (matcher.range, settings.internal_touches);
        self.steps.clear();
        self.steps.extend(person.touches().filter(|touch| touch.at < range.end).filter_map(|touch| {
            let counts = internal || !matcher.dictionary.tuple(touch.tuple).internal;
            counts.then(|| (touch.at, self.channels.place(touch.tuple)))
        }));
        let latest = self.steps.iter().map(|(at, _)| *at).max().filter(|at| *at >= range.start);
        let Some(latest) = latest else { return self.steps.clear() };
        let first = latest - settings.window_of(matcher.question.filter.kind.as_deref().unwrap_or_default());
        self.steps.retain(|(at, _)| *at >= first);
        // a stable sort: touches of one moment stay in the order of visitors
        self.steps.sort_by_key(|(at, _)| *at);
        self.steps.dedup_by_key(|(_, channel)| *channel);
    }
}

impl Tally for PeopleTally<'_> {
    fn add(&mut self, person: &Person<'_>) {
        self.load(person);
        if self.steps.is_empty() {
            return;
        }
        let conversions = || person.conversions().iter().filter(|row| !row.is_refund && self.paths.is_of_kind(row));
        if let (&[(_, channel)], None) = (self.steps.as_slice(), conversions().next()) {
            self.one_channel[channel] += 1;
            return;
        }
        let paid = conversions().filter(|row| row.value > Minor::ZERO);
        let mut currencies: Vec<Text> = paid.filter_map(|row| row.currency).collect();
        currencies.sort_unstable();
        currencies.dedup();
        let path = PeoplePath {
            channels: self.steps.iter().map(|(_, channel)| *channel).collect(),
            converted: conversions().next().is_some(),
            currencies,
        };
        *self.others.entry(path).or_default() += 1;
    }

    fn merge(&mut self, other: Self) {
        self.one_channel.iter_mut().zip(other.one_channel).for_each(|(own, other)| *own += other);
        for (path, people) in other.others {
            *self.others.entry(path).or_default() += people;
        }
    }
}
