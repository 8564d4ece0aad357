//! The pages of the doors that go by mail. Without mail they are not found.

/// `/email/{token}`: the button that gives the account another address.
pub mod change_email;
/// `/forgot`: asks for a link that sets a password.
pub mod forgot;
/// `/invitation/{token}`: the form that makes the account.
pub mod invitation;
/// `/login/link` and `/login/{token}`: asks for a link that signs in, and its button.
pub mod login_link;
/// `/reset/{token}`: the form for the new password.
pub mod reset;
/// `/verify/{token}`: the button that confirms an address.
pub mod verify;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::Meta;
use leptos_router::hooks::use_params_map;

use super::error::ErrorPage;
use crate::{
    auth::{
        doors::one_time::{Purpose, look},
        forms::take_flash,
        password::NEW_PASSWORD_HINT,
    },
    components::{AlertKind, Field, FormAlert, PublicPage, SecretPage, Section, SubmitButton},
    db::{Db, Error},
    secret_token::SecretToken,
    state::AppState,
};

/// Sets the headers of a page whose address is a secret: no cache keeps it, no search engine lists it, and no other site learns it.
pub(super) fn keep_address_secret() {
    // there is no response while Leptos lists the routes
    if let Some(response) = use_context::<ResponseOptions>() {
        response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response.insert_header(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        response.insert_header(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    }
}

/// A page on which a person asks for a mail.
#[component]
fn AskPage(
    title: &'static str,
    text: &'static str,
    /// The name of the form, and where it posts to.
    form: &'static str,
    action: &'static str,
    button: &'static str,
) -> impl IntoView {
    if !expect_context::<AppState>().accounts.doors.are_open() {
        return view! { <ErrorPage status=StatusCode::NOT_FOUND/> }.into_any();
    }
    let flash = take_flash(form);
    view! {
        <PublicPage title section=Section::Login>
            <div class="narrow-page">
                <header>
                    <h1>{title}</h1>
                    <p class="muted">{text}</p>
                </header>
                <section class="card">
                    <form class="form wide-button" method="post" action=action novalidate>
                        <FormAlert kind=AlertKind::Success message=flash.notice.clone()/>
                        <FormAlert kind=AlertKind::Error message=flash.error("")/>
                        <Field name="email" label="E-mail" kind="email" autocomplete="username" required=true
                            value=flash.value("email") error=flash.error("email")/>
                        <SubmitButton label=button/>
                    </form>
                    <p><a href="/login">"Sign in with your password"</a></p>
                </section>
            </div>
        </PublicPage>
    }
    .into_any()
}

/// What the page of a link shows.
#[derive(Clone, Copy, Debug)]
struct LinkWords {
    title: &'static str,
    /// Stands before the address.
    before: &'static str,
    /// Stands after the address.
    after: &'static str,
    action: &'static str,
    button: &'static str,
    /// Where a person gets another link, and what the link to there says.
    again: (&'static str, &'static str),
}

/// The page of a link in a mail.
#[component]
fn LinkPage(
    purpose: Purpose,
    words: LinkWords,
    /// The label of the password that the form asks for too.
    #[prop(optional)]
    password: Option<&'static str>,
) -> impl IntoView {
    opened_link(async move |db, token| {
        let found = match token {
            Some(token) => look(&db, purpose, &token).await?.map(|grant| (token, grant)),
            None => None,
        };
        Ok(match found {
            Some((token, grant)) => view! { <Button purpose words token email=grant.email password/> }.into_any(),
            None => view! { <Gone why=ENDED again=words.again/> }.into_any(),
        })
    })
}

/// Shows what is in the place of the token of this page's address. Opening a link changes nothing, because mail programs open links to
/// look at them: `show` only reads, and its page has a button that posts the token.
fn opened_link<Found>(show: impl FnOnce(Db, Option<SecretToken>) -> Found) -> AnyView
where
    Found: Future<Output = Result<AnyView, Error>> + Send + 'static,
{
    let state = expect_context::<AppState>();
    if !state.accounts.doors.are_open() {
        return view! { <ErrorPage status=StatusCode::NOT_FOUND/> }.into_any();
    }
    keep_address_secret();
    let token = use_params_map().with_untracked(|params| params.get("token")).unwrap_or_default();
    let found = show(state.db.clone(), SecretToken::parse(&token));
    let shown = async move {
        found.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a link could not be looked up");
            view! { <ErrorPage status=StatusCode::SERVICE_UNAVAILABLE/> }.into_any()
        })
    };
    view! { <Suspense>{Suspend::new(shown)}</Suspense> }.into_any()
}

#[component]
fn Button(
    purpose: Purpose,
    words: LinkWords,
    token: SecretToken,
    email: String,
    password: Option<&'static str>,
) -> impl IntoView {
    let LinkWords { title, before, after, action, button, .. } = words;
    let flash = take_flash(purpose.as_str());
    let username = email.clone();
    let password = password.map(|label| {
        view! {
            // without a name, so it is not sent: it tells password managers whose password changes
            <input type="text" autocomplete="username" value=username readonly hidden/>
            <Field name="new_password" label kind="password" autocomplete="new-password" required=true
                hint=NEW_PASSWORD_HINT error=flash.error("new_password")/>
        }
    });
    view! {
        <SecretPage title>
            <Meta name="robots" content="noindex"/>
            <div class="narrow-page">
                <header>
                    <h1>{title}</h1>
                    <p class="muted">{before}" "<strong>{email}</strong>" "{after}</p>
                </header>
                <section class="card">
                    <form class="form wide-button" method="post" action=action novalidate>
                        <FormAlert kind=AlertKind::Error message=flash.error("")/>
                        <input type="hidden" name="token" value=token.as_str().to_owned()/>
                        {password}
                        <SubmitButton label=button/>
                    </form>
                </section>
            </div>
        </SecretPage>
    }
}

/// Why a link does not work that belongs to an account.
const ENDED: &str =
    "A link works once and for a limited time. It also ends when your password or your e-mail address changes.";

/// The page of a link that does not work: used, expired, ended or mistyped. It does not say which.
#[component]
fn Gone(#[prop(into)] why: String, again: (&'static str, &'static str)) -> impl IntoView {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(StatusCode::GONE);
    }
    let (href, label) = again;
    view! {
        <SecretPage title="This link does not work">
            <div class="narrow-page">
                <header>
                    <h1>"This link does not work"</h1>
                    <p class="muted">{why}</p>
                </header>
                <p class="row"><a class="button primary" href=href>{label}</a></p>
            </div>
        </SecretPage>
    }
}
