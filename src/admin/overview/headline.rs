use leptos::prelude::*;

use super::{
    numbers::Numbers,
    revenue::{RevenueStats, note},
    shown::{Shown, number},
};
use crate::{
    admin::{
        page_filter::PageFilter,
        tables::rate,
        words::{self, long_day, short_day},
    },
    attribution::{
        model::Model,
        report::{
            Period,
            period::{Bucket, Grain},
            totals::Totals,
            trend::{Metric, Trend},
        },
    },
    components::{Change, ChartPoint, LineChart, Stat, StatRow, format},
};

/// The headline numbers, and the chart of the number that is shown.
#[component]
pub fn Headline(page: PageFilter, numbers: Numbers, shown: Shown, model: Model) -> impl IntoView {
    let Numbers { totals: current, previous, revenue, trend, .. } = numbers;
    let stats = Metric::ALL
        .into_iter()
        .map(|metric| {
            let now = number(metric, &current);
            let change = previous.as_ref().and_then(|previous| Change::between(now, number(metric, previous)));
            view! {
                <Stat label=words::metric(metric) value=format::count(now) change
                    current={shown == Shown::Counted(metric)} href=page.with_own("metric", metric.as_str())/>
            }
        })
        .collect_view();
    let rate_change = previous.as_ref().and_then(|previous| Change::between_rates(current.rate(), previous.rate()));
    let notes = [signups_note(&current), note(&page, &revenue, shown, model)]
        .into_iter()
        .flatten()
        .map(|note| view! { <p class="muted small chart-note">{note}</p> })
        .collect_view();
    let points = points(&page.filter().period, trend);
    let chart = view! { <LineChart id="trend" series=shown.label() points/> {notes} }.into_any();
    view! {
        <StatRow label="Key figures" below=chart>
            {stats}
            <Stat label="Sign-up rate" value=rate(current.rate()) change=rate_change/>
            <RevenueStats page revenue shown/>
        </StatRow>
    }
}

/// Returns a note if some sign-ups came directly. The rate is then not the quotient of the two numbers beside it.
fn signups_note(totals: &Totals) -> Option<String> {
    let all = format::plural(totals.signups, "sign-up", "sign-ups");
    let linked = format::count(totals.attributed);
    (totals.signups > totals.attributed).then(|| {
        format!(
            "{linked} of {all} came through a link within the look-back window, the others directly. “Sign-up rate” \
             counts only sign-ups through a link."
        )
    })
}

fn points(period: &Period, trend: Trend) -> Vec<ChartPoint> {
    let Trend { buckets, current, previous } = trend;
    let grain = match (buckets.first(), buckets.last()) {
        (Some(first), Some(last)) => Period::between(first.from, last.to, period.tz.clone()).grain(),
        _ => Grain::Day,
    };
    buckets
        .into_iter()
        .zip(current)
        .enumerate()
        .map(|(n, (bucket, current))| ChartPoint {
            label: axis_label(bucket, grain),
            title: point_title(bucket),
            current,
            previous: previous.as_ref().and_then(|previous| previous.get(n).copied()),
        })
        .collect()
}

fn axis_label(bucket: Bucket, grain: Grain) -> String {
    match grain {
        Grain::Day | Grain::Week => short_day(bucket.from),
        Grain::Month => bucket.from.strftime("%b %Y").to_string(),
    }
}

fn point_title(bucket: Bucket) -> String {
    if bucket.from == bucket.to {
        bucket.from.strftime("%a, %-d %b %Y").to_string()
    } else {
        format!("{} – {}", short_day(bucket.from), long_day(bucket.to))
    }
}
