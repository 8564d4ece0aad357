use leptos::prelude::*;

use super::{numbers::PeriodRevenue, shown::Shown};
use crate::{
    admin::{
        amounts::{amount, format_credit},
        page_filter::PageFilter,
        words,
    },
    attribution::model::{Minor, Model},
    components::{Change, Stat},
};

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
