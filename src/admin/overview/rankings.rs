use leptos::{either::Either, prelude::*};

use super::{
    numbers::RankedList,
    shown::{LISTS, Shown, number},
};
use crate::{
    admin::{amounts::format_credit, page_filter::PageFilter, tables::or_not_set},
    attribution::{
        model::Credit,
        report::{
            FilterField,
            ranking::{Dimension, Ranked},
            totals::Totals,
            trend::Metric,
        },
    },
    components::{BarItem, BarList, Card, Columns},
};

/// The largest channels, landing pages, sources and referrers. `lists` are in the order of [`LISTS`].
#[component]
pub fn Rankings(page: PageFilter, totals: Totals, shown: Shown, lists: Vec<RankedList>) -> impl IntoView {
    let all = match shown {
        // sign-ups without a touch are in none of the lists
        Shown::Counted(Metric::Signups) => totals.attributed,
        Shown::Counted(metric) => number(metric, &totals),
        Shown::Conversions => 0,
    };
    let cards = LISTS
        .into_iter()
        .zip(lists)
        // a list by a field of the filter would have one row
        .filter(|((dimension, _), _)| field_of(*dimension).is_none_or(|field| page.filter().get(field).is_none()))
        .map(|((dimension, title), RankedList { rows, total })| {
            let total = total.unwrap_or(all);
            view! { <RankingCard page=page.clone() title dimension rows shown total/> }
        })
        .collect_view();
    view! { <Columns>{cards}</Columns> }
}

/// One list. `total` is the sum of which its rows are shares.
#[component]
fn RankingCard(
    page: PageFilter,
    title: &'static str,
    dimension: Dimension,
    rows: Vec<Ranked>,
    shown: Shown,
    total: i64,
) -> impl IntoView {
    let field = field_of(dimension);
    let bar = |Ranked { value, count }| {
        let label = or_not_set(&value);
        let href = field.map(|field| page.here(&page.filter().clone().with(field, Some(&label))));
        let text = (shown == Shown::Conversions).then(|| format_credit(Credit(count)));
        BarItem { label, detail: None, href, value: count, text }
    };
    let items: Vec<BarItem> = rows.into_iter().map(bar).collect();
    let nothing = match dimension {
        Dimension::Referrer => "No page that links here is known.",
        _ => "Nothing in this period.",
    };
    let content = match items.is_empty() {
        true => Either::Left(view! { <p class="muted">{nothing}</p> }),
        false => Either::Right(view! { <BarList items total/> }),
    };
    view! { <Card title aside=shown.label().into_any()>{content}</Card> }
}

/// Returns the field by which a row of a list narrows the page.
fn field_of(dimension: Dimension) -> Option<FilterField> {
    match dimension {
        Dimension::Channel => Some(FilterField::Channel),
        Dimension::Source => Some(FilterField::Source),
        Dimension::LandingPage | Dimension::Referrer => None,
    }
}
