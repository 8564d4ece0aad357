use leptos::prelude::*;

use super::{LISTS, Shown, TOP};
use crate::{
    admin::{
        amounts::{amount, format_credit},
        filters::PageFilter,
        page::Asked,
    },
    attribution::{
        model::{Minor, Model},
        report::{
            Filter,
            credit::{
                CampaignCredit, RankedCredit, Revenue, credit_by_campaign, credit_over_time, credit_rankings, kinds,
            },
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
    current: Revenue,
    previous: Option<Revenue>,
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
        let change = before.and_then(|before| Change::between(self.current.conversions.0, before.conversions.0));
        let href = page.with_own("metric", Shown::Conversions.as_str());
        let values = self
            .current
            .by_currency
            .iter()
            .map(|(currency, value)| {
                // from a loss, or to one, no percentage says anything
                let before = before
                    .map(|before| before.value(currency))
                    .filter(|before| *before >= Minor::ZERO && *value >= Minor::ZERO);
                let change = before.and_then(|before| Change::between(value.0, before.0));
                view! { <Stat label=format!("Value in {currency}") value=amount(*value, currency) change/> }
            })
            .collect_view();
        let count = format_credit(self.current.conversions);
        view! { <Stat label="Conversions" value=count change current href=href/> {values} }.into_any()
    }
}

/// Returns conversions over time, rounded to whole ones for a chart, and a ranking for each of [`LISTS`] with its total, in
/// millionths of a conversion.
pub async fn details(
    conn: &mut Conn,
    asked: &Asked,
    filter: &Filter,
) -> Result<(Trend, Vec<(Vec<Ranked>, Option<i64>)>), Error> {
    let (settings, model) = (asked.credit(), asked.model(filter));
    let Axis { buckets, current, previous } = axis(conn, filter, asked.now).await?;
    let whole = |revenue: Vec<Revenue>| -> Vec<i64> {
        revenue.into_iter().map(|revenue| revenue.conversions.rounded()).collect()
    };
    let current = whole(credit_over_time(conn, filter, &settings, model, &current).await?);
    let previous = match (filter.previous(), previous) {
        (Some(before), Some(ranges)) => Some(whole(credit_over_time(conn, &before, &settings, model, &ranges).await?)),
        _ => None,
    };
    let dimensions = LISTS.map(|(dimension, _)| dimension);
    let rankings = credit_rankings(conn, filter, &settings, model, dimensions, TOP as usize).await?;
    let ranked = |RankedCredit { value, credit }| Ranked { value, count: credit.0 };
    let lists = rankings.map(|(rows, total)| (rows.into_iter().map(ranked).collect(), Some(total.0))).into();
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
