use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use leptos::prelude::*;

use super::{
    amounts::{format_credit, monies},
    filters::detail,
    page::{Asked, Failure, admin_page},
    tables::{LeadTable, internal_tag},
};
use crate::{
    attribution::{
        model::Model,
        report::{
            Filter, Preset,
            credit::{Revenue, credit_of_touch},
            leads::{Lead, lead, leads_of_visitor},
        },
    },
    components::{AdminPage, AdminSection, BackLink, Card, Columns, DataTable, Fact, Facts, Tag, Th, format},
    id::TouchId,
};

/// How many touches of the same browser are listed.
const OTHERS: u32 = 50;

/// One lead with all that is known of it.
#[component]
pub fn LeadPage() -> impl IntoView {
    admin_page(AdminSection::Leads, page)
}

async fn page(asked: Asked) -> Result<AnyView, Failure> {
    let id: TouchId = asked.id.ok_or(Failure::NotFound)?.into();
    let mut conn = asked.state.db.read().await?;
    let lead = lead(&mut conn, id).await?.ok_or(Failure::NotFound)?;
    let mut others = leads_of_visitor(&mut conn, lead.visitor_id, OTHERS + 1).await?;
    others.retain(|other| other.id != lead.id);
    let earned = credit_of_touch(&mut conn, lead.user_id, lead.id, &asked.credit()).await?;
    drop(conn);
    // only the time zone and the model are of use here
    let filter = Filter::parse(&asked.query, Preset::All, asked.now).filter;
    let (tz, model) = (filter.period.tz.clone(), asked.model(&filter));

    let journey = detail(&format!("/admin/users/{}", lead.user_id), &filter);
    let time = format::date_time(lead.occurred_at, &tz);
    let toolbar = view! { <a class="button" href=journey.clone()>"Journey of this user"</a> };
    let others = match others.is_empty() {
        true => view! { <p class="muted">"This is the only touch of this browser."</p> }.into_any(),
        false => view! { <LeadTable caption="Other touches of this browser" leads=others filter/> }.into_any(),
    };
    let others = view! { <Card title="Other touches of this browser">{others}</Card> };
    let title = format!("Lead of {}", lead.user_email);
    let content = view! {
        <Columns>
            <div class="stack">
                {origin(&lead)}
                {earnings(&lead, model, earned)}
            </div>
            <div class="stack">
                {arrival(&lead, journey, &tz)}
                {identifiers(&lead)}
            </div>
        </Columns>
        {others}
    };
    let back = BackLink::new("/admin/leads", "Leads");
    Ok(view! {
        <AdminPage title section=AdminSection::Leads subtitle=time back toolbar=toolbar.into_any()>{content}</AdminPage>
    }
    .into_any())
}

fn origin(lead: &Lead) -> AnyView {
    let channel = view! { <Tag label=lead.channel.clone()/> {internal_tag(lead.internal)} };
    let read_from = match (lead.origin.as_str(), lead.derived) {
        ("referrer", _) => "The page that linked here",
        ("seeded", _) => "This site, without a link",
        ("import", _) => "An import",
        (_, true) => "The click id",
        _ => "The link",
    };
    let fields = [
        ("Source", &lead.source),
        ("Medium", &lead.medium),
        ("Campaign", &lead.campaign),
        ("Term", &lead.term),
        ("Content", &lead.content),
    ];
    // rare, so only where they are set
    let further = [
        ("Id", &lead.utm_id),
        ("Source platform", &lead.source_platform),
        ("Creative format", &lead.creative_format),
        ("Marketing tactic", &lead.marketing_tactic),
    ];
    let facts = fields
        .into_iter()
        .chain(further.into_iter().filter(|(_, value)| value.is_some()))
        .map(|(term, value)| view! { <Fact term value=value.clone()/> })
        .collect_view();
    view! {
        <Card title="Where from">
            <Facts>
                <Fact term="Channel">{channel}</Fact>
                {facts}
                <Fact term="Read from" value=read_from/>
            </Facts>
        </Card>
    }
    .into_any()
}

/// What the touch earned by each model.
fn earnings(lead: &Lead, chosen: Model, earned: [Revenue; 6]) -> AnyView {
    if earned.iter().all(|earned| *earned == Revenue::default()) {
        let why = match lead.internal {
            true => "Links on pages of this site are not credited.",
            false => "No conversion is credited to it: there was none in time, or it repeats the touch before it.",
        };
        return view! { <Card title="Credit"><p class="muted">{why}</p></Card> }.into_any();
    }
    let rows = Model::ALL
        .into_iter()
        .zip(earned)
        .map(|(model, earned)| {
            let chosen = (model == chosen).then(|| view! { " " <Tag label="chosen"/> });
            let value = monies(&earned).unwrap_or_else(|| "–".to_owned());
            view! {
                <tr>
                    <th scope="row">{model.label()}{chosen}</th>
                    <td class="num">{format_credit(earned.conversions)}</td>
                    <td class="num">{value}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Card title="Credit">
            <DataTable caption="What this touch earned by each model">
                <thead>
                    <tr><Th label="Model"/><Th label="Conversions" numeric=true/><Th label="Value" numeric=true/></tr>
                </thead>
                <tbody>{rows}</tbody>
            </DataTable>
        </Card>
    }
    .into_any()
}

fn arrival(lead: &Lead, journey: String, tz: &TimeZone) -> AnyView {
    let user = view! { <a href=journey>{lead.user_email.clone()}</a> };
    let clicked = format::date_time(lead.occurred_at, tz);
    let linked = format::date_time(lead.linked_at, tz);
    let (landing, referrer) = (lead.landing_path.clone(), lead.referrer.clone());
    let (hits, id) = (format::count(lead.hits), lead.id.to_string());
    view! {
        <Card title="Arrival">
            <Facts>
                <Fact term="User">{user}</Fact>
                <Fact term="Clicked" value=clicked/>
                <Fact term="Linked to the user" value=linked/>
                <Fact term="Landing page" value=landing mono=true/>
                <Fact term="Referrer" value=referrer mono=true/>
                <Fact term="Hits" value=hits/>
                <Fact term="Lead" value=id mono=true/>
            </Facts>
        </Card>
    }
    .into_any()
}

fn identifiers(lead: &Lead) -> AnyView {
    let ids: BTreeMap<String, String> = serde_json::from_str(&lead.click_ids).unwrap_or_default();
    let tags: BTreeMap<String, Vec<String>> = serde_json::from_str(&lead.tags).unwrap_or_default();
    let none = (ids.is_empty() && tags.is_empty()).then(|| view! { <p class="muted">"The link carried none."</p> });
    let facts = ids
        .into_iter()
        .chain(tags.into_iter().map(|(name, values)| (name, values.join(", "))))
        .map(|(name, value)| view! { <Fact term=name value=value mono=true/> })
        .collect_view();
    let facts = none.is_none().then(|| view! { <Facts>{facts}</Facts> });
    view! { <Card title="Click ids and tags">{none}{facts}</Card> }.into_any()
}
