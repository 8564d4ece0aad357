use std::collections::BTreeMap;

use super::{
    paths::{Select, for_each_conversion},
    revenue::{Revenue, Share},
    settings::CreditSettings,
    steps::PathTouch,
    unconverted::{PeoplePath, paths_of_people},
};
use crate::{
    attribution::{
        channel::Channel,
        model::{
            Credit, Minor, Model, Shareable,
            data_driven::{ChannelPaths, Markov, Sampling, Shapley, Worth, credits, markov, shapley},
        },
        report::Filter,
    },
    db::{Conn, Error},
};

/// What the rows of a comparison stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    #[default]
    Channel,
    Source,
    Campaign,
}

impl GroupBy {
    pub const ALL: [Self; 3] = [Self::Channel, Self::Source, Self::Campaign];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Source => "source",
            Self::Campaign => "campaign",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == text)
    }

    fn group(self, touch: Option<&PathTouch>) -> Group {
        match (self, touch) {
            (_, None) => Group::Direct,
            (Self::Channel, Some(touch)) => Group::of_channel(&touch.channel),
            (Self::Source, Some(touch)) => Group::Value(touch.source.clone()),
            (Self::Campaign, Some(touch)) => Group::Value(touch.campaign.clone()),
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

impl Group {
    fn of_channel(channel: &str) -> Self {
        if channel == Channel::Direct.as_str() { Self::Direct } else { Self::Value(Some(channel.to_owned())) }
    }
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
pub async fn compare(
    conn: &mut Conn,
    filter: &Filter,
    settings: &CreditSettings,
    by: GroupBy,
) -> Result<Comparison, Error> {
    let mut comparison = Comparison::default();
    // The data-driven models divide all conversions among channels, not touch by touch. So they need groups by channel, and a
    // condition on touches has no meaning for them.
    let mut training = (by == GroupBy::Channel && filter.is_bare()).then(TrainingData::default);
    for_each_conversion(conn, Select::Filter(filter), settings, |attributed| {
        let currency = attributed.conversion.currency.as_deref();
        for (place, model) in Model::ALL.into_iter().enumerate() {
            attributed.for_each_matching_share(model, &settings.weights, |touch, share| {
                comparison.rows.entry(by.group(touch)).or_default().models[place].add(share, currency);
                comparison.total.models[place].add(share, currency);
            });
        }
        if let Some(training) = &mut training {
            let channels = attributed.touches.iter().map(|touch| touch.channel.as_str());
            training.add_conversion(channels, attributed.conversion.whole(), currency);
        }
    })
    .await?;
    if let Some(mut training) = training {
        for path in paths_of_people(conn, filter, settings).await? {
            training.add_people(&path);
        }
        training.share_out(&mut comparison);
    }
    Ok(comparison)
}

/// What the data-driven models learn from, and what they divide.
///
/// The models learn about conversions and about each currency separately, because a channel that brings sign-ups may never have
/// brought a yen.
#[derive(Debug, Default)]
struct TrainingData {
    /// The number of each channel that a path met.
    channels: BTreeMap<String, usize>,
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
    fn add_conversion<'a>(&mut self, channels: impl Iterator<Item = &'a str>, whole: Share, currency: Option<&str>) {
        let path: Vec<usize> = channels.map(|channel| self.number(channel)).collect();
        if path.is_empty() {
            self.direct.add(whole, currency);
            return;
        }
        self.revenue.add(whole, currency);
        // a refund brings money to share out, but nobody converted once more
        let converted = whole.conversions > Credit::ZERO;
        if converted {
            self.paths.add(&path, true, 1);
        }
        if let Some(currency) = currency {
            if !self.paid.contains_key(currency) {
                self.paid.insert(currency.to_owned(), ChannelPaths::default());
            }
            if let Some(paths) = self.paid.get_mut(currency).filter(|_| converted && whole.value > Minor::ZERO) {
                paths.add(&path, true, 1);
            }
        }
    }

    /// Adds the people who did not convert. All conversions must be added first, because only then all currencies are known.
    fn add_people(&mut self, path: &PeoplePath) {
        let numbers: Vec<usize> = path.channels.iter().map(|channel| self.number(channel)).collect();
        if !path.converted {
            self.paths.add(&numbers, false, path.people);
            self.unconverted += path.people;
        }
        for (_, paths) in self.paid.iter_mut().filter(|(currency, _)| !path.currencies.contains(currency)) {
            paths.add(&numbers, false, path.people);
        }
    }

    /// Returns the number of a channel; a new channel gets the next number.
    fn number(&mut self, channel: &str) -> usize {
        let next = self.channels.len();
        match self.channels.get(channel) {
            Some(number) => *number,
            None => *self.channels.entry(channel.to_owned()).or_insert(next),
        }
    }

    /// Learns, and fills the data-driven columns of a comparison.
    fn share_out(self, comparison: &mut Comparison) {
        let mut names: Vec<&str> = vec![""; self.channels.len()];
        for (name, &number) in &self.channels {
            names[number] = name;
        }
        let groups: Vec<Group> = names.into_iter().map(Group::of_channel).collect();
        let counts = LearntShares::learn(&self.paths);
        self.share_conversions(&groups, &counts, comparison);
        let money_exact = self.share_money(&groups, comparison);
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
