use leptos::prelude::*;

use super::{amounts::format_credit, filters::detail};
use crate::{
    attribution::report::{Filter, campaigns::CampaignRow, filter::NOT_SET, leads::Lead},
    components::{DataTable, Tag, Th, TwoLines, format},
};

/// A value, or that there is none.
pub fn or_not_set(value: &Option<String>) -> String {
    value.clone().unwrap_or_else(|| NOT_SET.to_owned())
}

/// A value, or in the soft colour that there is none.
pub fn value_or_not_set(value: &Option<String>) -> AnyView {
    match value.clone() {
        Some(value) => value.into_any(),
        None => view! { <span class="muted">{NOT_SET}</span> }.into_any(),
    }
}

/// `google / cpc`; a dash for a part that is not set.
pub fn source_medium(source: &Option<String>, medium: &Option<String>) -> String {
    let part = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
    format!("{} / {}", part(source), part(medium))
}

/// A rate as a percentage; a dash where there was nothing to divide by.
pub fn rate(rate: Option<f64>) -> String {
    rate.map_or_else(|| "–".to_owned(), format::percent)
}

/// That a link stood on a page of our own.
pub fn internal_tag(internal: bool) -> AnyView {
    internal.then(|| view! { " " <Tag label="internal"/> }).into_any()
}

/// Campaigns with their source and medium below: the short form. `href` is where a row leads.
#[component]
pub fn CampaignTable<F>(rows: Vec<CampaignRow>, href: F) -> impl IntoView
where
    F: Fn(&CampaignRow) -> String,
{
    let rows = rows
        .into_iter()
        .map(|row| {
            let (leads_to, below) = (href(&row), source_medium(&row.source, &row.medium));
            view! {
                <tr>
                    <th scope="row"><TwoLines title=or_not_set(&row.campaign) subtitle=below href=leads_to/></th>
                    <td><Tag label=row.channel.clone()/></td>
                    <td class="num">{format::count(row.touches)}</td>
                    <td class="num">{format::count(row.visitors)}</td>
                    <td class="num">{format::count(row.leads)}</td>
                    <td class="num">{format::count(row.signups)}</td>
                    <td class="num">{rate(row.rate())}</td>
                    <td class="num">{format_credit(row.credit)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <DataTable caption="Leads per campaign">
            <thead>
                <tr>
                    <Th label="Campaign"/>
                    <Th label="Channel"/>
                    <Th label="Touches" numeric=true/>
                    <Th label="Visitors" numeric=true/>
                    <Th label="Leads" numeric=true/>
                    <Th label="Sign-ups" numeric=true/>
                    <Th label="Rate" numeric=true/>
                    <Th label="Conversions" numeric=true/>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </DataTable>
    }
}

/// Leads, each opening its page.
#[component]
pub fn LeadTable(#[prop(into)] caption: String, leads: Vec<Lead>, filter: Filter) -> impl IntoView {
    let rows = leads
        .into_iter()
        .map(|lead| {
            let (leads_to, from) =
                (detail(&format!("/admin/leads/{}", lead.id), &filter), source_medium(&lead.source, &lead.medium));
            view! {
                <tr>
                    <th scope="row">
                        <TwoLines title=lead.user_email.clone() href=leads_to/>
                        <time class="line-subtitle" datetime=format::rfc3339(lead.occurred_at)>
                            {format::date_time(lead.occurred_at, &filter.period.tz)}
                        </time>
                    </th>
                    <td><TwoLines title=or_not_set(&lead.campaign) subtitle=from/></td>
                    <td class="muted">{lead.term.clone()}</td>
                    <td><Tag label=lead.channel.clone()/>{internal_tag(lead.internal)}</td>
                    <td class="mono landing">{lead.landing_path.clone()}</td>
                    <td class="num">{format::count(lead.hits)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <DataTable caption>
            <thead>
                <tr>
                    <Th label="Lead"/>
                    <Th label="Campaign"/>
                    <Th label="Term"/>
                    <Th label="Channel"/>
                    <Th label="Landing page"/>
                    <Th label="Hits" numeric=true/>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </DataTable>
    }
}
