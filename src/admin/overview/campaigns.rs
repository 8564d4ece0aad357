use leptos::{either::Either, prelude::*};

use super::shown::TOP;
use crate::{
    admin::{
        page::PageRequest,
        page_filter::PageFilter,
        sections::{CAMPAIGNS, LEADS, OVERVIEW},
        tables::{CampaignTable, LeadTable},
    },
    attribution::report::{
        Filter, FilterField,
        campaigns::{CampaignOrder, CampaignPage, CampaignRow, campaigns},
        credit::CampaignCredit,
        leads::{Lead, ScanOrder, leads},
        page::PagePosition,
    },
    components::{Card, format},
    db::{Conn, Error},
};

/// The largest campaigns and, with a filter on touches, the latest leads that the filter finds.
#[derive(Clone)]
pub struct TopCampaigns {
    rows: Vec<CampaignRow>,
    /// How many campaigns there are.
    count: i64,
    latest: Vec<Lead>,
}

impl TopCampaigns {
    pub async fn load(
        conn: &mut Conn,
        request: &PageRequest,
        filter: &Filter,
        credit: &CampaignCredit,
    ) -> Result<Self, Error> {
        let CampaignPage { rows, count } =
            campaigns(conn, filter, request.window(), credit, CampaignOrder::default(), TOP, 0).await?;
        let latest = match filter.is_bare() {
            true => Vec::new(),
            false => leads(conn, filter, PagePosition::Newest, TOP, ScanOrder::ByVisitor).await?.rows,
        };
        Ok(Self { rows, count, latest })
    }
}

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
pub fn LeadsAndCampaigns(page: PageFilter, top: TopCampaigns) -> impl IntoView {
    let TopCampaigns { rows, count, latest } = top;
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
