//! Credit: what the touches before a conversion brought, by a model.
//!
//! What always holds:
//! - A conversion is credited over its whole path; a filter then says which parts of it are summed. Without a filter the parts add
//!   up to the conversions of the period, to the millionth, and to their values, to the minor unit.
//! - A conversion without a path is Direct's.
//! - A refund falls into the period of its own time and is taken back from the touches that had been credited. It changes values, not
//!   the number of conversions.
//! - Currencies are never added to each other.

use std::{collections::BTreeMap, ops::AddAssign, time::Duration};

use super::{
    Filter, Range, Statement,
    campaigns::Campaign,
    ranking::{Dimension, Ranked},
};
use crate::{
    attribution::{
        channel::Channel,
        model::{Model, Weights},
        settings::Settings,
    },
    db::{Conn, Error},
    id::{TouchId, UserId},
};

/// The models side by side.
pub mod compare;
/// Conversions with their paths.
pub mod paths;
/// What makes two touches in a row one step.
mod steps;
/// What the ways of those who did not convert teach.
mod unconverted;

pub use self::paths::{Attributed, Conversion, Of, Part, PathTouch, walk};
#[cfg(test)]
pub(crate) use self::unconverted::{PersonsPath, paths_of_people};

/// What credit depends on beside the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditSettings {
    pub weights: Weights,
    /// How long before a conversion a touch counts for it.
    pub window: Duration,
    /// The same for kinds of conversions that have their own.
    pub windows: Vec<(String, Duration)>,
    /// Whether touches from links on pages of our own are credited.
    pub internal_touches: bool,
}

impl CreditSettings {
    pub fn of(settings: &Settings) -> Self {
        let own = |(kind, _): &(String, _)| (kind.clone(), settings.window_of(kind));
        Self {
            weights: settings.weights,
            // no kind has an empty name
            window: settings.window_of(""),
            windows: settings.windows.iter().map(own).collect(),
            internal_touches: settings.internal_touches,
        }
    }

    pub fn window_of(&self, kind: &str) -> Duration {
        self.windows.iter().find(|(name, _)| name == kind).map_or(self.window, |(_, window)| *window)
    }
}

/// What was earned: conversions and money.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Earned {
    /// Conversions, in millionths.
    pub count: i64,
    /// By currency, in its minor units. Less than nothing where a period has more refunds than sales.
    pub values: BTreeMap<String, i64>,
}

impl Earned {
    pub fn add(&mut self, part: Part, currency: Option<&str>) {
        self.count += part.count;
        let Some(currency) = currency else { return };
        match self.values.get_mut(currency) {
            Some(value) => *value += part.value,
            None => drop(self.values.insert(currency.to_owned(), part.value)),
        }
    }

    /// The amount of a currency; 0 where none was earned.
    pub fn value(&self, currency: &str) -> i64 {
        self.values.get(currency).copied().unwrap_or_default()
    }
}

impl AddAssign<&Self> for Earned {
    fn add_assign(&mut self, other: &Self) {
        self.count += other.count;
        for (currency, value) in &other.values {
            *self.values.entry(currency.clone()).or_default() += value;
        }
    }
}

/// What tells the rows of a report on campaigns apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CampaignName {
    pub source: Option<String>,
    pub medium: Option<String>,
    pub campaign: Option<String>,
    pub channel: String,
}

impl CampaignName {
    /// That of a touch; of none, Direct.
    fn of(touch: Option<&PathTouch>) -> Self {
        match touch {
            Some(touch) => Self {
                source: touch.source.clone(),
                medium: touch.medium.clone(),
                campaign: touch.campaign.clone(),
                channel: touch.channel.clone(),
            },
            None => Self { source: None, medium: None, campaign: None, channel: Channel::Direct.as_str().to_owned() },
        }
    }
}

/// Credit by campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CampaignCredit(BTreeMap<CampaignName, Earned>);

impl CampaignCredit {
    /// What a row of the report earned.
    pub fn of(&self, campaign: &Campaign) -> Earned {
        let Campaign { source, medium, campaign, channel, .. } = campaign.clone();
        self.0.get(&CampaignName { source, medium, campaign, channel }).cloned().unwrap_or_default()
    }

    /// What all of them earned together.
    pub fn total(&self) -> Earned {
        let mut total = Earned::default();
        self.0.values().for_each(|earned| total += earned);
        total
    }

    /// Name and count of each, as a list of JSON lists: how they get into a statement.
    pub(crate) fn counts(&self) -> String {
        let rows: Vec<_> = self
            .0
            .iter()
            .map(|(CampaignName { source, medium, campaign, channel }, earned)| {
                (source, medium, campaign, channel, earned.count)
            })
            .collect();
        // text and numbers are always JSON
        serde_json::to_string(&rows).unwrap_or_else(|_| "[]".to_owned())
    }
}

/// The credit of each campaign in a period.
pub async fn credit_by_campaign(
    conn: &mut Conn,
    filter: &Filter,
    settings: &CreditSettings,
    model: Model,
) -> Result<CampaignCredit, Error> {
    let mut credit = CampaignCredit::default();
    walk(conn, Of::Filter(filter), settings, |attributed| {
        attributed.found(model, &settings.weights, |touch, part| {
            let currency = attributed.conversion.currency.as_deref();
            credit.0.entry(CampaignName::of(touch)).or_default().add(part, currency);
        });
    })
    .await?;
    Ok(credit)
}

/// The largest by credit, largest first, at most `limit`, for each of the dimensions; counts are in millionths. With what they are
/// shares of. What goes to Direct is a channel, and in no other list.
pub async fn credit_rankings<const N: usize>(
    conn: &mut Conn,
    filter: &Filter,
    settings: &CreditSettings,
    model: Model,
    dimensions: [Dimension; N],
    limit: usize,
) -> Result<[(Vec<Ranked>, i64); N], Error> {
    let mut counts: [BTreeMap<Option<String>, i64>; N] = std::array::from_fn(|_| BTreeMap::new());
    walk(conn, Of::Filter(filter), settings, |attributed| {
        attributed.found(model, &settings.weights, |touch, part| {
            for (dimension, counts) in dimensions.into_iter().zip(&mut counts) {
                let value = match (dimension, touch) {
                    (Dimension::Channel, None) => Some(Channel::Direct.as_str()),
                    (Dimension::Channel, Some(touch)) => Some(touch.channel.as_str()),
                    (Dimension::Source, Some(touch)) => touch.source.as_deref(),
                    (Dimension::LandingPage, Some(touch)) => Some(touch.landing_path.as_str()),
                    (Dimension::Referrer, Some(PathTouch { referrer: Some(referrer), .. })) => {
                        referrer.split('/').next()
                    }
                    (_, _) => continue,
                };
                *counts.entry(value.map(str::to_owned)).or_default() += part.count;
            }
        });
    })
    .await?;
    Ok(counts.map(|counts| {
        let total = counts.values().sum();
        let mut ranked: Vec<Ranked> =
            counts.into_iter().filter(|(_, count)| *count > 0).map(|(value, count)| Ranked { value, count }).collect();
        // sorting is stable: equal ones stay by name
        ranked.sort_by_key(|row| -row.count);
        ranked.truncate(limit);
        (ranked, total)
    }))
}

/// Conversions and money in each of the ranges, which lie in the filter's period, in order, and share nothing.
pub async fn credit_over_time(
    conn: &mut Conn,
    filter: &Filter,
    settings: &CreditSettings,
    model: Model,
    ranges: &[Range],
) -> Result<Vec<Earned>, Error> {
    let mut earned = vec![Earned::default(); ranges.len()];
    walk(conn, Of::Filter(filter), settings, |attributed| {
        let at = attributed.conversion.occurred_at;
        let place = ranges.partition_point(|range| range.end <= at);
        if !ranges.get(place).is_some_and(|range| range.contains(at)) {
            return;
        }
        attributed.found(model, &settings.weights, |_, part| {
            earned[place].add(part, attributed.conversion.currency.as_deref());
        });
    })
    .await?;
    Ok(earned)
}

/// A conversion of a user, and what each touch of its path was credited with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditedConversion {
    pub conversion: Conversion,
    /// By touch, oldest first. Empty where the credit is Direct's.
    pub parts: Vec<(TouchId, Part)>,
}

/// The conversions and refunds of a user, oldest first, credited by a model.
pub async fn credit_of_user(
    conn: &mut Conn,
    user: UserId,
    settings: &CreditSettings,
    model: Model,
) -> Result<Vec<CreditedConversion>, Error> {
    let mut conversions = Vec::new();
    walk(conn, Of::User(user), settings, |attributed| {
        let touches = attributed.touches.iter().map(|touch| touch.id);
        let parts = touches.zip(attributed.parts(model, &settings.weights)).collect();
        conversions.push(CreditedConversion { conversion: attributed.conversion.clone(), parts });
    })
    .await?;
    Ok(conversions)
}

/// What a touch of a user earned by each of [`Model::ALL`], with all of the user's conversions so far.
pub async fn credit_of_touch(
    conn: &mut Conn,
    user: UserId,
    touch: TouchId,
    settings: &CreditSettings,
) -> Result<[Earned; 6], Error> {
    let mut earned: [Earned; 6] = Default::default();
    walk(conn, Of::User(user), settings, |attributed| {
        let Some(place) = attributed.touches.iter().position(|candidate| candidate.id == touch) else { return };
        for (earned, model) in earned.iter_mut().zip(Model::ALL) {
            earned.add(attributed.parts(model, &settings.weights)[place], attributed.conversion.currency.as_deref());
        }
    })
    .await?;
    Ok(earned)
}

/// The kinds of conversions there are, by name.
pub async fn kinds(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let kinds: Vec<(String,)> =
        Statement::new("select distinct kind from conversions order by kind").query().fetch_all(conn).await?;
    Ok(kinds.into_iter().map(|(kind,)| kind).collect())
}
