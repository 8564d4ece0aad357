//! The server functions that the account forms post to.
//!
//! A plain form is answered 303: on success to where it leads, on a mistake back to its page, which shows once what was typed
//! and what is wrong ([`take_flash`]). A script gets the [`Outcome`] as JSON. Expected failures are outcomes, never errors: an error's
//! text would travel in a URL.

mod flash;
mod outcome;

use axum::Extension;
use leptos::prelude::*;

pub use self::flash::{FormState, take_flash};
pub(crate) use self::outcome::forget_browser;
pub use self::outcome::{Answer, Outcome};

use super::{
    AuthSession,
    backend::Credentials,
    change_password::ChangeFailure,
    next::safe_next,
    sign_in::{self, Failure},
    sign_up::{self, SignUpFailure},
};
use crate::{address_limit::ClientAddress, local_path::LocalPath, state::AppState};

/// Where one goes after signing in, when nothing else was asked for.
const HOME: &str = "/account";

/// Signs in.
#[server(prefix = "/api", endpoint = "login")]
pub async fn login(
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to("login", page("/login", &next)).keeping("email", &email);
    if email.trim().is_empty() {
        return Ok(answer.field("email", "Enter your e-mail address."));
    }
    if password.is_empty() {
        return Ok(answer.field("password", "Enter your password."));
    }
    let state = expect_context::<AppState>();
    let mut auth: AuthSession = leptos_axum::extract().await?;
    let Extension(ClientAddress(address)) = leptos_axum::extract().await?;
    match sign_in::sign_in(&state, &mut auth, address, Credentials { email, password }).await {
        Ok(()) => Ok(Answer::done(safe_next(&next).map_or(HOME, LocalPath::as_str))),
        Err(Failure::Wrong) => Ok(answer.form("The e-mail address or the password is wrong.")),
        Err(failure) => Ok(refused(answer, failure)),
    }
}

/// Creates an account and signs in.
#[server(prefix = "/api", endpoint = "register")]
pub async fn register(
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to("register", page("/register", &next)).keeping("email", &email);
    let state = expect_context::<AppState>();
    let mut auth: AuthSession = leptos_axum::extract().await?;
    match sign_up::sign_up(&state, &mut auth, &email, password).await {
        Ok(()) => Ok(Answer::done(safe_next(&next).map_or(HOME, LocalPath::as_str))),
        Err(SignUpFailure::Invalid { email, password }) => {
            Ok(answer.fields([("email", email), ("password", password)]))
        }
        Err(SignUpFailure::Taken) => {
            Ok(answer.field("email", "There is an account with this e-mail address. Sign in instead."))
        }
        Err(SignUpFailure::Other(failure)) => Ok(refused(answer, failure)),
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
        Err(failure) => Ok(refused(Answer::to("logout", "/account".into()), failure)),
    }
}

/// Changes the password and ends all other sessions.
#[server(prefix = "/api", endpoint = "password")]
pub async fn password(
    #[server(default)] current_password: String,
    #[server(default)] new_password: String,
) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to("password", "/account".into());
    let state = expect_context::<AppState>();
    let mut auth: AuthSession = leptos_axum::extract().await?;
    let Extension(ClientAddress(address)) = leptos_axum::extract().await?;
    match super::change_password::change_password(&state, &mut auth, address, current_password, new_password).await {
        Ok(()) => Ok(answer.notice("The password is changed. All other sessions have ended.")),
        Err(ChangeFailure::SignedOut) => Ok(Answer::sign_in_first("/account")),
        Err(ChangeFailure::WrongCurrent) => Ok(answer.field("current_password", "This is not your current password.")),
        Err(ChangeFailure::NotAccepted(why)) => Ok(answer.field("new_password", why)),
        Err(ChangeFailure::Other(failure)) => Ok(refused(answer, failure)),
    }
}

/// A form's page, with the `next` it was opened with.
fn page(path: &str, next: &str) -> String {
    match safe_next(next) {
        Some(next) => {
            let query: String =
                form_urlencoded::Serializer::new(String::new()).append_pair("next", next.as_str()).finish();
            format!("{path}?{query}")
        }
        None => path.to_owned(),
    }
}

/// The answer where neither the user nor the form is at fault.
pub(crate) fn refused(answer: Answer, failure: Failure) -> Outcome {
    match failure {
        Failure::Wait(millis) => {
            let seconds = (millis / 1000).max(1);
            let time =
                if seconds < 90 { format!("{seconds} seconds") } else { format!("{} minutes", (seconds + 59) / 60) };
            answer.too_many(&format!("Too many failed sign-ins. Try again in {time}."), seconds)
        }
        failure => {
            tracing::error!(error = %failure, "an account form could not be served");
            Answer::unavailable()
        }
    }
}
