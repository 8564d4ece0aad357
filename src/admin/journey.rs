use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use leptos::{either::Either, prelude::*};

use super::{
    amounts::{format_credit, money, monies},
    page::{PageError, PageRequest, admin_page},
    page_filter::detail_href,
    sections::USERS,
    tables::{InternalTag, source_medium},
    words,
};
use crate::{
    attribution::{
        model::{Credit, Model},
        report::{
            Filter,
            credit::{CreditedConversion, Revenue, credit_of_user},
            journey::{Journey, JourneyReferral, JourneyUser, LONGEST_JOURNEY, journey},
            leads::Lead,
        },
    },
    components::{
        AdminPage, BackLink, Card, Columns, Fact, Facts, FilterBar, FilterOption, FilterSelect, Marker, Tag, Tone,
        Trail, TrailStep, format,
    },
    id::{ConversionId, TouchId, UserId},
    timestamp::{Timestamp, whole_days},
};

/// The journey of one user: touches, the sign-up and further conversions, in order.
#[component]
pub fn JourneyPage() -> impl IntoView {
    admin_page(page)
}

async fn page(request: PageRequest) -> Result<impl IntoView, PageError> {
    let id = request.id()?;
    let filter = request.detail_filter();
    let model = request.model(&filter);
    let mut conn = request.state.db.read_for_report().await?;
    let Journey { user, touches, referral } = journey(&mut conn, id).await?.ok_or(PageError::NotFound)?;
    let conversions = credit_of_user(&mut conn, id, &request.credit(), model).await?;
    drop(conn);

    let subtitle = summary(&user, &touches);
    let models = (!conversions.is_empty()).then(|| view! { <ModelForm user=user.id filter=filter.clone() model/> });
    let shortened = (touches.len() as u32 >= LONGEST_JOURNEY)
        .then(|| view! { <p class="muted">{format!("Only the first {LONGEST_JOURNEY} touches are shown.")}</p> });
    let tz = filter.period.tz.clone();
    let account = detail_href(&format!("/admin/users/{id}"), &filter);
    let toolbar = view! { <a class="button" href=account>"Account"</a> }.into_any();
    let steps = steps(&user, touches, JourneyCredit::new(conversions), &filter);
    Ok(view! {
        <AdminPage title=user.email.clone() subtitle toolbar back=BackLink::new(USERS.path, USERS.title)>
            <Columns>
                <Card title="Journey">
                    {models}
                    <Trail label="Touches, the sign-up and other conversions, oldest first">{steps}</Trail>
                    {shortened}
                </Card>
                <Card title="Account"><AccountFacts user referral tz/></Card>
            </Columns>
        </AdminPage>
    })
}

/// Returns the journey in a line: `3 touches before the sign-up, over 11 days`.
fn summary(user: &JourneyUser, touches: &[Lead]) -> String {
    let Some(first) = touches.first() else {
        return "Signed up directly. No campaign, referral or click id is known.".to_owned();
    };
    let before = touches.iter().filter(|touch| touch.occurred_at <= user.created_at).count();
    let count = format::plural(before as i64, "touch", "touches");
    match (before, whole_days(user.created_at - first.occurred_at)) {
        (0, _) => "Signed up directly. All touches came later.".to_owned(),
        (_, 0) => format!("{count} before the sign-up, within a day"),
        (_, days) => format!("{count} before the sign-up, over {}", format::plural(days, "day", "days")),
    }
}

/// What a step of the journey is about.
enum Event {
    Touch(Box<Lead>),
    SignUp,
    Conversion(Box<CreditedConversion>),
}

/// Returns the steps in the order of time, each with the days until the next one. At one moment, touches come before the sign-up.
fn steps(user: &JourneyUser, touches: Vec<Lead>, credit: JourneyCredit, filter: &Filter) -> Vec<AnyView> {
    let mut events: Vec<(Timestamp, Event)> =
        touches.into_iter().map(|touch| (touch.occurred_at, Event::Touch(Box::new(touch)))).collect();
    events.push((user.created_at, Event::SignUp));
    let sign_up = ConversionId::of_sign_up(user.id);
    let others = credit.conversions.iter().filter(|other| other.id != sign_up);
    events.extend(others.map(|other| (other.occurred_at, Event::Conversion(Box::new(other.clone())))));
    // a stable sort: events of one moment stay in this order
    events.sort_by_key(|(at, _)| *at);
    let times: Vec<Timestamp> = events.iter().map(|(at, _)| *at).collect();
    let days_after = |n: usize| times.get(n + 1).map_or(0, |next| whole_days(*next - times[n]));

    let step = |(n, (at, event)): (usize, (Timestamp, Event))| {
        let (days, time) = (days_after(n), format::date_time(at, &filter.period.tz));
        match event {
            Event::Touch(touch) => {
                let tags = credit.tags(touch.id);
                let href = detail_href(&format!("/admin/leads/{}", touch.id), filter);
                view! { <TouchStep touch=*touch href tags time days/> }.into_any()
            }
            Event::SignUp => {
                let direct = credit.is_direct(sign_up);
                view! { <GoalStep title="Signed up" direct time days/> }.into_any()
            }
            Event::Conversion(conversion) => {
                let title = match conversion.is_refund {
                    true => format!("Refund of a {}", words::conversion_kind(&conversion.kind)),
                    false => format!("Conversion: {}", words::conversion_kind(&conversion.kind)),
                };
                let value = conversion.currency.as_deref().map(|currency| money(conversion.value, currency));
                let direct = credit.is_direct(conversion.id);
                view! { <GoalStep title value direct time days/> }.into_any()
            }
        }
    };
    events.into_iter().enumerate().map(step).collect()
}

/// One touch. `tags` say what the touch earned. `days` is the number of days until the next step.
#[component]
fn TouchStep(touch: Lead, href: String, tags: Vec<String>, time: String, days: i64) -> impl IntoView {
    let marker = if touch.internal { Marker::Hollow } else { Marker::Blaze };
    let parts = [Some(source_medium(&touch.utm.source, &touch.utm.medium)), touch.campaign, touch.utm.term];
    let subtitle = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let hits = (touch.hits > 1).then(|| view! { <Tag label=format!("{} hits", format::count(touch.hits))/> });
    let any = hits.is_some() || touch.internal || !tags.is_empty();
    let tags = tags.into_iter().map(|label| view! { <Tag label tone=Tone::Mark/> }).collect_view();
    let tags = any.then(|| view! { <div class="row">{tags}{hits}<InternalTag internal=touch.internal/></div> });
    view! {
        <TrailStep marker title=touch.channel href subtitle meta=touch.landing_path aside=time>
            {tags}
            <DaysLater days/>
        </TrailStep>
    }
}

/// The sign-up, another conversion or a refund. `direct` is true if no touch was credited with the conversion.
#[component]
fn GoalStep(
    #[prop(into)] title: String,
    #[prop(optional_no_strip)] value: Option<String>,
    direct: bool,
    time: String,
    days: i64,
) -> impl IntoView {
    view! {
        <TrailStep marker=Marker::Goal title subtitle=value aside=time>
            {direct.then(|| view! { <p><Tag label="Credited to Direct"/></p> })}
            <DaysLater days/>
        </TrailStep>
    }
}

#[component]
fn DaysLater(days: i64) -> impl IntoView {
    let later = format!("{} later", format::plural(days, "day", "days"));
    (days > 0).then(|| view! { <p class="muted small">{later}</p> })
}

/// What the conversions of the user brought each touch, by the model of the page.
struct JourneyCredit {
    conversions: Vec<CreditedConversion>,
    /// By touch and kind of conversion.
    earned: HashMap<TouchId, BTreeMap<String, Revenue>>,
}

impl JourneyCredit {
    fn new(conversions: Vec<CreditedConversion>) -> Self {
        let mut earned: HashMap<TouchId, BTreeMap<String, Revenue>> = HashMap::new();
        for conversion in &conversions {
            for (touch, share) in &conversion.shares {
                let by_kind = earned.entry(*touch).or_default();
                by_kind.entry(conversion.kind.clone()).or_default().add(*share, conversion.currency.as_deref());
            }
        }
        Self { conversions, earned }
    }

    /// Returns what a touch earned, by kind: `0.50 Sign-up`, `0.33 purchase · 12.00 EUR`.
    fn tags(&self, touch: TouchId) -> Vec<String> {
        let tag = |(kind, earned): (&String, &Revenue)| {
            let value = monies(earned);
            let any = earned.conversions != Credit::ZERO || value.is_some();
            let parts =
                [Some(format!("{} {}", format_credit(earned.conversions), words::conversion_kind(kind))), value];
            any.then(|| parts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
        };
        self.earned.get(&touch).into_iter().flatten().filter_map(tag).collect()
    }

    /// Returns whether no touch was credited with a conversion.
    fn is_direct(&self, conversion: ConversionId) -> bool {
        self.conversions.iter().any(|credited| credited.id == conversion && credited.shares.is_empty())
    }
}

/// The choice of the model.
#[component]
fn ModelForm(user: UserId, filter: Filter, model: Model) -> impl IntoView {
    let zone = filter.tz_name();
    let keep = if zone == "UTC" { Vec::new() } else { vec![("tz".to_owned(), zone.to_owned())] };
    let options = Model::ALL.into_iter().map(|model| FilterOption::new(model.as_str(), words::model(model))).collect();
    view! {
        <FilterBar action=format!("/admin/users/{user}/journey") keep>
            <FilterSelect name="model" label="Credit by" options selected=model.as_str()/>
        </FilterBar>
    }
}

#[component]
fn AccountFacts(user: JourneyUser, referral: Option<JourneyReferral>, tz: TimeZone) -> impl IntoView {
    let (state, tone) = match user.disabled_at {
        Some(at) => (format!("Disabled {}", format::date(at, &tz)), Tone::Bad),
        None => ("Active".to_owned(), Tone::Good),
    };
    let sample = user.sample.then(|| view! { " " <Tag label="Sample data"/> });
    view! {
        <Facts>
            <Fact term="Signed up" value=format::date_time(user.created_at, &tz)/>
            <Fact term="Referred by"><ReferredBy referral/></Fact>
            <Fact term="Role" value=user.role/>
            <Fact term="State"><Tag label=state tone/>{sample}</Fact>
            <Fact term="User" value=user.id.to_string() mono=true/>
        </Facts>
    }
}

/// The member or the campaign whose referral link brought the user.
#[component]
fn ReferredBy(referral: Option<JourneyReferral>) -> impl IntoView {
    let Some(JourneyReferral { token, campaign, owner_id, owner_email }) = referral else {
        return Either::Left(view! { <span class="muted">"Nobody"</span> });
    };
    let owner = match (owner_id, owner_email) {
        (Some(id), Some(email)) => Either::Left(view! { <a href=format!("/admin/users/{id}")>{email}</a> }),
        _ => Either::Right(format!("Campaign link {campaign}")),
    };
    Either::Right(view! { {owner} " " <span class="mono muted">{format!("/r/{token}")}</span> })
}
