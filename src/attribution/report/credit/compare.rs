use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use super::groups::{Group, GroupBy};
use super::{
    CreditSettings,
    groups::Groups,
    people::{PeoplePath, PeopleTally},
    revenue::{Revenue, RevenueSum, Share},
    tally::{CreditTally, Sum},
};
use crate::attribution::{
    facts::{Conversion, Dictionary, Facts, Text, Touch},
    model::{
        Credit, Minor, Model,
        data_driven::{ChannelPaths, Sampling, Worth, credits, markov, shapley},
    },
    report::{Question, matcher::Matcher},
};

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
        let all: BTreeSet<&String> = self.total.models.iter().flat_map(|revenue| revenue.by_currency.keys()).collect();
        all.into_iter().cloned().collect()
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
        learn(&mut comparison, matcher.dictionary, groups.of_touches(), paths, &people.finish());
    }
    comparison
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
        for (group, sums) in self.groups.all.iter().zip(&self.rows) {
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

/// What the data-driven models divide, conversions or the money in one currency, and what they learn from.
///
/// The models learn about conversions and about each currency separately, because a channel that brings sign-ups may never have
/// brought a yen.
#[derive(Debug, Default)]
struct Training {
    /// The paths to conversions that count here, and the paths of people without such a conversion.
    paths: ChannelPaths,
    /// The amount of conversions with a path, in millionths of a conversion or in minor units.
    total: i64,
    /// The amount of conversions without a path. `None` if there is no such conversion.
    direct: Option<i64>,
}

/// Returns what there is to divide: under `None` the conversions, under a currency the money in it.
fn training(conversions: TrainingPaths, people: &HashMap<PeoplePath, u64>) -> BTreeMap<Option<Text>, Training> {
    let mut all = BTreeMap::from([(None, Training::default())]);
    for (path, (count, value)) in conversions {
        // a refund brings money to share out, but nobody converted once more
        let converted = if path.is_refund { 0 } else { count };
        let mut add = |what, amount, converted| all.entry(what).or_default().add(&path.channels, amount, converted);
        add(None, converted.cast_signed() * Credit::ONE.0, converted);
        if let Some(currency) = path.currency {
            add(Some(currency), value.0, if path.paid { converted } else { 0 });
        }
    }
    for (path, &people) in people {
        for (what, training) in &mut all {
            let converted = what.map_or(path.converted, |currency| path.currencies.contains(&currency));
            if !converted {
                training.paths.add(&path.channels, false, people);
            }
        }
    }
    all
}

/// Learns, and fills the data-driven columns of a comparison by channel. `channels` are the groups by number.
fn learn(
    comparison: &mut Comparison,
    dictionary: &Dictionary,
    channels: &[Group],
    conversions: TrainingPaths,
    people: &HashMap<PeoplePath, u64>,
) {
    let unconverted = people.iter().filter(|(path, _)| !path.converted).map(|(_, people)| people).sum();
    let mut learnt = Learnt { converted: 0, unconverted, exact: true };
    for (what, training) in training(conversions, people) {
        let currency = what.map(|currency| dictionary.texts.get(currency));
        if currency.is_none() {
            learnt.converted = (training.total / Credit::ONE.0).unsigned_abs();
        }
        learnt.exact &= training.share_out(currency, channels, &mut comparison.rows);
    }
    comparison.learnt = Some(learnt);
    comparison.rows.retain(|_, row| *row != ComparisonRow::default());
    for row in comparison.rows.values() {
        comparison.total.markov += &row.markov;
        comparison.total.shapley += &row.shapley;
    }
}

impl Training {
    fn add(&mut self, channels: &[usize], amount: i64, converted: u64) {
        if channels.is_empty() {
            *self.direct.get_or_insert_default() += amount;
            return;
        }
        self.total += amount;
        if converted > 0 {
            self.paths.add(channels, true, converted);
        }
    }

    /// Adds to the rows their parts of the conversions, or of the money in a currency. Returns whether all Shapley values are
    /// exact.
    fn share_out(self, currency: Option<&str>, channels: &[Group], rows: &mut BTreeMap<Group, ComparisonRow>) -> bool {
        let Self { paths, total, mut direct } = self;
        let add = |revenue: &mut Revenue, amount: i64| match currency {
            Some(currency) => revenue.add_value(currency, Minor(amount)),
            None => revenue.conversions += Credit(amount),
        };
        let mut exact = true;
        if paths.conversions() > 0.0 {
            let (markov, shapley) = (markov(&paths), shapley(&paths, Worth::default(), Sampling::default()));
            exact = shapley.exact;
            // Channels beyond the last one in the paths get nothing.
            let parts = credits(&markov.shares, total).into_iter().zip(credits(&shapley.shares, total));
            for ((channel, parts), error) in channels.iter().zip(parts).zip(&shapley.standard_errors) {
                let row = rows.entry(channel.clone()).or_default();
                for (revenue, part) in [(&mut row.markov, parts.0), (&mut row.shapley, parts.1)] {
                    if part != 0 {
                        add(revenue, part);
                    }
                }
                if currency.is_none() {
                    row.shapley_error = Credit((error * total as f64).round() as i64);
                }
            }
        } else {
            // No such conversion happened in the period, so nothing can be learnt. The value comes from refunds of earlier
            // conversions.
            *direct.get_or_insert_default() += total;
        }
        if let Some(amount) = direct {
            let row = rows.entry(Group::Direct).or_default();
            add(&mut row.markov, amount);
            add(&mut row.shapley, amount);
        }
        exact
    }
}
