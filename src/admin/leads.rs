use leptos::{either::Either, prelude::*};

use super::{
    lists::{ListPage, NoRows, NoRowsWords, TimePagination, shown_of},
    page::{PageError, PageRequest, admin_page},
    page_filter::PageFilter,
    sections::LEADS,
    tables::LeadTable,
};
use crate::{
    attribution::report::{
        leads::{ScanOrder, lead_count, leads},
        page::PagePosition,
        totals::any_touch,
    },
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
    let position = position.unwrap_or(PagePosition::Newest);
    let mut conn = request.state.db.read_for_report().await?;
    // The count comes first, because it tells which way of finding the rows is faster.
    let count = lead_count(&mut conn, page.filter()).await?;
    let found = leads(&mut conn, page.filter(), position, ROWS, ScanOrder::to_find(count)).await?;
    let nothing_yet = count == 0 && !any_touch(&mut conn).await?;
    drop(conn);

    let csv = page.csv_href("/admin/leads.csv", &[]);
    let content = if count == 0 {
        Either::Left(view! { <NoRows page=page.clone() nothing_yet words=NO_ROWS/> })
    } else {
        let summary = shown_of(found.rows.len(), count, "lead", "leads");
        let (filter, page) = (page.filter().clone(), page.clone());
        Either::Right(view! {
            <Card>
                <LeadTable caption="Leads, newest first" leads=found.rows filter/>
                <TimePagination page newer=found.newer older=found.older summary/>
            </Card>
        })
    };
    Ok(view! {
        <ListPage section=LEADS page csv search=("Search leads", "E-mail, campaign or term") damaged>
            {content}
        </ListPage>
    })
}
