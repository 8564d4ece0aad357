use std::collections::HashMap;

use super::settings::CreditSettings;
use crate::{
    attribution::{
        facts::{Conversion, Dictionary, Person, Text, scan::Tally},
        model::Minor,
        report::matcher::Matcher,
    },
    timestamp::Timestamp,
};

/// A path through channels, and the number of people who took it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PeoplePath {
    /// The numbers of the channels, oldest first. Consecutive repeats of a channel are one step.
    pub channels: Vec<usize>,
    /// Whether these people have a conversion of the filter's kind, at any time.
    pub converted: bool,
    /// The currencies in which these people have such a conversion with a value.
    pub currencies: Vec<Text>,
    pub people: u64,
}

/// Channels by number: the numbers are in the order of names, whatever order the facts have.
#[derive(Debug)]
pub(crate) struct Channels {
    pub names: Vec<String>,
    /// By the places of [`Text::place`].
    numbers: Vec<usize>,
}

impl Channels {
    pub fn of(dictionary: &Dictionary) -> Self {
        let mut channels: Vec<Text> = dictionary.tuples().iter().map(|tuple| tuple.channel).collect();
        channels.sort_unstable();
        channels.dedup();
        channels.sort_by_key(|&channel| dictionary.texts.get(channel));
        let mut numbers = vec![0; dictionary.texts.places()];
        for (number, &channel) in channels.iter().enumerate() {
            numbers[Text::place(Some(channel))] = number;
        }
        Self { names: channels.into_iter().map(|channel| dictionary.texts.get(channel).to_owned()).collect(), numbers }
    }

    /// Returns the number of the channel of a tuple.
    pub fn number(&self, channel: Text) -> usize {
        self.numbers[Text::place(Some(channel))]
    }
}

/// Returns the paths of all people with a touch in the period, converted or not, by their channels.
///
/// "Did not convert" depends on the question: for counts, no conversion; for money in a currency, no conversion with a value in
/// that currency. So each path says both.
///
/// A person is a user with all browsers of that user, or a visitor who belongs to no user. The path ends with the person's last
/// touch in the period and goes back from there as far as a conversion's path would. Only the filter's period and kind matter.
#[cfg(test)]
pub(crate) fn paths_of_people(
    facts: &crate::attribution::facts::Facts,
    question: &crate::attribution::report::Question,
    settings: &CreditSettings,
    channels: &Channels,
) -> Vec<PeoplePath> {
    let matcher = Matcher::new(facts, question);
    crate::attribution::facts::scan::scan(facts, matcher.range, || PeopleTally::new(&matcher, settings, channels))
        .finish()
}

/// Counts [`PeoplePath`]s.
pub(super) struct PeopleTally<'a> {
    matcher: &'a Matcher<'a>,
    settings: &'a CreditSettings,
    channels: &'a Channels,
    kind: Option<Option<Text>>,
    /// Most people have a path of one channel and no conversion. They are counted by channel.
    one_channel: Vec<u64>,
    others: HashMap<PeoplePath, u64>,
    /// The touches of the person at hand: time and channel.
    steps: Vec<(Timestamp, usize)>,
}

impl<'a> PeopleTally<'a> {
    pub fn new(matcher: &'a Matcher<'a>, settings: &'a CreditSettings, channels: &'a Channels) -> Self {
        let texts = &matcher.dictionary.texts;
        Self {
            matcher,
            settings,
            channels,
            kind: matcher.question.filter.kind.as_deref().map(|kind| texts.find(kind)),
            one_channel: vec![0; channels.names.len()],
            others: HashMap::new(),
            steps: Vec::new(),
        }
    }

    pub fn finish(self) -> Vec<PeoplePath> {
        let one =
            self.one_channel.into_iter().enumerate().filter(|(_, people)| *people > 0).map(|(channel, people)| {
                PeoplePath { channels: vec![channel], converted: false, currencies: Vec::new(), people }
            });
        let mut paths: Vec<PeoplePath> = one.collect();
        paths.extend(self.others.into_iter().map(|(path, people)| PeoplePath { people, ..path }));
        paths.sort_unstable();
        paths
    }

    /// Puts the steps of a person's path into `self.steps`.
    fn load(&mut self, person: &Person<'_>) {
        let (range, dictionary, channels) = (self.matcher.range, self.matcher.dictionary, self.channels);
        let internal = self.settings.internal_touches;
        self.steps.clear();
        self.steps.extend(person.touches().filter(|touch| touch.at < range.end).filter_map(|touch| {
            let tuple = dictionary.tuple(touch.tuple);
            (internal || !tuple.internal).then(|| (touch.at, channels.number(tuple.channel)))
        }));
        let latest = self.steps.iter().map(|(at, _)| *at).max().filter(|at| *at >= range.start);
        let Some(latest) = latest else { return self.steps.clear() };
        let filter = &self.matcher.question.filter;
        let first = latest - self.settings.window_of(filter.kind.as_deref().unwrap_or_default());
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
        let kind = self.kind;
        let of_kind = |row: &&Conversion| !row.is_refund && kind.is_none_or(|kind| kind == Some(row.kind));
        let conversions = || person.conversions().iter().filter(of_kind);
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
            people: 0,
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
