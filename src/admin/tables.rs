use leptos::{either::Either, prelude::*};

use super::{amounts::format_credit, page_filter::detail_href};
use crate::{
    attribution::report::{Filter, campaigns::CampaignRow, filter::NOT_SET, leads::Lead},
    auth::Role,
    components::{DataTable, Tag, Th, Tone, TwoLines, format},
};

/// Returns a value, or `(not set)`.
pub fn or_not_set(value: &Option<String>) -> String {
    value.clone().unwrap_or_else(|| NOT_SET.to_owned())
}

/// A value, or `(not set)` in the soft colour.
#[component]
pub fn ValueOrNotSet(value: Option<String>) -> impl IntoView {
    value.map_or_else(|| Either::Right(view! { <span class="muted">{NOT_SET}</span> }), Either::Left)
}

/// Writes `google / cpc`. A dash stands for a part that is not set.
pub fn source_medium(source: &Option<String>, medium: &Option<String>) -> String {
    let part = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
    format!("{} / {}", part(source), part(medium))
}

/// Writes a rate as a percentage. A dash stands for a rate that is not known.
pub fn rate(rate: Option<f64>) -> String {
    rate.map_or_else(|| "–".to_owned(), format::percent)
}

/// Marks touches whose link stood on a page of this site.
#[component]
pub fn InternalTag(internal: bool) -> impl IntoView {
    internal.then(|| view! { " " <Tag label="internal"/> })
}

/// The heading of a column of buttons, for screen readers only.
#[component]
pub fn ActionTh() -> impl IntoView {
    view! { <th scope="col"><span class="visually-hidden">"Action"</span></th> }
}

/// The role of a user.
#[component]
pub fn RoleTag(role: String) -> impl IntoView {
    match role == Role::Admin.as_str() {
        true => view! { <Tag label="Admin" tone=Tone::Mark/> },
        false => view! { <Tag label="Member"/> },
    }
}

/// Campaigns in few columns, each with its source and medium below its name. `href` is the page that a row opens.
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
                    <td class="num">{format_credit(row.earned.conversions)}</td>
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

/// Leads. Each row opens the page of its lead.
#[component]
pub fn LeadTable(#[prop(into)] caption: String, leads: Vec<Lead>, filter: Filter) -> impl IntoView {
    let rows = leads
        .into_iter()
        .map(|lead| {
            let (leads_to, from) = (
                detail_href(&format!("/admin/leads/{}", lead.id), &filter),
                source_medium(&lead.utm.source, &lead.utm.medium),
            );
            view! {
                <tr>
                    <th scope="row">
                        <TwoLines title=lead.user_email.clone() href=leads_to/>
                        <time class="line-subtitle" datetime=format::rfc3339(lead.occurred_at)>
                            {format::date_time(lead.occurred_at, &filter.period.tz)}
                        </time>
                    </th>
                    <td><TwoLines title=or_not_set(&lead.campaign) subtitle=from/></td>
                    <td class="muted">{lead.utm.term.clone()}</td>
                    <td><Tag label=lead.channel.clone()/><InternalTag internal=lead.internal/></td>
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
