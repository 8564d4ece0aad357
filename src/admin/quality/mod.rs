use leptos::prelude::*;

/// What did not count, and why.
mod ignored;
/// Parts of links that are left out.
mod left_out;
/// Campaign names: similar ones, merged ones, and the form that merges any two.
mod names;
/// Touches whose link was incomplete or stood in the wrong place.
mod touches;

use self::{
    ignored::{DAYS, DayTable, ReasonTable},
    left_out::LeftOutTable,
    names::{ALIASES, MergedNamesCard, SimilarNamesCard},
    touches::TouchTable,
};
use super::{
    filter_parts::{ActiveFilter, FilterToolbar},
    forms::aliases::FORM,
    page::{PageError, PageRequest, admin_page},
    page_filter::PageFilter,
    sections::QUALITY,
};
use crate::{
    attribution::{
        campaign_alias,
        capture::{counters::OVER_CAP, left_out::LeftOut},
        report::quality::{ignored as ignored_by_reason, ignored_days, touches as count_touches},
    },
    auth::forms::{FormState, take_flash},
    components::{AdminPage, AlertKind, Card, FormAlert, Stat, StatRow, format},
};

/// How far the numbers can be trusted: what did not count and why, touches to check, campaign names to merge.
#[component]
pub fn QualityPage() -> impl IntoView {
    let flash = take_flash(FORM);
    admin_page(move |request| page(request, flash))
}

async fn page(request: PageRequest, flash: FormState) -> Result<impl IntoView, PageError> {
    let page = PageFilter::new(&request, QUALITY.path);
    let filter = page.filter();
    let db = &request.state.db;
    // Writes what this process counted. Other replicas write their counts within seconds.
    request.state.attribution.counters.flush(db).await?;
    let ignored = async {
        let mut conn = db.read_for_report().await?;
        let reasons = ignored_by_reason(&mut conn, &filter.period).await?;
        Ok::<_, PageError>((reasons, ignored_days(&mut conn, &filter.period, DAYS).await?))
    };
    let touches = async {
        let (facts, question) = (request.facts().await?, request.question(filter).await?);
        request.count(&facts, move |facts| count_touches(facts, &question)).await
    };
    let aliases = async { Ok::<_, PageError>(campaign_alias::list(&mut db.read_for_report().await?, ALIASES).await?) };
    let ((mut reasons, mut days), (touches, alike), aliases) = futures::try_join!(ignored, touches, aliases)?;

    // The parts of links that are left out have counters too, and their arrivals may count.
    let left_out: Vec<_> = reasons.extract_if(.., |(reason, _)| LeftOut::of(reason).is_some()).collect();
    days.iter_mut().for_each(|day| day.counts.retain(|reason, _| LeftOut::of(reason).is_none()));
    days.retain(|day| !day.counts.is_empty());

    let over_cap = reasons.iter().find(|(reason, _)| reason == OVER_CAP).map_or(0, |(_, count)| *count);
    let all_ignored = reasons.iter().map(|(_, count)| count).sum();
    let query = filter.href("", &[]).trim_start_matches('?').to_owned();
    let version = request.state.config.attribution.rules.version().to_owned();
    let day_table = (!days.is_empty()).then(|| {
        let reasons = reasons.iter().map(|(reason, _)| reason.clone()).collect();
        view! { <Card title="What did not count, by day"><DayTable reasons days/></Card> }
    });
    let left_out_table = (!left_out.is_empty()).then(|| {
        view! { <Card title="Left out of links"><LeftOutTable left_out/></Card> }
    });
    let toolbar = view! { <FilterToolbar page=page.clone()/> }.into_any();
    Ok(view! {
        <AdminPage title=QUALITY.title subtitle=page.period_words() toolbar>
            <ActiveFilter page/>
            <StatRow label="Key figures">
                <Stat label="Touches" value=format::count(touches.all)/>
                <Stat label="Did not count" value=format::count(all_ignored)/>
                <Stat label="Above the daily limit" value=format::count(over_cap)/>
                <Stat label="Repeats" value=format::count(touches.repeats)/>
            </StatRow>
            <Card title="What did not count, and why"><ReasonTable reasons all=all_ignored/></Card>
            <Card title="Touches to check"><TouchTable touches version/></Card>
            {left_out_table}
            // above both cards of names, because the forms of both end here
            <FormAlert message=flash.notice.clone() kind=AlertKind::Success/>
            <FormAlert message=flash.error("") kind=AlertKind::Error/>
            <SimilarNamesCard alike query=query.clone()/>
            <MergedNamesCard aliases query flash/>
            {day_table}
        </AdminPage>
    })
}
