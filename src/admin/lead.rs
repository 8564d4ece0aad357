use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use leptos::{either::Either, prelude::*};

use super::{
    amounts::{format_credit, monies},
    page::{PageError, PageRequest, admin_page},
    page_filter::detail_href,
    sections::LEADS,
    tables::{InternalTag, LeadTable},
    words,
};
use crate::{
    attribution::{
        model::Model,
        report::{
            Filter,
            credit::{Revenue, credit_of_touch},
            leads::{Lead, lead, leads_of_visitor},
        },
        touch::TouchOrigin,
    },
    components::{AdminPage, BackLink, Card, Columns, DataTable, Fact, Facts, Tag, Th, format},
};

/// How many other touches of the same browser are listed.
const OTHERS: u32 = 50;

/// One lead with all that is known about it.
#[component]
pub fn LeadPage() -> impl IntoView {
    admin_page(page)
}

async fn page(request: PageRequest) -> Result<impl IntoView, PageError> {
    let id = request.id()?;
    let mut conn = request.state.db.read_for_report().await?;
    let lead = lead(&mut conn, id).await?.ok_or(PageError::NotFound)?;
    let mut others = leads_of_visitor(&mut conn, lead.visitor_id, OTHERS + 1).await?;
    others.retain(|other| other.id != lead.id);
    let earned = credit_of_touch(&mut conn, lead.user_id, lead.id, &request.credit()).await?;
    drop(conn);

    let filter = request.detail_filter();
    let model = request.model(&filter);
    let journey = detail_href(&format!("/admin/users/{}/journey", lead.user_id), &filter);
    let tz = filter.period.tz.clone();
    let subtitle = format::date_time(lead.occurred_at, &tz);
    let toolbar = view! { <a class="button" href=journey.clone()>"Show the journey"</a> }.into_any();
    Ok(view! {
        <AdminPage title=format!("Lead of {}", lead.user_email) subtitle toolbar
            back=BackLink::new(LEADS.path, LEADS.title)>
            <Columns>
                <div class="stack">
                    <OriginCard lead=lead.clone()/>
                    <CreditCard internal=lead.internal earned model/>
                </div>
                <div class="stack">
                    <ArrivalCard lead=lead.clone() journey tz/>
                    <IdsCard lead/>
                </div>
            </Columns>
            <OthersCard others filter/>
        </AdminPage>
    })
}

/// Where the touch came from.
#[component]
fn OriginCard(lead: Lead) -> impl IntoView {
    let read_from = match (lead.origin, lead.derived) {
        (TouchOrigin::Referrer, _) => "The page that linked here",
        (TouchOrigin::Seeded, _) => "This site, without a link",
        (TouchOrigin::Import, _) => "An import",
        (TouchOrigin::Link, true) => "The link, completed from its click id or the page that linked here",
        (TouchOrigin::Link, false) => "The link",
    };
    let fields = [
        ("Source", lead.utm.source),
        ("Medium", lead.utm.medium),
        ("Campaign", lead.campaign),
        ("Term", lead.utm.term),
        ("Content", lead.utm.content),
    ];
    // rare fields stand here only where they are set
    let further = [
        ("Id", lead.utm.id),
        ("Source platform", lead.utm.source_platform),
        ("Creative format", lead.utm.creative_format),
        ("Marketing tactic", lead.utm.marketing_tactic),
    ];
    let facts = fields
        .into_iter()
        .chain(further.into_iter().filter(|(_, value)| value.is_some()))
        .map(|(term, value)| view! { <Fact term value/> })
        .collect_view();
    view! {
        <Card title="Origin">
            <Facts>
                <Fact term="Channel"><Tag label=lead.channel/> <InternalTag internal=lead.internal/></Fact>
                {facts}
                <Fact term="Read from" value=read_from/>
            </Facts>
        </Card>
    }
}

/// What the touch earned by each model, with the page's `model` marked.
#[component]
fn CreditCard(internal: bool, earned: [Revenue; 6], model: Model) -> impl IntoView {
    let content = if earned.iter().all(|earned| *earned == Revenue::default()) {
        let why = match internal {
            true => "Links on pages of this site get no credit.",
            false => {
                "No conversion is credited to this touch: none followed in the look-back window, or it repeats the touch before."
            }
        };
        Either::Left(view! { <p class="muted">{why}</p> })
    } else {
        let rows = Model::ALL
            .into_iter()
            .zip(earned)
            .map(|(each, earned)| view! { <CreditRow model=each earned chosen={each == model}/> })
            .collect_view();
        Either::Right(view! {
            <DataTable caption="Credit for this touch by each model">
                <thead>
                    <tr><Th label="Model"/><Th label="Conversions" numeric=true/><Th label="Value" numeric=true/></tr>
                </thead>
                <tbody>{rows}</tbody>
            </DataTable>
        })
    };
    view! { <Card title="Credit">{content}</Card> }
}

#[component]
fn CreditRow(model: Model, earned: Revenue, chosen: bool) -> impl IntoView {
    let value = monies(&earned).unwrap_or_else(|| "–".to_owned());
    view! {
        <tr>
            <th scope="row">
                {words::model(model)}{chosen.then(|| view! { " " <Tag label="chosen"/> })}
            </th>
            <td class="num">{format_credit(earned.conversions)}</td>
            <td class="num">{value}</td>
        </tr>
    }
}

/// Who arrived, when and on which page. `journey` leads to the user.
#[component]
fn ArrivalCard(lead: Lead, journey: String, tz: TimeZone) -> impl IntoView {
    let (clicked, linked) = (format::date_time(lead.occurred_at, &tz), format::date_time(lead.linked_at, &tz));
    view! {
        <Card title="Arrival">
            <Facts>
                <Fact term="User"><a href=journey>{lead.user_email}</a></Fact>
                <Fact term="Clicked" value=clicked/>
                <Fact term="Linked to the user" value=linked/>
                <Fact term="Landing page" value=lead.landing_path mono=true/>
                <Fact term="Referrer" value=lead.referrer mono=true/>
                <Fact term="Hits" value=format::count(lead.hits)/>
                <Fact term="Lead" value=lead.id.to_string() mono=true/>
            </Facts>
        </Card>
    }
}

/// The click ids and custom tags of the link.
#[component]
fn IdsCard(lead: Lead) -> impl IntoView {
    let ids: BTreeMap<String, String> = serde_json::from_str(&lead.click_ids).unwrap_or_default();
    let tags: BTreeMap<String, Vec<String>> = serde_json::from_str(&lead.tags).unwrap_or_default();
    let none = ids.is_empty() && tags.is_empty();
    let facts = ids
        .into_iter()
        .chain(tags.into_iter().map(|(name, values)| (name, values.join(", "))))
        .map(|(term, value)| view! { <Fact term value mono=true/> })
        .collect_view();
    let content = match none {
        true => Either::Left(view! { <p class="muted">"The link carried none."</p> }),
        false => Either::Right(view! { <Facts>{facts}</Facts> }),
    };
    view! { <Card title="Click ids and tags">{content}</Card> }
}

#[component]
fn OthersCard(others: Vec<Lead>, filter: Filter) -> impl IntoView {
    const TITLE: &str = "Other touches of this browser";
    let content = match others.is_empty() {
        true => Either::Left(view! { <p class="muted">"This is the only touch of this browser."</p> }),
        false => Either::Right(view! { <LeadTable caption=TITLE leads=others filter/> }),
    };
    view! { <Card title=TITLE>{content}</Card> }
}
