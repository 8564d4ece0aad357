use std::collections::BTreeMap;

use leptos::prelude::*;

use super::{
    page::{Asked, Failure, admin_page},
    tables::{LeadTable, internal_tag},
};
use crate::{
    attribution::report::{
        Filter, Preset,
        leads::{Lead, lead, leads_of_visitor},
    },
    components::{AdminPage, AdminSection, BackLink, Card, Columns, Fact, Facts, Tag, format},
};

/// How many touches of the same browser are listed.
const OTHERS: u32 = 50;

/// One lead with all that is known of it.
#[component]
pub fn LeadPage() -> impl IntoView {
    admin_page(AdminSection::Leads, page)
}

async fn page(asked: Asked) -> Result<AnyView, Failure> {
    let id = asked.id.ok_or(Failure::NotFound)?;
    let mut conn = asked.state.db.read().await?;
    let lead = lead(&mut conn, id).await?.ok_or(Failure::NotFound)?;
    let mut others = leads_of_visitor(&mut conn, lead.visitor_id, OTHERS + 1).await?;
    others.retain(|other| other.id != lead.id);
    // only the time zone is of use here
    let tz = Filter::parse(&asked.query, Preset::All, asked.now).filter.period.tz;

    let journey = format!("/admin/users/{}", lead.user_id);
    let time = format::date_time(lead.occurred_at, &tz);
    let toolbar = view! { <a class="button" href=journey.clone()>"Journey of this user"</a> };
    let others = match others.is_empty() {
        true => view! { <p class="muted">"This is the only touch of this browser."</p> }.into_any(),
        false => view! { <LeadTable caption="Other touches of this browser" leads=others tz=tz.clone()/> }.into_any(),
    };
    Ok(view! {
        <AdminPage title=format!("Lead of {}", lead.user_email) section=AdminSection::Leads subtitle=time
            back=BackLink::new("/admin/leads", "Leads") toolbar=toolbar.into_any()>
            <Columns>
                <Card title="Where from">
                    <Facts>
                        <Fact term="Channel"><Tag label=lead.channel.clone()/>{internal_tag(lead.internal)}</Fact>
                        <Fact term="Source" value=lead.source.clone()/>
                        <Fact term="Medium" value=lead.medium.clone()/>
                        <Fact term="Campaign" value=lead.campaign.clone()/>
                        <Fact term="Term" value=lead.term.clone()/>
                        <Fact term="Content" value=lead.content.clone()/>
                        {further(&lead)}
                        <Fact term="Read from" value=if lead.derived { "The click id" } else { "The link" }/>
                    </Facts>
                </Card>
                <div class="stack">
                    <Card title="Arrival">
                        <Facts>
                            <Fact term="User"><a href=journey>{lead.user_email.clone()}</a></Fact>
                            <Fact term="Clicked" value=format::date_time(lead.occurred_at, &tz)/>
                            <Fact term="Linked to the user" value=format::date_time(lead.linked_at, &tz)/>
                            <Fact term="Landing page" value=lead.landing_path.clone() mono=true/>
                            <Fact term="Referrer" value=lead.referrer.clone() mono=true/>
                            <Fact term="Hits" value=format::count(lead.hits)/>
                            <Fact term="Lead" value=lead.id.to_string() mono=true/>
                        </Facts>
                    </Card>
                    <Card title="Click ids and tags">{identifiers(&lead)}</Card>
                </div>
            </Columns>
            <Card title="Other touches of this browser">{others}</Card>
        </AdminPage>
    }
    .into_any())
}

/// The rarer UTM fields, where they are set.
fn further(lead: &Lead) -> AnyView {
    [
        ("Id", &lead.utm_id),
        ("Source platform", &lead.source_platform),
        ("Creative format", &lead.creative_format),
        ("Marketing tactic", &lead.marketing_tactic),
    ]
    .into_iter()
    .filter_map(|(term, value)| {
        let value = value.clone()?;
        Some(view! { <Fact term value/> })
    })
    .collect_view()
    .into_any()
}

fn identifiers(lead: &Lead) -> AnyView {
    let ids: BTreeMap<String, String> = serde_json::from_str(&lead.click_ids).unwrap_or_default();
    let tags: BTreeMap<String, Vec<String>> = serde_json::from_str(&lead.tags).unwrap_or_default();
    if ids.is_empty() && tags.is_empty() {
        return view! { <p class="muted">"The link carried none."</p> }.into_any();
    }
    let facts = ids
        .into_iter()
        .chain(tags.into_iter().map(|(name, values)| (name, values.join(", "))))
        .map(|(name, value)| view! { <Fact term=name value=value mono=true/> })
        .collect_view();
    view! { <Facts>{facts}</Facts> }.into_any()
}
