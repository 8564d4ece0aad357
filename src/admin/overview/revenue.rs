use leptos::prelude::*;

use super::{LISTS, Shown, TOP};
use crate::{
    admin::{
        amounts::{amount, credit},
        filters::PageFilter,
        page::Asked,
    },
    attribution::{
        model::{COUNT_UNIT, Model},
        report::{
            Filter,
            credit::{CampaignCredit, Earned, credit_by_campaign, credit_over_time, credit_rankings, kinds},
            ranking::Ranked,
            trend::{Axis, Trend, axis},
        },
    },
    components::{Change, Stat},
    db::{Conn, Error},
};

/// Conversions and money of a period, credited by the page's model.
pub struct Conversions {
    pub by_campaign: CampaignCredit,
    /// There are, in any period.
    pub kinds: Vec<String>,
    current: Earned,
    previous: Option<Earned>,
}

impl Conversions {
    pub async fn load(conn: &mut Conn, asked: &Asked, filter: &Filter) -> Result<Self, Error> {
        let (settings, model) = (asked.credit(), asked.model(filter));
        let by_campaign = credit_by_campaign(conn, filter, &settings, model).await?;
        let previous = match filter.previous() {
            Some(before) => Some(credit_by_campaign(conn, &before, &settings, model).await?.total()),
            None => None,
        };
        Ok(Self { current: by_campaign.total(), by_campaign, previous, kinds: kinds(conn).await? })
    }

    /// The number of conversions, and what each currency brought.
    pub fn stats(&self, page: &PageFilter, current: bool) -> AnyView {
        let before = self.previous.as_ref();
        let change = before.and_then(|before| Change::between(self.current.count, before.count));
        let href = page.with_own("metric", Shown::Conversions.as_str());
        let values = self
            .current
            .values
            .iter()
            .map(|(currency, value)| {
                // from a loss, or to one, no percentage says anything
                let before = before.map(|before| before.value(currency)).filter(|before| *before >= 0 && *value >= 0);
                let change = before.and_then(|before| Change::between(*value, before));
                view! { <Stat label=format!("Value in {currency}") value=amount(*value, currency) change/> }
            })
            .collect_view();
        let count = credit(self.current.count);
        view! { <Stat label="Conversions" value=count change current href=href/> {values} }.into_any()
    }
}

/// Conversions over time, in whole ones as a chart has them, and the largest of each of [`LISTS`] in millionths, with what they
/// are shares of.
pub async fn details(
    conn: &mut Conn,
    asked: &Asked,
    filter: &Filter,
) -> Result<(Trend, [(Vec<Ranked>, i64); LISTS.len()]), Error> {
    let (settings, model) = (asked.credit(), asked.model(filter));
    let Axis { buckets, current, previous } = axis(conn, filter, asked.now).await?;
    let whole = |earned: Vec<Earned>| -> Vec<i64> {
        earned.into_iter().map(|earned| (earned.count + COUNT_UNIT / 2) / COUNT_UNIT).collect()
    };
    let current = whole(credit_over_time(conn, filter, &settings, model, &current).await?);
    let previous = match (filter.previous(), previous) {
        (Some(before), Some(ranges)) => Some(whole(credit_over_time(conn, &before, &settings, model, &ranges).await?)),
        _ => None,
    };
    let dimensions = LISTS.map(|(dimension, _)| dimension);
    let lists = credit_rankings(conn, filter, &settings, model, dimensions, TOP as usize).await?;
    Ok((Trend { buckets, current, previous }, lists))
}

/// What stands below the chart.
pub fn note(page: &PageFilter, model: Model) -> String {
    let model = format!("Credited by the model “{}”.", model.label());
    match page.filter().is_bare() {
        true => model,
        false => format!("{model} A touch may have a part of a conversion: the points are rounded."),
    }
}
