use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use leptos::prelude::*;

use super::{
    amounts::{format_credit, kind_label, money, monies},
    filters::detail,
    page::{Asked, Failure, admin_page},
    tables::{internal_tag, source_medium},
};
use crate::{
    attribution::{
        model::{Credit, Model},
        report::{
            Filter, Preset,
            credit::{ConversionRow, CreditedConversion, Revenue, credit_of_user},
            journey::{Journey, JourneyReferral, JourneyUser, LONGEST_JOURNEY, journey},
            leads::Lead,
        },
    },
    components::{
        AdminPage, AdminSection, BackLink, Card, Columns, Fact, Facts, FilterBar, FilterOption, FilterSelect, Marker,
        Tag, Tone, Trail, TrailStep, format,
    },
    id::{ConversionId, TouchId, UserId},
    timestamp::Timestamp,
    timestamp::whole_days,
};

/// How one user came, and what it led to: touches, the sign-up and further conversions, in order.
#[component]
pub fn JourneyPage() -> impl IntoView {
    admin_page(AdminSection::Leads, page)
}

async fn page(asked: Asked) -> Result<AnyView, Failure> {
    let id: UserId = asked.id.ok_or(Failure::NotFound)?.into();
    let mut conn = asked.state.db.read().await?;
    let Journey { user, touches, referral } = journey(&mut conn, id).await?.ok_or(Failure::NotFound)?;
    // only the time zone and the model are of use here
    let filter = Filter::parse(&asked.query, Preset::All, asked.now).filter;
    let conversions = credit_of_user(&mut conn, id, &asked.credit(), asked.model(&filter)).await?;
    drop(conn);

    let before = touches.iter().filter(|touch| touch.occurred_at <= user.created_at).count();
    let subtitle = summary(&user, &touches, before);
    let models = (!conversions.is_empty()).then(|| models(&asked, &user, &filter));
    let steps = steps(&user, &touches, &JourneyCredit::new(conversions), &filter);
    let account = account(&user, referral, &filter.period.tz);
    let shortened = (touches.len() as u32 >= LONGEST_JOURNEY)
        .then(|| view! { <p class="muted">{format!("The first {LONGEST_JOURNEY} touches are shown.")}</p> });
    Ok(view! {
        <AdminPage title=user.email.clone() section=AdminSection::Leads subtitle back=BackLink::new("/admin/leads", "Leads")>
            <Columns>
                <Card title="Journey">
                    {models}
                    <Trail label="Touches, the sign-up and other conversions, oldest first">{steps}</Trail>
                    {shortened}
                </Card>
                <Card title="Account">{account}</Card>
            </Columns>
        </AdminPage>
    }
    .into_any())
}

/// What the journey came to: "3 touches over 11 days before the sign-up".
fn summary(user: &JourneyUser, touches: &[Lead], before: usize) -> String {
    match touches.first() {
        Some(first) if before > 0 => {
            let days = whole_days(user.created_at - first.occurred_at);
            let count = format::plural(before as i64, "touch", "touches");
            match days {
                0 => format!("{count} on the way to the sign-up, within a day"),
                _ => format!("{count} on the way to the sign-up, over {}", format::plural(days, "day", "days")),
            }
        }
        Some(_) => "Signed up directly; the touches came later".to_owned(),
        None => "Signed up directly: no campaign, referral or click id is known".to_owned(),
    }
}

/// What a step is about.
enum Event<'a> {
    Touch(&'a Lead),
    SignUp,
    Conversion(&'a ConversionRow),
}

/// Each stands at its time: of the same moment touches first, then the sign-up. Each step says how long it was to the next.
fn steps(user: &JourneyUser, touches: &[Lead], credit: &JourneyCredit, filter: &Filter) -> AnyView {
    let mut events: Vec<(Timestamp, Event<'_>)> =
        touches.iter().map(|touch| (touch.occurred_at, Event::Touch(touch))).collect();
    events.push((user.created_at, Event::SignUp));
    let own = ConversionId::of_sign_up(user.id);
    let others = credit.conversions.iter().map(|credited| &credited.conversion).filter(|other| other.id != own);
    events.extend(others.map(|conversion| (conversion.occurred_at, Event::Conversion(conversion))));
    // sorting is stable
    events.sort_by_key(|(at, _)| *at);
    let gap = |n: usize| {
        let days = whole_days(events.get(n + 1)?.0 - events[n].0);
        (days > 0).then(|| format!("{} later", format::plural(days, "day", "days")))
    };
    let tz = &filter.period.tz;
    let steps = events.iter().enumerate().map(|(n, (_, event))| match event {
        Event::Touch(touch) => step(touch, credit, gap(n), filter),
        Event::SignUp => sign_up(user, credit, gap(n), tz),
        Event::Conversion(conversion) => goal(conversion, credit, gap(n), tz),
    });
    steps.collect_view().into_any()
}

fn gap_line(gap: Option<String>) -> AnyView {
    gap.map(|gap| view! { <p class="muted small">{gap}</p> }).into_any()
}

fn sign_up(user: &JourneyUser, credit: &JourneyCredit, gap: Option<String>, tz: &TimeZone) -> AnyView {
    let time = format::date_time(user.created_at, tz);
    let direct = credit.direct_tag(ConversionId::of_sign_up(user.id));
    view! { <TrailStep marker=Marker::Goal title="Signed up" aside=time>{direct}{gap_line(gap)}</TrailStep> }.into_any()
}

fn goal(conversion: &ConversionRow, credit: &JourneyCredit, gap: Option<String>, tz: &TimeZone) -> AnyView {
    let title = match conversion.refund_of {
        Some(_) => format!("Refund of a {}", kind_label(&conversion.kind)),
        None => format!("Conversion: {}", kind_label(&conversion.kind)),
    };
    let value = conversion.currency.as_deref().map(|currency| money(conversion.value, currency));
    let time = format::date_time(conversion.occurred_at, tz);
    let direct = credit.direct_tag(conversion.id);
    view! {
        <TrailStep marker=Marker::Goal title subtitle=value aside=time>{direct}{gap_line(gap)}</TrailStep>
    }
    .into_any()
}

fn step(touch: &Lead, credit: &JourneyCredit, gap: Option<String>, filter: &Filter) -> AnyView {
    let marker = if touch.internal { Marker::Hollow } else { Marker::Blaze };
    let parts = [Some(source_medium(&touch.source, &touch.medium)), touch.campaign.clone(), touch.term.clone()];
    let subtitle = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let hits = (touch.hits > 1).then(|| view! { <Tag label=format!("{} hits", format::count(touch.hits))/> });
    let earned = credit.tags(touch.id);
    let tags = (hits.is_some() || touch.internal || !earned.is_empty())
        .then(|| view! { <div class="row">{earned}{hits}{internal_tag(touch.internal)}</div> });
    let href = detail(&format!("/admin/leads/{}", touch.id), filter);
    view! {
        <TrailStep marker title=touch.channel.clone() href subtitle meta=touch.landing_path.clone()
            aside=format::date_time(touch.occurred_at, &filter.period.tz)>
            {tags}
            {gap_line(gap)}
        </TrailStep>
    }
    .into_any()
}

/// What the user's conversions brought the touches, by the model of the page.
struct JourneyCredit {
    conversions: Vec<CreditedConversion>,
    /// By touch and kind.
    earned: HashMap<TouchId, BTreeMap<String, Revenue>>,
}

impl JourneyCredit {
    fn new(conversions: Vec<CreditedConversion>) -> Self {
        let mut earned: HashMap<TouchId, BTreeMap<String, Revenue>> = HashMap::new();
        for CreditedConversion { conversion, shares } in &conversions {
            for (touch, share) in shares {
                let by_kind = earned.entry(*touch).or_default();
                by_kind.entry(conversion.kind.clone()).or_default().add(*share, conversion.currency.as_deref());
            }
        }
        Self { conversions, earned }
    }

    /// What a touch earned: `0.50 Sign-up`, `0.33 purchase · 12.00 EUR`.
    fn tags(&self, touch: TouchId) -> Vec<AnyView> {
        let by_kind = self.earned.get(&touch).into_iter().flatten();
        by_kind
            .filter_map(|(kind, earned)| {
                let value = monies(earned);
                let any = earned.conversions != Credit::ZERO || value.is_some();
                let parts = [Some(format!("{} {}", format_credit(earned.conversions), kind_label(kind))), value];
                let label = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
                any.then(|| view! { <Tag label tone=Tone::Mark/> }.into_any())
            })
            .collect()
    }

    /// That nothing before a conversion could be credited with it.
    fn direct_tag(&self, conversion: ConversionId) -> AnyView {
        let credited = self.conversions.iter().find(|credited| credited.conversion.id == conversion);
        credited
            .filter(|credited| credited.shares.is_empty())
            .map(|_| view! { <p><Tag label="Credited to Direct"/></p> })
            .into_any()
    }
}

/// The choice of the model.
fn models(asked: &Asked, user: &JourneyUser, filter: &Filter) -> AnyView {
    let action = format!("/admin/users/{}", user.id);
    let zone = filter.tz_name();
    let keep = if zone == "UTC" { Vec::new() } else { vec![("tz".to_owned(), zone.to_owned())] };
    let options = Model::ALL.into_iter().map(|model| FilterOption::new(model.as_str(), model.label())).collect();
    let selected = asked.model(filter).as_str();
    view! {
        <FilterBar action keep=keep>
            <FilterSelect name="model" label="Credit by" options=options selected=selected/>
        </FilterBar>
    }
    .into_any()
}

fn account(user: &JourneyUser, referral: Option<JourneyReferral>, tz: &TimeZone) -> AnyView {
    let referred = match referral {
        None => view! { <span class="muted">"Nobody"</span> }.into_any(),
        Some(JourneyReferral { token, campaign, owner_id, owner_email }) => {
            let by = match (owner_id, owner_email) {
                (Some(id), Some(email)) => view! { <a href=format!("/admin/users/{id}")>{email}</a> }.into_any(),
                _ => format!("The link of campaign {campaign}").into_any(),
            };
            view! { {by} " " <span class="mono muted">{format!("/r/{token}")}</span> }.into_any()
        }
    };
    let state = match user.disabled_at {
        Some(at) => view! { <Tag label=format!("Disabled {}", format::date(at, tz)) tone=Tone::Bad/> }.into_any(),
        None => view! { <Tag label="Active" tone=Tone::Good/> }.into_any(),
    };
    let signed_up = format::date_time(user.created_at, tz);
    let sample = user.sample.then(|| view! { " " <Tag label="Sample data"/> });
    let (role, id) = (user.role.clone(), user.id.to_string());
    view! {
        <Facts>
            <Fact term="Signed up" value=signed_up/>
            <Fact term="Brought by">{referred}</Fact>
            <Fact term="Role" value=role/>
            <Fact term="State">{state}{sample}</Fact>
            <Fact term="User" value=id mono=true/>
        </Facts>
    }
    .into_any()
}
