use std::collections::HashMap;

use leptos::{either::Either, prelude::*};

use super::{
    amounts::money,
    lists::{ListPage, NO_CONVERSIONS, NoRows, TimePagination, shown_of},
    page::{PageError, PageRequest, admin_page},
    page_filter::PageFilter,
    sections::CONVERSIONS,
    tables::or_not_set,
    words,
};
use crate::{
    attribution::{
        facts::Facts,
        model::Minor,
        report::{
            conversions::{ListedConversion, find_conversions, read_conversions},
            credit::{PathEnds, PathTouch, path_ends},
        },
    },
    components::{Card, DataTable, Tag, Th, Tone, TwoLines, format},
    db::page::{Cursor, Page},
    id::ConversionId,
};

const ROWS: u32 = 50;

/// Conversions, newest first.
#[component]
pub fn ConversionsPage() -> impl IntoView {
    admin_page(page)
}

async fn page(request: PageRequest) -> Result<impl IntoView, PageError> {
    let page = PageFilter::new(&request, CONVERSIONS.path);
    let position = request.position();
    let damaged = position.is_err();
    let position = position.unwrap_or_default();
    let settings = request.credit();
    let (facts, question) = (request.facts().await?, request.question(page.filter()).await?);
    let asked = settings.clone();
    let count = move |facts: &Facts| (find_conversions(facts, &question, &asked, position, ROWS), facts.kinds());
    let (places, kinds) = request.count(&facts, count).await?;
    let mut conn = request.state.db.read_for_report().await?;
    let found = read_conversions(&mut conn, &facts, &places).await?;
    let paths = path_ends(&mut conn, &facts, &settings, &found.rows).await?;
    drop(conn);
    let (count, nothing_yet) = (places.count, facts.counts().conversions == 0);
    let page = page.with_credit(kinds);

    let csv = page.csv_href("/admin/conversions.csv", &[]);
    let content = match count {
        0 => Either::Left(view! { <NoRows page=page.clone() nothing_yet words=NO_CONVERSIONS/> }),
        _ => Either::Right(view! { <ConversionTable page=page.clone() found paths count/> }),
    };
    Ok(view! {
        <ListPage section=CONVERSIONS page csv search=("Search conversions", "E-mail, campaign or term") damaged>
            {content}
        </ListPage>
    })
}

#[component]
fn ConversionTable(
    page: PageFilter,
    found: Page<ListedConversion, Cursor>,
    mut paths: HashMap<ConversionId, PathEnds>,
    /// How many conversions there are on all pages.
    count: i64,
) -> impl IntoView {
    let Page { rows, newer, older } = found;
    let summary = shown_of(rows.len(), count, "conversion", "conversions");
    let rows = rows
        .into_iter()
        .map(|conversion| {
            let path = paths.remove(&conversion.id);
            view! { <ConversionRow page=page.clone() conversion path/> }
        })
        .collect_view();
    view! {
        <Card>
            <DataTable caption="Conversions, newest first" dense=true>
                <thead>
                    <tr>
                        <Th label="Conversion"/>
                        <Th label="Kind"/>
                        <Th label="Value" numeric=true/>
                        <Th label="Refunded" numeric=true/>
                        <Th label="First touch"/>
                        <Th label="Last touch"/>
                        <Th label="Touches" numeric=true/>
                        <Th label="Reported by"/>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </DataTable>
            <TimePagination page newer older summary/>
        </Card>
    }
}

/// One conversion. `path` is `None` if no touch came before the conversion.
#[component]
fn ConversionRow(page: PageFilter, conversion: ListedConversion, path: Option<PathEnds>) -> impl IntoView {
    let journey = page.detail(&format!("/admin/users/{}/journey", conversion.user_id));
    let tz = &page.filter().period.tz;
    let (datetime, time) = (format::rfc3339(conversion.occurred_at), format::date_time(conversion.occurred_at, tz));
    let kind = words::conversion_kind(&conversion.kind).to_owned();
    let (touches, first, last) = match path {
        Some(PathEnds { first, last, touches }) => (touches as i64, Some(first), Some(last)),
        None => (0, None, None),
    };
    let value = conversion.currency.as_deref().map(|currency| money(conversion.value, currency));
    let refunded = refunded(&conversion);
    // the external id of a sign-up is the id of its user, which says nothing new
    let is_sign_up = conversion.id == ConversionId::of_sign_up(conversion.user_id);
    let external_id = (!is_sign_up).then_some(conversion.external_id);
    view! {
        <tr>
            <th scope="row" class="who">
                <TwoLines title=conversion.user_email href=journey/>
                <time class="line-subtitle" datetime=datetime>{time}</time>
            </th>
            <td><Tag label=kind tone=Tone::Mark/></td>
            <td class="num">{value.map_or_else(|| Either::Left(view! { <Dash/> }), Either::Right)}</td>
            <td class="num">{refunded.map_or_else(|| Either::Left(view! { <Dash/> }), Either::Right)}</td>
            <td><TouchOrDirect page=page.clone() touch=first/></td>
            <td><TouchOrDirect page touch=last/></td>
            <td class="num">{format::count(touches)}</td>
            <td>
                <span class="line-title">{conversion.source}</span>
                {external_id.map(|id| view! { <span class="line-subtitle cut" title=id.clone()>{id.clone()}</span> })}
            </td>
        </tr>
    }
}

/// Returns the amount that was paid back, marked where it is the full amount.
fn refunded(conversion: &ListedConversion) -> Option<impl IntoView + use<>> {
    let currency = conversion.currency.as_deref().filter(|_| conversion.refunded > Minor::ZERO)?;
    let in_full = conversion.refunded == conversion.value;
    let amount = money(conversion.refunded, currency);
    Some(view! { {in_full.then(|| view! { <Tag label="in full" tone=Tone::Bad/> " " })}{amount} })
}

#[component]
fn Dash() -> impl IntoView {
    view! { <span class="muted">"–"</span> }
}

/// The campaign and the channel of a touch, or Direct.
#[component]
fn TouchOrDirect(page: PageFilter, touch: Option<PathTouch>) -> impl IntoView {
    match touch {
        None => Either::Left(view! { <Tag label="Direct"/> }),
        Some(touch) => {
            let href = page.detail(&format!("/admin/leads/{}", touch.id));
            // this link lies above the link of the row, which leads to the user
            Either::Right(view! {
                <a class="above-cover" href=href>{or_not_set(&touch.campaign)}</a>
                <span class="line-subtitle">{touch.channel}</span>
            })
        }
    }
}
