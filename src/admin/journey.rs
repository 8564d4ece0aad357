use jiff::tz::TimeZone;
use leptos::prelude::*;

use super::{
    filters::in_zone,
    page::{Asked, Failure, admin_page},
    tables::{internal_tag, source_medium},
};
use crate::{
    attribution::report::{
        Filter, Preset,
        journey::{Journey, LONGEST_JOURNEY, Referral, Traveller, journey},
        leads::Lead,
    },
    components::{
        AdminPage, AdminSection, BackLink, Card, Columns, Fact, Facts, Marker, Tag, Tone, Trail, TrailStep, format,
    },
    db::Millis,
};

const DAY: Millis = 86_400_000;

/// How one user came: touches and the sign-up, in order.
#[component]
pub fn JourneyPage() -> impl IntoView {
    admin_page(AdminSection::Leads, page)
}

async fn page(asked: Asked) -> Result<AnyView, Failure> {
    let id = asked.id.ok_or(Failure::NotFound)?;
    let mut conn = asked.state.db.read().await?;
    let Journey { user, touches, referral } = journey(&mut conn, id).await?.ok_or(Failure::NotFound)?;
    // only the time zone is of use here
    let tz = Filter::parse(&asked.query, Preset::All, asked.now).filter.period.tz;

    let before = touches.iter().filter(|touch| touch.occurred_at <= user.created_at).count();
    let subtitle = summary(&user, &touches, before);
    let steps = steps(&user, &touches, before, &tz);
    let account = account(&user, referral, &tz);
    let shortened = (touches.len() as u32 >= LONGEST_JOURNEY)
        .then(|| view! { <p class="muted">{format!("The first {LONGEST_JOURNEY} touches are shown.")}</p> });
    Ok(view! {
        <AdminPage title=user.email.clone() section=AdminSection::Leads subtitle back=BackLink::new("/admin/leads", "Leads")>
            <Columns>
                <Card title="Journey">
                    <Trail label="Touches and the sign-up, oldest first">{steps}</Trail>
                    {shortened}
                </Card>
                <Card title="Account">{account}</Card>
            </Columns>
        </AdminPage>
    }
    .into_any())
}

/// What the journey came to: "3 touches over 11 days before the sign-up".
fn summary(user: &Traveller, touches: &[Lead], before: usize) -> String {
    match touches.first() {
        Some(first) if before > 0 => {
            let days = (user.created_at - first.occurred_at) / DAY;
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

/// The sign-up stands at its time among the touches, after one of the same moment. Each step says how long it was to the next.
fn steps(user: &Traveller, touches: &[Lead], before: usize, tz: &TimeZone) -> AnyView {
    let mut times: Vec<Millis> = touches.iter().map(|touch| touch.occurred_at).collect();
    times.insert(before, user.created_at);
    let gap = |n: usize| {
        let days = (times.get(n + 1)? - times[n]) / DAY;
        (days > 0).then(|| format!("{} later", format::plural(days, "day", "days")))
    };
    let (earlier, later) = touches.split_at(before);
    let mut steps = Vec::with_capacity(times.len());
    steps.extend(earlier.iter().enumerate().map(|(n, touch)| step(touch, gap(n), tz)));
    steps.push(sign_up(user, gap(before), tz));
    steps.extend(later.iter().enumerate().map(|(n, touch)| step(touch, gap(before + 1 + n), tz)));
    steps.into_any()
}

fn sign_up(user: &Traveller, gap: Option<String>, tz: &TimeZone) -> AnyView {
    let time = format::date_time(user.created_at, tz);
    let gap = gap.map(|gap| view! { <p class="muted small">{gap}</p> });
    view! { <TrailStep marker=Marker::Goal title="Signed up" aside=time>{gap}</TrailStep> }.into_any()
}

fn step(touch: &Lead, gap: Option<String>, tz: &TimeZone) -> AnyView {
    let marker = if touch.internal { Marker::Hollow } else { Marker::Blaze };
    let parts = [Some(source_medium(&touch.source, &touch.medium)), touch.campaign.clone(), touch.term.clone()];
    let subtitle = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let hits = (touch.hits > 1).then(|| view! { <Tag label=format!("{} hits", format::count(touch.hits))/> });
    let tags = (hits.is_some() || touch.internal)
        .then(|| view! { <div class="row">{hits}{internal_tag(touch.internal)}</div> });
    let gap = gap.map(|gap| view! { <p class="muted small">{gap}</p> });
    let href = in_zone(&format!("/admin/leads/{}", touch.id), tz);
    view! {
        <TrailStep marker title=touch.channel.clone() href subtitle meta=touch.landing_path.clone()
            aside=format::date_time(touch.occurred_at, tz)>
            {tags}
            {gap}
        </TrailStep>
    }
    .into_any()
}

fn account(user: &Traveller, referral: Option<Referral>, tz: &TimeZone) -> AnyView {
    let referred = match referral {
        None => view! { <span class="muted">"Nobody"</span> }.into_any(),
        Some(Referral { token, campaign, owner_id, owner_email }) => {
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
