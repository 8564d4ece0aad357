use leptos::prelude::*;

use super::shown::{LISTS, Shown, TOP};
use crate::{
    admin::{
        amounts::{amount, format_credit},
        page::PageRequest,
        page_filter::PageFilter,
        words,
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

/// Conversions and money of a period, credited by the model of the page.
#[derive(Clone)]
pub struct PeriodRevenue {
    pub by_campaign: CampaignCredit,
    /// The kinds of conversions there are, in any period.
    pub kinds: Vec<String>,
    current: Revenue,
    previous: Option<Revenue>,
}

impl PeriodRevenue {
    pub async fn load(conn: &mut Conn, request: &PageRequest, filter: &Filter) -> Result<Self, Error> {
        let (settings, model) = (request.credit(), request.model(filter));
        let by_campaign = credit_by_campaign(conn, filter, &settings, model).await?;
        let previous = match filter.previous() {
            Some(before) => Some(credit_by_campaign(conn, &before, &settings, model).await?.total()),
            None => None,
        };
        Ok(Self { current: by_campaign.total(), by_campaign, previous, kinds: kinds(conn).await? })
    }
}

/// The number of conversions, and the value in each currency.
#[component]
pub fn RevenueStats(page: PageFilter, revenue: PeriodRevenue, shown: Shown) -> impl IntoView {
    let PeriodRevenue { current, previous, .. } = revenue;
    let change = previous.as_ref().and_then(|previous| Change::between(current.conversions.0, previous.conversions.0));
    let href = page.with_own("metric", Shown::Conversions.as_str());
    let values = current
        .by_currency
        .iter()
        .map(|(currency, &value)| {
            let previous = previous.as_ref().map(|previous| previous.value(currency));
            // a percentage from a loss or to a loss says nothing
            let previous = previous.filter(|previous| *previous >= Minor::ZERO && value >= Minor::ZERO);
            let change = previous.and_then(|previous| Change::between(value.0, previous.0));
            view! { <Stat label=format!("Value in {currency}") value=amount(value, currency) change/> }
        })
        .collect_view();
    view! {
        <Stat label="Conversions" value=format_credit(current.conversions) change href current={shown == Shown::Conversions}/>
        {values}
    }
}

/// Returns the conversions over time, rounded to whole ones for the chart, and the lists by conversions.
///
/// The lists are in the order of [`LISTS`], each with the total of which its rows are shares. Their numbers are millionths of a
/// conversion.
pub async fn chart_and_lists(
    conn: &mut Conn,
    request: &PageRequest,
    filter: &Filter,
) -> Result<(Trend, [(Vec<Ranked>, i64); LISTS.len()]), Error> {
    let (settings, model) = (request.credit(), request.model(filter));
    let Axis { buckets, current, previous } = axis(conn, filter, request.now).await?;
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
    let lists = rankings.map(|(rows, total)| (rows.into_iter().map(ranked).collect(), total.0));
    Ok((Trend { buckets, current, previous }, lists))
}

/// Returns the note about conversions below the chart.
pub fn note(page: &PageFilter, revenue: &PeriodRevenue, shown: Shown, model: Model) -> Option<String> {
    let model = words::model(model);
    match shown {
        Shown::Conversions if page.filter().is_bare() => Some(format!("Credited by the model “{model}”.")),
        Shown::Conversions => Some(format!(
            "Credited by the model “{model}”. A touch may have a part of a conversion: the points are rounded."
        )),
        Shown::Counted(_) if revenue.kinds.is_empty() => None,
        Shown::Counted(_) => Some(format!("Conversions and value are credited by the model “{model}”.")),
    }
}
