use leptos::{either::Either, prelude::*};

use super::numbers::Numbers;
use crate::{
    admin::{
        page_filter::PageFilter,
        sections::{CAMPAIGNS, LEADS, OVERVIEW},
        tables::{CampaignTable, LeadTable},
    },
    attribution::report::{FilterField, campaigns::CampaignRow, leads::Lead},
    components::{Card, format},
};

#[component]
pub fn LatestLeads(page: PageFilter, leads: Vec<Lead>) -> impl IntoView {
    let filter = page.filter().clone();
    let all = view! { <a href=filter.href(LEADS.path, &[])>"All leads"</a> }.into_any();
    (!leads.is_empty()).then(|| {
        view! { <Card title="Latest leads" aside=all><LeadTable caption="Latest leads" leads filter/></Card> }
    })
}

/// The latest leads, then the largest campaigns.
#[component]
pub fn LeadsAndCampaigns(page: PageFilter, numbers: Numbers) -> impl IntoView {
    let Numbers { campaigns: rows, campaign_count: count, latest, .. } = numbers;
    // the page of one campaign needs no table of one row
    let one = count == 1 && page.filter().get(FilterField::Campaign).is_some();
    view! {
        <LatestLeads page=page.clone() leads=latest/>
        {(!one).then(|| view! { <CampaignCard page rows count/> })}
    }
}

#[component]
fn CampaignCard(page: PageFilter, rows: Vec<CampaignRow>, count: i64) -> impl IntoView {
    let filter = page.filter().clone();
    let all = format!("All {}", format::plural(count, "campaign", "campaigns"));
    let csv = page.csv_href("/admin/campaigns.csv", &[]);
    let aside = view! {
        <a href=filter.href(CAMPAIGNS.path, &[])>{all}</a>
        " · "
        <a href=csv rel="external" download>"CSV"</a>
    };
    let content = match rows.is_empty() {
        true => Either::Left(view! {
            <p class="muted">"No campaign brought a visitor in this period. "<a href=page.all_time_href()>"Show all time"</a></p>
        }),
        false => {
            let href = move |row: &CampaignRow| row.narrow(&filter).href(OVERVIEW.path, &[]);
            Either::Right(view! { <CampaignTable rows href/> })
        }
    };
    view! { <Card title="Leads per campaign" aside=aside.into_any()>{content}</Card> }
}
