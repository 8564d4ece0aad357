use leptos::{either::Either, prelude::*};

use super::{
    lists::{ListPage, NoRows, NoRowsWords, TimePagination, shown_of},
    page::{PageError, PageRequest, admin_page},
    page_filter::PageFilter,
    sections::LEADS,
    tables::LeadTable,
};
use crate::{
    attribution::report::leads::{find_leads, read_leads},
    components::Card,
};

const ROWS: u32 = 50;

const NO_ROWS: NoRowsWords = NoRowsWords {
    rows: "leads",
    nothing_yet: "A lead is a touch of a visitor who signed in or signed up. The first one appears here.",
    other_periods: "Visitors become leads when they sign in or sign up.",
    no_match: "No lead in this period has all of these values.",
    by_kind: false,
};

/// Leads, newest first.
#[component]
pub fn LeadsPage() -> impl IntoView {
    admin_page(page)
}

async fn page(request: PageRequest) -> Result<impl IntoView, PageError> {
    let page = PageFilter::new(&request, LEADS.path);
    let position = request.position();
    let damaged = position.is_err();
    let position = position.unwrap_or_default();
    let (facts, question) = (request.facts().await?, request.question(page.filter()).await?);
    let asked = question.clone();
    let found = request.count(&facts, move |facts| find_leads(facts, &asked, position, ROWS)).await?;
    let mut conn = request.state.db.read_for_report().await?;
    let leads = read_leads(&mut conn, &facts, &question, &found).await?;
    drop(conn);
    let (count, nothing_yet) = (found.count, facts.counts().touches == 0);

    let csv = page.csv_href("/admin/leads.csv", &[]);
    let content = if count == 0 {
        Either::Left(view! { <NoRows page=page.clone() nothing_yet words=NO_ROWS/> })
    } else {
        let summary = shown_of(leads.rows.len(), count, "lead", "leads");
        let (filter, page) = (page.filter().clone(), page.clone());
        Either::Right(view! {
            <Card>
                <LeadTable caption="Leads, newest first" leads=leads.rows filter/>
                <TimePagination page newer=leads.newer older=leads.older summary/>
            </Card>
        })
    };
    Ok(view! {
        <ListPage section=LEADS page csv search=("Search leads", "E-mail, campaign or term") damaged>
            {content}
        </ListPage>
    })
}
