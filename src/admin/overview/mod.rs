use leptos::{either::Either, prelude::*};

/// The largest campaigns and the latest leads.
mod campaigns;
/// The headline numbers and their chart.
mod headline;
/// What the page is made from.
mod numbers;
/// The largest channels, sources and pages.
mod rankings;
/// Conversions and money.
mod revenue;
/// The number that the page is about.
mod shown;

use self::{campaigns::LeadsAndCampaigns, headline::Headline, numbers::Numbers, rankings::Rankings, shown::Shown};
use super::{
    filter_parts::{ActiveFilter, FilterToolbar},
    page::{PageError, PageRequest, admin_page},
    page_filter::PageFilter,
    sections::{CAMPAIGNS, OVERVIEW},
};
use crate::{
    attribution::report::{Filter, FilterField},
    components::{AdminPage, BackLink, EmptyState},
};

/// The headline numbers of a period, their trend, and the largest channels, sources, pages and campaigns. With a filter, the
/// overview is the page of a campaign, a channel or a source.
#[component]
pub fn OverviewPage() -> impl IntoView {
    admin_page(overview)
}

async fn overview(request: PageRequest) -> Result<impl IntoView, PageError> {
    let shown = request.parameter("metric").and_then(|name| Shown::parse(&name)).unwrap_or(Shown::DEFAULT);
    let metric = (shown != Shown::DEFAULT).then(|| shown.as_str().to_owned());
    let page = PageFilter::new(&request, OVERVIEW.path).keeping("metric", metric);
    let numbers = Numbers::load(&request, page.filter(), shown).await?;
    let page = page.with_credit(numbers.revenue.kinds.clone());
    let model = request.model(page.filter());
    let (title, back) = heading(page.filter());
    let subtitle = subtitle(&page, &numbers);
    let toolbar = view! { <FilterToolbar page=page.clone()/> }.into_any();
    let content = if numbers.nothing_yet {
        Either::Left(view! { <NothingYet development=request.state.config.is_development()/> })
    } else {
        let (totals, lists, page) = (numbers.totals, numbers.lists.clone(), page.clone());
        Either::Right(view! {
            <Headline page=page.clone() numbers=numbers.clone() shown model/>
            <Rankings page=page.clone() totals shown lists/>
            <LeadsAndCampaigns page numbers/>
        })
    };
    Ok(view! {
        <AdminPage title back subtitle toolbar>
            <ActiveFilter page/>
            {content}
        </AdminPage>
    })
}

/// Returns the title, and the link back from the page of one campaign. The subtitle has the name of the campaign.
fn heading(filter: &Filter) -> (&'static str, Option<BackLink>) {
    if filter.get(FilterField::Campaign).is_none() {
        return (OVERVIEW.title, None);
    }
    let wide = FilterField::ALL.into_iter().fold(filter.clone(), |filter, field| filter.with(field, None));
    ("Campaign", Some(BackLink::new(wide.href(CAMPAIGNS.path, &[]), CAMPAIGNS.title)))
}

/// Returns the line below the heading: `spring · 25 Oct – 23 Nov 2026, compared with the period before`.
fn subtitle(page: &PageFilter, numbers: &Numbers) -> String {
    let campaign = page.filter().get(FilterField::Campaign).map(str::to_owned);
    let period = match numbers.previous {
        Some(_) => format!("{}, compared with the period before", page.period_words()),
        None => page.period_words(),
    };
    campaign.into_iter().chain([period]).collect::<Vec<_>>().join(" · ")
}

/// What to do first.
#[component]
fn NothingYet(development: bool) -> impl IntoView {
    const LINK: &str = "/?utm_source=newsletter&utm_medium=email&utm_campaign=hello";
    view! {
        <div class="card">
            <EmptyState title="No touches yet"
                text="A touch is an arrival through a link that names its source: by utm_ parameters, a click id or a referral token. \
                      Open the example link, then come back to see the first touch.">
                // without the referrer, or it would count as a link on a page of this site
                <a class="button primary" href=LINK rel="external noreferrer">"Open a campaign link"</a>
                {development.then(|| view! {
                    <form method="post" action="/api/demo">
                        <button class="button" type="submit">"Fill with sample data"</button>
                    </form>
                })}
            </EmptyState>
            <p class="empty-link"><code>{LINK}</code></p>
        </div>
    }
}
