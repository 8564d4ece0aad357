use leptos::prelude::*;

use super::{
    filters::PageFilter,
    page::{Asked, Failure, admin_page, position},
    tables::LeadTable,
};
use crate::{
    attribution::report::{
        Filter, Preset,
        leads::{Lead, ScanOrder, lead_count, leads},
        page::{Cursor, Page, PagePosition},
        totals::any_touch,
    },
    components::{AdminPage, AdminSection, AlertKind, Card, EmptyState, FormAlert, Pagination, format},
    db::Error,
};

const PATH: &str = "/admin/leads";
const ROWS: u32 = 50;

/// Leads, newest first.
#[component]
pub fn LeadsPage() -> impl IntoView {
    admin_page(AdminSection::Leads, page)
}

async fn page(asked: Asked) -> Result<AnyView, Failure> {
    let filter = PageFilter {
        parsed: Filter::parse(&asked.query, Preset::Days30, asked.now),
        path: PATH,
        keep: Vec::new(),
        credit: None,
        now: asked.now,
    };
    let (position, lost) = position(&asked);
    let Found { leads, count, nothing_yet } = load(&asked, filter.filter(), position).await?;
    let csv = filter.csv_href("/admin/leads.csv", &[]);
    let toolbar = view! {
        {filter.toolbar()}
        <a class="button" href=csv rel="external" download>"CSV"</a>
    };
    let content = if count == 0 { empty(&filter, nothing_yet) } else { table(&filter, leads, count) };
    let lost = lost.then_some("The address of this page of leads is damaged; these are the newest.");
    Ok(view! {
        <AdminPage title="Leads" section=AdminSection::Leads subtitle=filter.period_words() toolbar=toolbar.into_any()>
            {filter.search("Search leads", "E-mail, campaign or term")}
            <FormAlert message=lost kind=AlertKind::Error/>
            {filter.above()}
            {content}
        </AdminPage>
    }
    .into_any())
}

struct Found {
    leads: Page<Lead>,
    count: i64,
    /// There is no touch at all, in any period.
    nothing_yet: bool,
}

/// One after the other: how many there are says how to find them.
async fn load(asked: &Asked, filter: &Filter, position: PagePosition) -> Result<Found, Error> {
    let mut conn = asked.state.db.read().await?;
    let count = lead_count(&mut conn, filter).await?;
    Ok(Found {
        leads: leads(&mut conn, filter, position, ROWS, ScanOrder::to_find(count)).await?,
        nothing_yet: count == 0 && !any_touch(&mut conn).await?,
        count,
    })
}

fn table(filter: &PageFilter, page: Page<Lead>, count: i64) -> AnyView {
    let step = |name, cursor: Cursor| filter.with_own(name, &cursor.to_string());
    let newer = page.newer.map(|cursor| step("after", cursor));
    let older = page.older.map(|cursor| step("before", cursor));
    let shown = match page.rows.len() {
        0 => "No more leads".to_owned(),
        shown => format!("{} of {}", shown, format::plural(count, "lead", "leads")),
    };
    let filter = filter.filter().clone();
    view! {
        <Card>
            <LeadTable caption="Leads, newest first" leads=page.rows filter/>
            <Pagination newer older summary=shown/>
        </Card>
    }
    .into_any()
}

fn empty(filter: &PageFilter, nothing_yet: bool) -> AnyView {
    let (title, text) = if nothing_yet {
        ("No leads yet", "A lead is a touch of somebody who signed in or up. It stands here as soon as there is one.")
    } else if filter.filter().is_bare() {
        ("No leads in this period", "Visitors become leads when they sign in or up.")
    } else {
        ("Nothing matches", "No lead in this period has all of these values.")
    };
    let action = if nothing_yet {
        view! { <a class="button" href="/admin">"How to begin"</a> }.into_any()
    } else if filter.filter().is_bare() {
        view! { <a class="button" href=format!("{PATH}?period=all")>"Show all time"</a> }.into_any()
    } else {
        view! { <a class="button" href=filter.here(&filter.filter().bare())>"Clear the filter"</a> }.into_any()
    };
    view! { <div class="card"><EmptyState title text>{action}</EmptyState></div> }.into_any()
}
