use std::collections::BTreeMap;

use super::{
    CreditSettings, Earned, Of, Part, PathTouch,
    unconverted::{PersonsPath, paths_of_people},
    walk,
};
use crate::{
    attribution::{
        channel::Channel,
        model::{
            COUNT_UNIT, Model,
            data_driven::{Markov, Paths, Sampling, Shapley, Worth, credits, markov, shapley},
        },
        report::Filter,
    },
    db::{Conn, Error},
};

/// What credit is summed by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    #[default]
    Channel,
    Source,
    Campaign,
}

impl By {
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

/// What a row is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Conversions without a touch before them; by channel also touches that say nothing of where they came from.
    Direct,
    /// Nothing stands for touches that have no value.
    Value(Option<String>),
}

impl Group {
    fn of_channel(channel: &str) -> Self {
        if channel == Channel::Direct.as_str() { Self::Direct } else { Self::Value(Some(channel.to_owned())) }
    }
}

/// One row: the same conversions, credited in six ways and more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// By each of [`Model::ALL`].
    pub models: [Earned; 6],
    /// By removal effects in a Markov chain; nothing without [`Comparison::learnt`].
    pub markov: Earned,
    /// By Shapley values; nothing without [`Comparison::learnt`].
    pub shapley: Earned,
    /// The standard error of [`Row::shapley`]'s count, in millionths; 0 where nothing had to be sampled.
    pub shapley_error: i64,
}

/// The models side by side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    pub rows: BTreeMap<Group, Row>,
    pub total: Row,
    /// What the data-driven columns are made from: by channel, where nothing is asked of the touches.
    pub learnt: Option<Learnt>,
}

/// From how much data-driven credit was learnt. This is said of counts; money is learnt from the conversions that brought it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Learnt {
    /// Conversions with a path.
    pub converted: u64,
    /// People who did not convert.
    pub lost: u64,
    /// Whether all Shapley values were computed from all orders, not from some.
    pub exact: bool,
}

impl Comparison {
    /// The currencies in it, by name.
    pub fn currencies(&self) -> Vec<String> {
        // a group may have one that the total has, too; by any model
        let mut all: Vec<String> = self.total.models.iter().flat_map(|earned| earned.values.keys().cloned()).collect();
        all.sort();
        all.dedup();
        all
    }
}

/// Credits the conversions that the filter finds by all models.
pub async fn compare(conn: &mut Conn, filter: &Filter, settings: &CreditSettings, by: By) -> Result<Comparison, Error> {
    let mut comparison = Comparison::default();
    // By channel the data-driven models can be asked, too. What is asked of touches has no meaning to them: they share out all
    // conversions, not touch by touch.
    let mut journeys = (by == By::Channel && filter.is_bare()).then(Journeys::default);
    walk(conn, Of::Filter(filter), settings, |attributed| {
        let currency = attributed.conversion.currency.as_deref();
        for (place, model) in Model::ALL.into_iter().enumerate() {
            attributed.found(model, &settings.weights, |touch, part| {
                comparison.rows.entry(by.group(touch)).or_default().models[place].add(part, currency);
                comparison.total.models[place].add(part, currency);
            });
        }
        if let Some(journeys) = &mut journeys {
            let whole = Part { count: attributed.conversion.count(), value: attributed.conversion.value };
            journeys.add(attributed.touches.iter().map(|touch| touch.channel.as_str()), whole, currency);
        }
    })
    .await?;
    if let Some(mut journeys) = journeys {
        for path in paths_of_people(conn, filter, settings).await? {
            journeys.lose(&path);
        }
        journeys.share_out(&mut comparison);
    }
    Ok(comparison)
}

/// What data-driven credit is learnt from, and what it is to share out.
///
/// Money is learnt apart from conversions, and each currency apart: what brings sign-ups may never have brought a yen.
#[derive(Debug, Default)]
struct Journeys {
    /// The channels that were met, each with its number.
    channels: BTreeMap<String, usize>,
    /// To conversions.
    paths: Paths,
    /// To conversions with a value in a currency. Each currency of `earned` is here, be it without a path.
    paid: BTreeMap<String, Paths>,
    lost: u64,
    /// Of conversions with a path.
    earned: Earned,
    /// Of the others, which are Direct's.
    direct: Earned,
}

impl Journeys {
    fn add<'a>(&mut self, channels: impl Iterator<Item = &'a str>, whole: Part, currency: Option<&str>) {
        let path: Vec<usize> = channels.map(|channel| self.number(channel)).collect();
        if path.is_empty() {
            self.direct.add(whole, currency);
            return;
        }
        self.earned.add(whole, currency);
        // a refund is no way of its own
        if whole.count > 0 {
            self.paths.add(&path, true, 1);
        }
        if let Some(currency) = currency {
            if !self.paid.contains_key(currency) {
                self.paid.insert(currency.to_owned(), Paths::default());
            }
            if let Some(paths) = self.paid.get_mut(currency).filter(|_| whole.count > 0 && whole.value > 0) {
                paths.add(&path, true, 1);
            }
        }
    }

    /// After all that was earned: only then it is known in which currencies.
    fn lose(&mut self, lost: &PersonsPath) {
        let path: Vec<usize> = lost.channels.iter().map(|channel| self.number(channel)).collect();
        if !lost.converted {
            self.paths.add(&path, false, lost.people);
            self.lost += lost.people;
        }
        for (_, paths) in self.paid.iter_mut().filter(|(currency, _)| !lost.currencies.contains(currency)) {
            paths.add(&path, false, lost.people);
        }
    }

    fn number(&mut self, channel: &str) -> usize {
        let next = self.channels.len();
        match self.channels.get(channel) {
            Some(number) => *number,
            None => *self.channels.entry(channel.to_owned()).or_insert(next),
        }
    }

    fn share_out(self, comparison: &mut Comparison) {
        let mut names: Vec<&str> = vec![""; self.channels.len()];
        for (name, &number) in &self.channels {
            names[number] = name;
        }
        let groups: Vec<Group> = names.into_iter().map(Group::of_channel).collect();

        let counts = Shares::learn(&self.paths);
        let [by_markov, by_shapley] = counts.credits(self.earned.count);
        for (number, group) in groups.iter().enumerate() {
            let row = comparison.rows.entry(group.clone()).or_default();
            row.markov.count += by_markov.get(number).copied().unwrap_or_default();
            row.shapley.count += by_shapley.get(number).copied().unwrap_or_default();
            let error = counts.shapley.standard_errors.get(number).copied().unwrap_or_default();
            row.shapley_error = (error * self.earned.count as f64).round() as i64;
        }
        let mut exact = counts.shapley.exact;
        let mut direct = self.direct.clone();
        for (currency, value) in &self.earned.values {
            let shares = self.paid.get(currency).map(Shares::learn).filter(Shares::any);
            let Some(shares) = shares else {
                // Without such a conversion nothing was learnt; what is left then are refunds of earlier ones.
                *direct.values.entry(currency.clone()).or_default() += value;
                continue;
            };
            exact &= shares.shapley.exact;
            let [by_markov, by_shapley] = shares.credits(*value);
            for ((group, markov), shapley) in groups.iter().zip(by_markov).zip(by_shapley) {
                let row = comparison.rows.entry(group.clone()).or_default();
                for (earned, value) in [(&mut row.markov, markov), (&mut row.shapley, shapley)] {
                    if value != 0 {
                        *earned.values.entry(currency.clone()).or_default() += value;
                    }
                }
            }
        }
        if direct != Earned::default() {
            let row = comparison.rows.entry(Group::Direct).or_default();
            row.markov += &direct;
            row.shapley += &direct;
        }
        comparison.learnt =
            Some(Learnt { converted: (self.earned.count / COUNT_UNIT).unsigned_abs(), lost: self.lost, exact });
        comparison.rows.retain(|_, row| *row != Row::default());
        for row in comparison.rows.values() {
            comparison.total.markov += &row.markov;
            comparison.total.shapley += &row.shapley;
        }
    }
}

/// What was learnt from some paths, by the channels' numbers.
struct Shares {
    markov: Markov,
    shapley: Shapley,
}

impl Shares {
    fn learn(paths: &Paths) -> Self {
        Self { markov: markov(paths), shapley: shapley(paths, Worth::default(), Sampling::default()) }
    }

    /// Whether there was anything to learn from: both methods have shares where there was a conversion.
    fn any(&self) -> bool {
        self.shapley.shares.iter().any(|share| *share != 0.0)
    }

    /// Whole units by Markov and by Shapley; channels beyond the last have none.
    fn credits(&self, total: i64) -> [Vec<i64>; 2] {
        [&self.markov.shares, &self.shapley.shares].map(|shares| credits(shares, total))
    }
}
