/// Setting up codes of an app.
pub mod second_factor;
/// Password and sessions.
mod security;

use axum::http::request::Parts;
use jiff::tz::TimeZone;
use leptos::prelude::*;

use self::security::{ChangePassword, SecondFactorCard, Sessions};
use super::{
    current_password::CurrentPassword, email_card::EmailCard, error::ErrorPage, providers::ConnectedProviders,
};
use crate::{
    attribution::{
        referral::token::{OwnToken, own_token},
        report::{
            journey::{Journey, journey},
            leads::Lead,
        },
    },
    auth::{
        AuthSession, User, current_user,
        forms::{FormState, sessions::FORM as SESSIONS, take_flash},
        own_sessions::{OwnSession, sessions_of},
        providers::connection::{self, Connection},
    },
    components::{
        AlertKind, Card, CopyButton, Fact, Facts, Field, FormAlert, Marker, PublicPage, Section, Tag, Tone, Trail,
        TrailStep, format,
    },
    db::Error,
    state::AppState,
};

/// The account of the signed-in user: how they came, their referral link, their password, their data.
///
/// The layer in front of `/account` sends everybody else to the sign-in page.
#[component]
pub fn AccountPage() -> impl IntoView {
    let Some(user) = current_user() else {
        return view! { <ErrorPage status=axum::http::StatusCode::FORBIDDEN/> }.into_any();
    };
    // the server provides the state to every page
    let state = expect_context::<AppState>();
    let flash = take_flash("password");
    let erase = take_flash("erase");
    let providers = take_flash("providers");
    let provider_done = providers.notice.clone();
    let code = user.second_factor;
    let sessions = take_flash(SESSIONS);
    let sign_out = take_flash("logout").error("");
    // the forms stand at the foot of the page, so the head of the page shows their results too
    let changed = flash.notice.clone();
    let not_changed = (!flash.errors.is_empty()).then_some("Your password was not changed. The form below says why.");
    let not_erased = (!erase.errors.is_empty()).then_some("Your data was not erased. The form below says why.");
    let known = {
        let (user, email, second_factor) = (user.clone(), user.email.clone(), user.second_factor);
        let session = use_context::<Parts>().and_then(|parts| parts.extensions.get::<AuthSession>().cloned());
        async move {
            match load(&state, &user, session).await {
                Ok(Known { link, journey, own_sessions, connections }) => view! {
                    <Part id="security" title="Security">
                        <ChangePassword email=email.clone() flash/>
                        <SecondFactorCard on=second_factor/>
                        <ConnectedProviders connections flash=providers/>
                        <Sessions sessions=own_sessions flash=sessions/>
                    </Part>
                    <Part id="referral-link" title="Referral link"><ReferralLink link/></Part>
                    <Part id="how-you-came" title="How you came here"><HowYouCame journey/></Part>
                }
                .into_any(),
                Err(error) => {
                    tracing::error!(%error, "an account page could not be filled");
                    let message =
                        "Your referral link and your journey cannot be shown right now. Please try again in a moment.";
                    view! { <FormAlert kind=AlertKind::Error message/> }.into_any()
                }
            }
        }
    };
    view! {
        <PublicPage title="Your account" section=Section::Account>
            <div class="wrap account">
                <h1>"Your account"</h1>
                <FormAlert kind=AlertKind::Success message=changed/>
                <FormAlert kind=AlertKind::Success message=provider_done/>
                <FormAlert kind=AlertKind::Error message=not_changed/>
                <FormAlert kind=AlertKind::Error message=not_erased/>
                <FormAlert kind=AlertKind::Error message=sign_out/>
                <PartLinks/>
                <Part id="profile" title="Profile"><AboutYou user=user.clone()/> <EmailCard user/></Part>
                <Suspense>{Suspend::new(known)}</Suspense>
                <Part id="your-data" title="Your data"><YourData/> <EraseData code flash=erase/></Part>
            </div>
        </PublicPage>
    }
    .into_any()
}

/// What the database knows about the user.
struct Known {
    link: OwnToken,
    journey: Option<Journey>,
    own_sessions: Vec<OwnSession>,
    connections: Vec<Connection>,
}

async fn load(state: &AppState, user: &User, auth: Option<AuthSession>) -> Result<Known, Error> {
    let link = own_token(&state.db, &state.config.site_url, user.id).await?;
    let mut conn = state.db.read().await?;
    let session = auth.as_ref().map(|auth| &auth.session);
    let own_sessions = sessions_of(&mut conn, user.id, session, state.db.now()).await?;
    let connections = connection::of_user(&mut conn, user.id).await?;
    Ok(Known { link, journey: journey(&mut conn, user.id).await?, own_sessions, connections })
}

/// The parts of the page, in their order: id and title.
const PARTS: [(&str, &str); 5] = [
    ("profile", "Profile"),
    ("security", "Security"),
    ("referral-link", "Referral link"),
    ("how-you-came", "How you came here"),
    ("your-data", "Your data"),
];

/// Links to the parts of the page.
#[component]
fn PartLinks() -> impl IntoView {
    let links = PARTS.map(|(id, title)| view! { <li><a href=format!("#{id}")>{title}</a></li> }).collect_view();
    view! { <nav class="part-links" aria-label="On this page"><ul>{links}</ul></nav> }
}

/// A part of the page with its heading.
#[component]
fn Part(id: &'static str, title: &'static str, children: Children) -> impl IntoView {
    let (heading, labelled_by) = (format!("{id}-title"), format!("{id}-title"));
    view! {
        <section class="part" id=id aria-labelledby=labelled_by>
            <h2 id=heading>{title}</h2>
            {children()}
        </section>
    }
}

#[component]
fn AboutYou(user: User) -> impl IntoView {
    let since = format::date(user.created_at, &TimeZone::UTC);
    let role = user.is_admin().then(|| view! { " " <Tag label="Admin" tone=Tone::Mark/> });
    view! {
        <Card title="Account" aside=view! {
            <form method="post" action="/api/logout"><button class="button small" type="submit">"Sign out"</button></form>
        }.into_any()>
            <Facts>
                <Fact term="E-mail">{user.email}{role}</Fact>
                <Fact term="Member since" value=since/>
            </Facts>
        </Card>
    }
}

#[component]
fn ReferralLink(link: OwnToken) -> impl IntoView {
    let brought = match link.signups {
        0 => "Nobody has signed up through this link yet.".to_owned(),
        n => format!("{} signed up through this link.", format::plural(n, "person", "people")),
    };
    view! {
        <Card>
            <p class="muted">"People who open this link and create an account within 30 days count as referred by you."</p>
            <div class="copy-field">
                <input type="text" readonly aria-label="Your referral link" value=link.url/>
                <CopyButton/>
            </div>
            <p>{brought}</p>
        </Card>
    }
}

/// The user's journey: their touches, and the sign-up among them.
#[component]
fn HowYouCame(journey: Option<Journey>) -> impl IntoView {
    journey.map(|Journey { user, touches, referral }| {
        let signed_up = user.created_at;
        let invited = referral.map(|_| "Through a referral link");
        let none = touches.is_empty().then(|| {
            view! { <p class="muted">"You came directly: no campaign link and no referral link led you here."</p> }
        });
        let after = touches.partition_point(|touch| touch.occurred_at <= signed_up);
        let mut before: Vec<Lead> = touches;
        let later = before.split_off(after);
        view! {
            <Card>
                {none}
                <Trail label="Your journey">
                    {before.into_iter().map(|touch| view! { <TouchStep touch/> }).collect_view()}
                    <TrailStep marker=Marker::Goal title="Signed up" subtitle=invited
                        aside=format::date(signed_up, &TimeZone::UTC)/>
                    {later.into_iter().map(|touch| view! { <TouchStep touch/> }).collect_view()}
                </Trail>
            </Card>
        }
    })
}

#[component]
fn TouchStep(touch: Lead) -> impl IntoView {
    let from = [touch.utm.source, touch.utm.medium].into_iter().flatten().collect::<Vec<_>>().join(" / ");
    let subtitle =
        [Some(from).filter(|from| !from.is_empty()), touch.campaign].into_iter().flatten().collect::<Vec<_>>();
    // most touches land on the home page, so only other pages are named
    let landing = Some(touch.landing_path).filter(|path| path != "/");
    let marker = if touch.internal { Marker::Hollow } else { Marker::Blaze };
    view! {
        <TrailStep marker title=touch.channel subtitle=subtitle.join(" · ") meta=landing
            aside=format::date(touch.occurred_at, &TimeZone::UTC)/>
    }
}

#[component]
fn YourData() -> impl IntoView {
    view! {
        <Card title="Download">
            <p class="muted">
                "One file holds everything that is stored about you: your account, the links that led you here, your conversions
                (such as purchases), and your consent. " <a href="/privacy">"What is stored, and for how long"</a>
            </p>
            <p>
                <a class="button" href="/account/export.json" download="waymark-export.json" rel="external">
                    "Download your data"
                </a>
            </p>
        </Card>
    }
}

#[component]
fn EraseData(
    /// Whether the user has a second factor.
    code: bool,
    flash: FormState,
) -> impl IntoView {
    view! {
        <Card title="Erase">
            <p>
                "This closes your account and erases what identifies you: your e-mail address, your password, your sessions, and
                what the links that led you here said about you. What remains cannot be tied to you and only counts in totals.
                This cannot be undone. You can sign up again with the same address."
            </p>
            <p class="muted">
                "The account closes at once. The rest takes a few minutes, and 24 hours at most. A page with an address of its own
                tells you when it is done."
            </p>
            <form class="form" method="post" action="/api/erase" novalidate>
                <FormAlert kind=AlertKind::Error message=flash.error("")/>
                <CurrentPassword id="erase-password" error=flash.error("current_password")/>
                {code.then(|| view! {
                    <Field name="code" id="erase-code" label="Code" autocomplete="one-time-code" required=true
                        error=flash.error("code")/>
                })}
                <button class="button danger" type="submit">"Erase my data"</button>
            </form>
        </Card>
    }
}
