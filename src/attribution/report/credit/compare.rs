use std::collections::{BTreeMap, HashMap};

use super::{
    CreditSettings,
    people::{PeoplePath, PeopleTally},
    revenue::{Revenue, RevenueSum, Share},
    tally::{CreditTally, Sum},
};
use crate::{
    attribution::{
        channel::Channel,
        facts::{Conversion, Dictionary, Facts, Text, Touch, Tuple, TupleNumber},
        model::{
            Credit, Minor, Model, Shareable,
            data_driven::{ChannelPaths, Markov, Sampling, Shapley, Worth, credits, markov, shapley},
        },
        report::{Question, matcher::Matcher},
    },
    word_enum::word_enum,
};

word_enum! {
    /// What the rows of a comparison stand for. The text is its name in addresses.
    #[derive(Default)]
    pub enum GroupBy {
        #[default]
        Channel = "channel",
        Source = "source",
        Campaign = "campaign",
    }
}

impl GroupBy {
    /// Returns the value by which touches with a tuple are grouped.
    fn value(self, dictionary: &Dictionary, tuple: &Tuple) -> Option<Text> {
        match self {
            Self::Channel => Some(tuple.channel),
            Self::Source => tuple.source,
            Self::Campaign => tuple.campaign.map(|campaign| dictionary.shown(campaign)),
        }
    }
}

/// What one row stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Conversions without a touch before them. In a comparison of channels, also touches that name no source.
    Direct,
    /// Touches with this value. `None` stands for touches without a value.
    Value(Option<String>),
}

/// One row: the same conversions, credited by each model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComparisonRow {
    /// By each of [`Model::ALL`].
    pub models: [Revenue; 6],
    /// By removal effects in a Markov chain; empty without [`Comparison::learnt`].
    pub markov: Revenue,
    /// By Shapley values; empty without [`Comparison::learnt`].
    pub shapley: Revenue,
    /// The standard error of the conversions in [`ComparisonRow::shapley`]; 0 where nothing was sampled.
    pub shapley_error: Credit,
}

/// The models side by side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    pub rows: BTreeMap<Group, ComparisonRow>,
    pub total: ComparisonRow,
    /// What the data-driven models learnt from. `None` unless the groups are channels and the filter has no condition on touches.
    pub learnt: Option<Learnt>,
}

/// How much the data-driven models learnt from, for conversions. For money, the models learn only from the conversions that
/// brought money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Learnt {
    /// The number of conversions with a path.
    pub converted: u64,
    /// The number of people who did not convert.
    pub unconverted: u64,
    /// Whether all Shapley values are exact, for conversions and for money: nothing was sampled.
    pub exact: bool,
}

impl Comparison {
    /// Returns the currencies of the comparison, by name.
    pub fn currencies(&self) -> Vec<String> {
        // Every currency of a row is also in the total.
        let currencies = |revenue: &Revenue| revenue.by_currency.keys().cloned().collect::<Vec<_>>();
        let mut all: Vec<String> = self.total.models.iter().flat_map(currencies).collect();
        all.sort();
        all.dedup();
        all
    }
}

/// Credits the conversions that the filter finds, by all models.
pub fn compare(facts: &Facts, question: &Question, settings: &CreditSettings, by: GroupBy) -> Comparison {
    let matcher = Matcher::new(facts, question);
    let groups = Groups::of(matcher.dictionary, by);
    // The data-driven models divide all conversions among channels, not touch by touch. So they need groups by channel, and a
    // condition on touches has no meaning for them.
    let learns = by == GroupBy::Channel && question.filter.is_bare();
    let (credit, people) = matcher.scan(matcher.range, || {
        let rows = vec![Default::default(); groups.len() + 1];
        let sum = ComparisonSum { groups: &groups, rows, learns, paths: HashMap::new() };
        let people = learns.then(|| PeopleTally::new(&matcher, settings, &groups));
        (CreditTally::new(&matcher, settings, Model::ALL.to_vec(), sum), people)
    });
    let (mut comparison, paths) = credit.sum.finish(matcher.dictionary);
    if let Some(people) = people {
        TrainingData::new(matcher.dictionary, paths, people.finish()).share_out(groups.names(), &mut comparison);
    }
    comparison
}

/// The groups of all tuples.
pub(in crate::attribution::report) struct Groups {
    /// The groups of touches, in the order of their names, whatever order the facts have. After them comes the group of conversions
    /// without a touch.
    names: Vec<Group>,
    /// By tuple: the place of its group.
    of_tuple: Vec<usize>,
}

impl Groups {
    pub fn of(dictionary: &Dictionary, by: GroupBy) -> Self {
        let value = |tuple: &Tuple| by.value(dictionary, tuple);
        let mut values: Vec<Option<Text>> = dictionary.tuples().iter().map(value).collect();
        values.sort_unstable();
        values.dedup();
        values.sort_by_key(|value| value.map(|text| dictionary.texts.get(text)));
        let places: HashMap<Option<Text>, usize> = values.iter().copied().zip(0..).collect();
        let name = |value: Option<Text>| match value.map(|text| dictionary.texts.get(text)) {
            Some(channel) if by == GroupBy::Channel && channel == Channel::Direct.as_str() => Group::Direct,
            value => Group::Value(value.map(str::to_owned)),
        };
        let of_tuple = dictionary.tuples().iter().map(|tuple| places[&value(tuple)]).collect();
        Self { names: values.into_iter().map(name).chain([Group::Direct]).collect(), of_tuple }
    }

    /// Returns the number of groups with touches.
    pub fn len(&self) -> usize {
        self.names.len() - 1
    }

    /// Returns the place of the group of touches with a tuple.
    pub fn place(&self, tuple: TupleNumber) -> usize {
        self.of_tuple[tuple.place()]
    }

    /// Returns the groups with touches.
    pub fn names(&self) -> &[Group] {
        &self.names[..self.len()]
    }
}

/// Sums by group and by each of [`Model::ALL`], and by what the data-driven models learn from.
struct ComparisonSum<'a> {
    groups: &'a Groups,
    /// By group. The last row is of conversions without a touch.
    rows: Vec<[RevenueSum; 6]>,
    /// Whether the data-driven models are asked for. The groups are channels then.
    learns: bool,
    paths: TrainingPaths,
}

/// The number of conversions and refunds by each path, and the sum of their values.
type TrainingPaths = HashMap<TrainingPath, (u64, Minor)>;

/// A path through channels, and what it led to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct TrainingPath {
    /// Consecutive repeats of a channel are one step.
    channels: Vec<usize>,
    currency: Option<Text>,
    is_refund: bool,
    /// Whether money was paid.
    paid: bool,
}

impl ComparisonSum<'_> {
    fn finish(self, dictionary: &Dictionary) -> (Comparison, TrainingPaths) {
        let mut comparison = Comparison::default();
        for (group, sums) in self.groups.names.iter().zip(&self.rows) {
            if sums.iter().all(RevenueSum::is_empty) {
                continue;
            }
            let row = comparison.rows.entry(group.clone()).or_default();
            for (model, sum) in sums.iter().enumerate() {
                let revenue = sum.finish(dictionary);
                row.models[model] += &revenue;
                comparison.total.models[model] += &revenue;
            }
        }
        (comparison, self.paths)
    }
}

impl Sum for ComparisonSum<'_> {
    fn conversion(&mut self, conversion: &Conversion, path: &[Touch]) {
        if !self.learns {
            return;
        }
        let mut channels: Vec<usize> = path.iter().map(|touch| self.groups.place(touch.tuple)).collect();
        channels.dedup();
        let paid = conversion.value > Minor::ZERO;
        let path = TrainingPath { channels, currency: conversion.currency, is_refund: conversion.is_refund, paid };
        let (count, value) = self.paths.entry(path).or_default();
        *count += 1;
        *value += conversion.value;
    }

    fn share(&mut self, model: usize, conversion: &Conversion, touch: Option<Touch>, share: Share) {
        let place = touch.map_or(self.groups.len(), |touch| self.groups.place(touch.tuple));
        self.rows[place][model].add(share, conversion.currency);
    }

    fn merge(&mut self, other: Self) {
        for (own, other) in self.rows.iter_mut().flatten().zip(other.rows.iter().flatten()) {
            own.merge(other);
        }
        for (path, (count, value)) in other.paths {
            let (own_count, own_value) = self.paths.entry(path).or_default();
            *own_count += count;
            *own_value += value;
        }
    }
}

/// What the data-driven models learn from, and what they divide.
///
/// The models learn about conversions and about each currency separately, because a channel that brings sign-ups may never have
/// brought a yen.
#[derive(Debug, Default)]
struct TrainingData {
    /// The paths to conversions, and the paths of people without a conversion.
    paths: ChannelPaths,
    /// For each currency, the paths to conversions with a value in it, and the paths of people without such a conversion. Every
    /// currency in `revenue` has an entry, even if no path leads to a value in it.
    paid: BTreeMap<String, ChannelPaths>,
    unconverted: u64,
    /// The revenue of conversions with a path.
    revenue: Revenue,
    /// The revenue of conversions without a path.
    direct: Revenue,
}

impl TrainingData {
    fn new(dictionary: &Dictionary, conversions: TrainingPaths, people: HashMap<PeoplePath, u64>) -> Self {
        let mut data = Self::default();
        for (path, (count, value)) in conversions {
            data.add_conversions(&path, path.currency.map(|currency| dictionary.texts.get(currency)), count, value);
        }
        people.iter().for_each(|(path, people)| data.add_people(dictionary, path, *people));
        data
    }

    fn add_conversions(&mut self, path: &TrainingPath, currency: Option<&str>, count: u64, value: Minor) {
        let conversions = if path.is_refund { Credit::ZERO } else { Credit(count.cast_signed() * Credit::ONE.0) };
        let whole = Share { conversions, value };
        if path.channels.is_empty() {
            self.direct.add(whole, currency);
            return;
        }
        self.revenue.add(whole, currency);
        // a refund brings money to share out, but nobody converted once more
        if !path.is_refund {
            self.paths.add(&path.channels, true, count);
        }
        if let Some(currency) = currency {
            let paths = self.paid.entry(currency.to_owned()).or_default();
            if !path.is_refund && path.paid {
                paths.add(&path.channels, true, count);
            }
        }
    }

    /// Adds the people who did not convert. All conversions must be added first, because only then all currencies are known.
    fn add_people(&mut self, dictionary: &Dictionary, path: &PeoplePath, people: u64) {
        if !path.converted {
            self.paths.add(&path.channels, false, people);
            self.unconverted += people;
        }
        let paid = |currency: &str| path.currencies.iter().any(|&paid| dictionary.texts.get(paid) == currency);
        for (_, paths) in self.paid.iter_mut().filter(|(currency, _)| !paid(currency)) {
            paths.add(&path.channels, false, people);
        }
    }

    /// Learns, and fills the data-driven columns of a comparison. `channels` are the groups by number.
    fn share_out(self, channels: &[Group], comparison: &mut Comparison) {
        let counts = LearntShares::learn(&self.paths);
        self.share_conversions(channels, &counts, comparison);
        let money_exact = self.share_money(channels, comparison);
        let converted = (self.revenue.conversions.0 / Credit::ONE.0).unsigned_abs();
        let exact = counts.shapley.exact && money_exact;
        comparison.learnt = Some(Learnt { converted, unconverted: self.unconverted, exact });
        comparison.rows.retain(|_, row| *row != ComparisonRow::default());
        for row in comparison.rows.values() {
            comparison.total.markov += &row.markov;
            comparison.total.shapley += &row.shapley;
        }
    }

    fn share_conversions(&self, groups: &[Group], counts: &LearntShares, comparison: &mut Comparison) {
        let [by_markov, by_shapley] = counts.credits(self.revenue.conversions);
        for (number, group) in groups.iter().enumerate() {
            let row = comparison.rows.entry(group.clone()).or_default();
            row.markov.conversions += by_markov.get(number).copied().unwrap_or_default();
            row.shapley.conversions += by_shapley.get(number).copied().unwrap_or_default();
            let error = counts.shapley.standard_errors.get(number).copied().unwrap_or_default();
            row.shapley_error = Credit((error * self.revenue.conversions.0 as f64).round() as i64);
        }
    }

    /// Shares out the money, and what goes to Direct. Returns whether all Shapley values are exact.
    fn share_money(&self, groups: &[Group], comparison: &mut Comparison) -> bool {
        let mut exact = true;
        let mut direct = self.direct.clone();
        for (currency, value) in &self.revenue.by_currency {
            let Some(shares) = self.paid.get(currency).map(LearntShares::learn).filter(LearntShares::any) else {
                // No conversion in this currency happened in the period, so there are no learnt shares. The value comes from
                // refunds of earlier conversions.
                direct.add_value(currency, *value);
                continue;
            };
            exact &= shares.shapley.exact;
            let [by_markov, by_shapley] = shares.credits(*value);
            for ((group, markov), shapley) in groups.iter().zip(by_markov).zip(by_shapley) {
                let row = comparison.rows.entry(group.clone()).or_default();
                for (revenue, value) in [(&mut row.markov, markov), (&mut row.shapley, shapley)] {
                    if value != Minor::ZERO {
                        revenue.add_value(currency, value);
                    }
                }
            }
        }
        if direct != Revenue::default() {
            let row = comparison.rows.entry(Group::Direct).or_default();
            row.markov += &direct;
            row.shapley += &direct;
        }
        exact
    }
}

/// The shares that both methods learnt from some paths, by the numbers of the channels.
struct LearntShares {
    markov: Markov,
    shapley: Shapley,
}

impl LearntShares {
    fn learn(paths: &ChannelPaths) -> Self {
        Self { markov: markov(paths), shapley: shapley(paths, Worth::default(), Sampling::default()) }
    }

    /// Returns whether there was a conversion to learn from. Both methods return shares of zero if there was none.
    fn any(&self) -> bool {
        self.shapley.shares.iter().any(|share| *share != 0.0)
    }

    /// Returns the parts of `total` by Markov and by Shapley. Channels beyond the last one in the paths get nothing.
    fn credits<A: Shareable>(&self, total: A) -> [Vec<A>; 2] {
        [&self.markov.shares, &self.shapley.shares].map(|shares| credits(shares, total))
    }
}
