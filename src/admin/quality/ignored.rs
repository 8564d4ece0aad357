use leptos::{either::Either, prelude::*};

use crate::{
    admin::words::{self, long_day},
    attribution::{
        capture::{counters::OVER_CAP, exclusion::Exclusion},
        report::quality::IgnoredDay,
    },
    components::{DataTable, EmptyState, Th, TwoLines, format},
};

/// The most days that are shown one by one.
pub const DAYS: u32 = 92;

/// Returns the label of a counter, and what it means. If another version of the program wrote a counter that is unknown here, the
/// label is the counter's word.
fn reason(counter: &str) -> (String, Option<&'static str>) {
    if counter == OVER_CAP {
        let meaning = "A visitor had more touches in one day than are kept. The first ones count.";
        return ("Above the daily limit".to_owned(), Some(meaning));
    }
    match Exclusion::ALL.into_iter().find(|known| known.as_str() == counter) {
        Some(known) => (words::exclusion(known).to_owned(), Some(words::exclusion_explained(known))),
        None => (counter.to_owned(), None),
    }
}

/// How many arrivals did not count, by reason. `all` is the sum of all reasons.
#[component]
pub fn ReasonTable(reasons: Vec<(String, i64)>, all: i64) -> impl IntoView {
    if reasons.is_empty() {
        return Either::Left(view! {
            <EmptyState title="Everything counted"
                text="Arrivals with a marketing signal that no person made, such as those of crawlers and link previews, are \
                      counted here by reason. There were none in this period."/>
        });
    }
    let rows = reasons
        .into_iter()
        .map(|(counter, count)| {
            let (title, subtitle) = reason(&counter);
            view! {
                <tr>
                    <th scope="row"><TwoLines title subtitle/></th>
                    <td class="num">{format::count(count)}</td>
                    <td class="num">{format::share(count, all)}</td>
                </tr>
            }
        })
        .collect_view();
    Either::Right(view! {
        <DataTable caption="What did not count, by reason">
            <thead><tr>
                <Th label="Reason"/>
                <Th label="Arrivals" numeric=true/>
                <Th label="Share" numeric=true/>
            </tr></thead>
            <tbody>{rows}</tbody>
        </DataTable>
        <p class="muted small">
            "Only these counts are kept. Days are in UTC. Of the filter, only the period applies here."
        </p>
    })
}

/// How many arrivals did not count, day by day, with a column for each reason.
#[component]
pub fn DayTable(reasons: Vec<String>, days: Vec<IgnoredDay>) -> impl IntoView {
    let headings = reasons.iter().map(|counter| view! { <Th label=reason(counter).0 numeric=true/> }).collect_view();
    let latest = days.len() == DAYS as usize;
    let rows = days
        .into_iter()
        .map(|day| {
            let cells = reasons
                .iter()
                .map(|reason| day.counts.get(reason).copied().unwrap_or_default())
                .map(|count| view! { <td class="num" class:muted={count == 0}>{format::count(count)}</td> })
                .collect_view();
            let total = format::count(day.total());
            let name = day.day.parse().map_or(day.day, long_day);
            view! {
                <tr>
                    <th scope="row">{name}</th>
                    <td class="num">{total}</td>
                    {cells}
                </tr>
            }
        })
        .collect_view();
    view! {
        <DataTable caption="What did not count, by day">
            <thead><tr><Th label="Day (UTC)"/><Th label="All" numeric=true/>{headings}</tr></thead>
            <tbody>{rows}</tbody>
        </DataTable>
        {latest.then(|| view! { <p class="muted small">{format!("The latest {DAYS} days are shown.")}</p> })}
    }
}
