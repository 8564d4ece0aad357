//! The server functions that the account forms post to.
//!
//! A plain form gets a redirect (303): after success to the next page, after a mistake back to the form's page. That page shows
//! once what was typed and what is wrong ([`take_flash`]). A script gets the [`Outcome`] as JSON. Expected failures are
//! outcomes and never errors, because Leptos puts an error's text into a URL.

/// The doors that go by mail.
mod doors;
/// What a form's page shows once.
mod flash;
/// Accepting an invitation.
mod invitation;
/// The response to a form.
mod outcome;
/// The second factor.
pub mod second_factor;
/// Ending sessions of one's own.
pub mod sessions;

use std::time::Duration;

use axum::{
    Extension,
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

pub use self::flash::{FormState, take_flash};
pub use self::outcome::{Answer, Outcome};
pub(crate) use self::outcome::{forget_browser, form_page};

use super::{
    accounts::Accounts,
    backend::{AuthSession, Credentials},
    change_password::{PasswordChangeRefusal, change_password},
    confirm::SIGN_IN_AGAIN,
    current_user,
    known_device::DeviceTokens,
    next::safe_next,
    providers::{
        Provider,
        identity::{self, NotDisconnected},
    },
    sign_in::{self, Client, LetIn, SignInRefusal},
    sign_up::{self, SignUpRefusal, SignedUp},
};
use crate::{address_limit::ClientAddress, audit::Origin, local_path::LocalPath};

/// Where a user goes after signing in, if the form's `next` does not say.
const HOME: &str = "/account";

/// Signs in.
#[server(prefix = "/api", endpoint = "login")]
pub async fn login(
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to("login", form_page("/login", &next)).keeping("email", &email);
    if email.trim().is_empty() {
        return Ok(answer.field("email", "Enter your e-mail address."));
    }
    if password.is_empty() {
        return Ok(answer.field("password", "Enter your password."));
    }
    let accounts = expect_context::<Accounts>();
    let mut auth: AuthSession = leptos_axum::extract().await?;
    let client = client(&accounts).await?;
    match sign_in::sign_in(&accounts, &mut auth, client, Credentials { email, password }).await {
        Ok(LetIn::SignedIn(devices)) => {
            keep(&accounts, &devices);
            Ok(Answer::done(safe_next(&next).map_or(HOME, LocalPath::as_str)))
        }
        Ok(LetIn::CodeNeeded) => Ok(Answer::done(&form_page("/login/code", &next))),
        Err(SignInRefusal::Wrong) => Ok(answer.form("The e-mail address or the password is wrong.")),
        Err(refusal) => Ok(refused(answer, refusal)),
    }
}

/// Creates an account. Without mail, this signs in.
#[server(prefix = "/api", endpoint = "register")]
pub async fn register(
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to("register", form_page("/register", &next)).keeping("email", &email);
    let accounts = expect_context::<Accounts>();
    let mut auth: AuthSession = leptos_axum::extract().await?;
    let client = client(&accounts).await?;
    match sign_up::sign_up(&accounts, &mut auth, client, &email, password).await {
        Ok(SignedUp::SignedIn(devices)) => {
            keep(&accounts, &devices);
            Ok(Answer::done(safe_next(&next).map_or(HOME, LocalPath::as_str)))
        }
        Ok(SignedUp::LookAtMail(email)) => {
            let notice = format!(
                "Check your e-mail: a message to {email} is on its way. If you have just created your account, you can sign in now."
            );
            Ok(Answer::to("login", form_page("/login", &next)).notice_keeping(&notice, "email", &email))
        }
        Err(SignUpRefusal::Invalid { email, password }) => {
            Ok(answer.fields([("email", email), ("password", password)]))
        }
        Err(SignUpRefusal::ByInvitation | SignUpRefusal::InvitationGone) => {
            Ok(answer.not_allowed("New accounts are by invitation only."))
        }
        Err(SignUpRefusal::Taken) => {
            Ok(answer.field("email", "There is an account with this e-mail address. Sign in instead."))
        }
        Err(SignUpRefusal::TooManyTries(wait)) => {
            let text = format!("Too many tries from your network. Try again in {}.", in_words(wait));
            Ok(answer.too_many(&text, seconds(wait)))
        }
        Err(SignUpRefusal::SiteFull(wait)) => {
            let text = format!("Too many sign-ups right now. Try again in {}.", in_words(wait));
            Ok(answer.too_many(&text, seconds(wait)))
        }
        Err(SignUpRefusal::Other(refusal)) => Ok(refused(answer, refusal)),
    }
}

/// Signs out.
#[server(prefix = "/api", endpoint = "logout")]
pub async fn logout() -> Result<Outcome, ServerFnError> {
    let mut auth: AuthSession = leptos_axum::extract().await?;
    match sign_in::sign_out(&mut auth).await {
        Ok(()) => {
            outcome::forget_browser();
            Ok(Answer::done("/"))
        }
        Err(refusal) => Ok(refused(Answer::to("logout", "/account".into()), refusal)),
    }
}

/// Changes the password and ends all other sessions.
#[server(prefix = "/api", endpoint = "password")]
pub async fn password(
    #[server(default)] current_password: String,
    #[server(default)] new_password: String,
) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to("password", "/account".into());
    let accounts = expect_context::<Accounts>();
    let mut auth: AuthSession = leptos_axum::extract().await?;
    let client = client(&accounts).await?;
    match change_password(&accounts, &mut auth, client, current_password, new_password).await {
        Ok(devices) => {
            keep(&accounts, &devices);
            Ok(answer.notice("The password is changed. All other sessions have ended."))
        }
        Err(PasswordChangeRefusal::SignedOut) => Ok(Answer::sign_in_first("/account")),
        Err(PasswordChangeRefusal::SignInAgain) => Ok(answer.field("current_password", SIGN_IN_AGAIN)),
        Err(PasswordChangeRefusal::WrongCurrent) => {
            Ok(answer.field("current_password", "This is not your current password."))
        }
        Err(PasswordChangeRefusal::NotAccepted(why)) => Ok(answer.field("new_password", why)),
        Err(PasswordChangeRefusal::Other(refusal)) => Ok(refused(answer, refusal)),
    }
}

/// Disconnects a provider from the account.
#[server(prefix = "/api", endpoint = "disconnect")]
pub async fn disconnect(#[server(default)] provider: String) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to("providers", "/account".into());
    let Some(user) = current_user() else { return Ok(Answer::sign_in_first("/account")) };
    let Some(provider) = Provider::of(&provider) else { return Ok(answer.form("There is no such provider.")) };
    match identity::disconnect(&expect_context::<Accounts>(), &user, &origin(), provider).await {
        Ok(()) => Ok(answer.notice(&format!("{} is disconnected from your account.", provider.name()))),
        Err(NotDisconnected::OnlyWayIn) => Ok(answer.form("This is your only way to sign in. Set a password first.")),
        Err(NotDisconnected::Database(error)) => Ok(refused(answer, error.into())),
    }
}

/// Returns the browser that sends a form.
pub(crate) async fn client(accounts: &Accounts) -> Result<Client, ServerFnError> {
    let Extension(ClientAddress(address)) = leptos_axum::extract().await?;
    let headers: HeaderMap = leptos_axum::extract().await?;
    Ok(Client::of(address, &headers, origin(), accounts.secure))
}

/// Returns where the request comes from whose server function runs.
pub(crate) fn origin() -> Origin {
    with_context::<Parts, _>(|parts| Origin::of(&parts.extensions)).unwrap_or_default()
}

/// Makes the browser keep the tokens by which accounts know it.
fn keep(accounts: &Accounts, devices: &DeviceTokens) {
    // Tokens are base64, so this is always a header.
    if let Ok(value) = HeaderValue::from_str(&devices.set_cookie(accounts.secure)) {
        expect_context::<ResponseOptions>().append_header(header::SET_COOKIE, value);
    }
}

/// Responds where the form is not at fault: the user has to wait, or the server failed.
pub(crate) fn refused(answer: Answer, refusal: SignInRefusal) -> Outcome {
    match refusal {
        SignInRefusal::Wait(wait) => {
            answer.too_many(&format!("Too many failed sign-ins. Try again in {}.", in_words(wait)), seconds(wait))
        }
        // The metrics count this refusal. A line for each request would fill the log.
        SignInRefusal::Busy => Answer::unavailable(),
        refusal => {
            tracing::error!(error = %refusal, "an account form could not be served");
            Answer::unavailable()
        }
    }
}

/// Refuses a request for a mail: the network or the address asked for too many.
pub(crate) fn too_many_mails(answer: Answer, wait: Duration) -> Outcome {
    answer.too_many(&format!("Too many requests for mails. Try again in {}.", in_words(wait)), seconds(wait))
}

/// Returns whole seconds, at least one, after which the wait is over: 0.2 s → 1, 1.5 s → 2.
fn seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX).max(1)
}

/// Returns a wait in words: `40 seconds`, `15 minutes`.
fn in_words(wait: Duration) -> String {
    match seconds(wait) {
        1 => "1 second".into(),
        seconds @ ..90 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}
