//! What always holds:
//! - A conversion is credited over its whole path; then a filter decides which shares are summed. Without a filter the
//!   shares add up to the conversions of the period, to the millionth, and to their values, to the minor unit.
//! - A conversion without a path is credited to Direct.
//! - A refund counts in the period of its own time, and takes value back from the touches that had been credited. A refund
//!   changes values, not the number of conversions.
//! - Currencies are never added to each other.

use std::collections::BTreeMap;

use super::{Filter, Range, campaign_key::CampaignKey, ranking::Dimension};
use crate::{
    attribution::{
        channel::Channel,
        model::{Credit, Model},
    },
    db::{Conn, Error, sql},
    id::{TouchId, UserId},
};

/// The models side by side.
pub mod compare;
/// Conversions with their paths.
mod paths;
/// Conversions and money.
mod revenue;
/// What credit depends on, beside the model.
mod settings;
/// The touches of a path, and what makes two touches in a row one step.
mod steps;
/// The paths of people who did not convert.
mod unconverted;

#[cfg(test)]
pub(crate) use self::unconverted::{PeoplePath, paths_of_people};
pub use self::{
    paths::{AttributedConversion, ConversionRow, Select, for_each_conversion},
    revenue::{Revenue, Share},
    settings::CreditSettings,
    steps::PathTouch,
};

/// Revenue by campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CampaignCredit(BTreeMap<CampaignKey, Revenue>);

impl CampaignCredit {
    /// Returns the revenue of a campaign.
    pub fn of(&self, campaign: &CampaignKey) -> Revenue {
        self.0.get(campaign).cloned().unwrap_or_default()
    }

    /// Returns the revenue of all campaigns together.
    pub fn total(&self) -> Revenue {
        let mut total = Revenue::default();
        self.0.values().for_each(|revenue| total += revenue);
        total
    }

    /// Returns the names and the credit of each campaign as JSON, which a statement can take:
    /// `[["google","cpc","spring","Paid Search",1500000]]`.
    pub(super) fn to_json(&self) -> String {
        let row = |(CampaignKey { source, medium, campaign, channel }, revenue): (&CampaignKey, &Revenue)| {
            serde_json::json!([source, medium, campaign, channel, revenue.conversions.0])
        };
        serde_json::Value::from_iter(self.0.iter().map(row)).to_string()
    }
}

/// Returns the credit of each campaign in a period.
pub async fn credit_by_campaign(
    conn: &mut Conn,
    filter: &Filter,
    settings: &CreditSettings,
    model: Model,
) -> Result<CampaignCredit, Error> {
    let mut credit = CampaignCredit::default();
    for_each_conversion(conn, Select::Filter(filter), settings, |attributed| {
        attributed.for_each_matching_share(model, &settings.weights, |touch, share| {
            let key = touch.map_or_else(CampaignKey::direct, PathTouch::campaign_key);
            credit.0.entry(key).or_default().add(share, attributed.conversion.currency.as_deref());
        });
    })
    .await?;
    Ok(credit)
}

/// One row of a ranking by credit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankedCredit {
    /// `None` for touches without a value.
    pub value: Option<String>,
    pub credit: Credit,
}

/// Returns a ranking by credit for each of the dimensions, largest first, at most `limit` rows, with the credit of all
/// its rows. The credit of Direct is a row among the channels, and in no other ranking.
pub async fn credit_rankings<const N: usize>(
    conn: &mut Conn,
    filter: &Filter,
    settings: &CreditSettings,
    model: Model,
    dimensions: [Dimension; N],
    limit: usize,
) -> Result<[(Vec<RankedCredit>, Credit); N], Error> {
    let mut rankings: [BTreeMap<Option<String>, Credit>; N] = std::array::from_fn(|_| BTreeMap::new());
    for_each_conversion(conn, Select::Filter(filter), settings, |attributed| {
        attributed.for_each_matching_share(model, &settings.weights, |touch, share| {
            for (dimension, ranking) in dimensions.into_iter().zip(&mut rankings) {
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
                *ranking.entry(value.map(str::to_owned)).or_default() += share.conversions;
            }
        });
    })
    .await?;
    Ok(rankings.map(|ranking| {
        let total = ranking.values().copied().sum();
        let mut rows: Vec<RankedCredit> = ranking
            .into_iter()
            .filter(|(_, credit)| *credit > Credit::ZERO)
            .map(|(value, credit)| RankedCredit { value, credit })
            .collect();
        // sorting is stable: rows of equal credit stay in the order of names
        rows.sort_by_key(|row| -row.credit);
        rows.truncate(limit);
        (rows, total)
    }))
}

/// Returns the revenue in each of the ranges. The ranges lie in the filter's period, are in order, and do not overlap.
pub async fn credit_over_time(
    conn: &mut Conn,
    filter: &Filter,
    settings: &CreditSettings,
    model: Model,
    ranges: &[Range],
) -> Result<Vec<Revenue>, Error> {
    let mut revenue = vec![Revenue::default(); ranges.len()];
    for_each_conversion(conn, Select::Filter(filter), settings, |attributed| {
        let at = attributed.conversion.occurred_at;
        let place = ranges.partition_point(|range| range.end <= at);
        if !ranges.get(place).is_some_and(|range| range.contains(at)) {
            return;
        }
        attributed.for_each_matching_share(model, &settings.weights, |_, share| {
            revenue[place].add(share, attributed.conversion.currency.as_deref());
        });
    })
    .await?;
    Ok(revenue)
}

/// A conversion of a user, and the share of each touch of its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditedConversion {
    pub conversion: ConversionRow,
    /// By touch, oldest first. Empty where the conversion is credited to Direct.
    pub shares: Vec<(TouchId, Share)>,
}

/// Returns the conversions and refunds of a user, oldest first, credited by a model.
pub async fn credit_of_user(
    conn: &mut Conn,
    user: UserId,
    settings: &CreditSettings,
    model: Model,
) -> Result<Vec<CreditedConversion>, Error> {
    let mut conversions = Vec::new();
    for_each_conversion(conn, Select::User(user), settings, |attributed| {
        let touches = attributed.touches.iter().map(|touch| touch.id);
        let shares = touches.zip(attributed.shares(model, &settings.weights)).collect();
        conversions.push(CreditedConversion { conversion: attributed.conversion.clone(), shares });
    })
    .await?;
    Ok(conversions)
}

/// Returns the revenue of one touch by each of [`Model::ALL`], from all conversions of its user.
pub async fn credit_of_touch(
    conn: &mut Conn,
    user: UserId,
    touch: TouchId,
    settings: &CreditSettings,
) -> Result<[Revenue; 6], Error> {
    let mut by_model: [Revenue; 6] = Default::default();
    for_each_conversion(conn, Select::User(user), settings, |attributed| {
        let Some(place) = attributed.touches.iter().position(|candidate| candidate.id == touch) else { return };
        for (revenue, model) in by_model.iter_mut().zip(Model::ALL) {
            let share = attributed.shares(model, &settings.weights)[place];
            revenue.add(share, attributed.conversion.currency.as_deref());
        }
    })
    .await?;
    Ok(by_model)
}

/// Returns the kinds of the conversions that there are, by name.
pub async fn kinds(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let kinds: Vec<(String,)> = sql("select distinct kind from conversions order by kind").fetch_all(conn).await?;
    Ok(kinds.into_iter().map(|(kind,)| kind).collect())
}
