//! The server functions of the doors that go by mail.

use leptos::prelude::*;

use super::{
    client, keep,
    outcome::{Answer, Outcome, form_page},
    refused,
    second_factor::not_confirmed,
    too_many_mails,
};
use crate::{
    auth::{
        accounts::Accounts,
        backend::AuthSession,
        doors::{
            LinkRefusal,
            ask::{self, AskRefusal, Asked},
            change_email::{self, ChangeRefusal},
            limit::WITHIN,
            magic_link,
            one_time::Purpose,
            reset, verify,
        },
        sign_in::LetIn,
    },
    secret_token::SecretToken,
};

/// Asks for a link that sets a new password.
#[server(prefix = "/api", endpoint = "forgot")]
pub async fn forgot(#[server(default)] email: String) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to("forgot", "/forgot".into());
    ask_for(Asked::Reset, answer, email).await
}

/// Asks for a link that signs in.
#[server(prefix = "/api", endpoint = "login/link")]
pub async fn login_link(#[server(default)] email: String) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to("login_link", "/login/link".into());
    ask_for(Asked::SignIn, answer, email).await
}

async fn ask_for(asked: Asked, answer: Answer, email: String) -> Result<Outcome, ServerFnError> {
    let accounts = expect_context::<Accounts>();
    if !accounts.doors.are_open() {
        return Ok(Answer::not_found());
    }
    let answer = answer.keeping("email", &email);
    let auth: AuthSession = leptos_axum::extract().await?;
    let client = client(&accounts).await?;
    match ask::ask(&accounts, &auth, &client, asked, &email).await {
        Ok(email) => Ok(answer.notice(&format!(
            "Check your e-mail. If there is an account with the address {email}, a message with a link is on its way."
        ))),
        Err(refusal) => Ok(not_asked(answer, refusal)),
    }
}

fn not_asked(answer: Answer, refusal: AskRefusal) -> Outcome {
    match refusal {
        AskRefusal::Invalid(why) => answer.field("email", why),
        AskRefusal::TooMany(wait) => too_many_mails(answer, wait),
        AskRefusal::Other(refusal) => refused(answer, refusal),
    }
}

/// Sets the password by a link.
#[server(prefix = "/api", endpoint = "reset")]
pub async fn reset_password(
    #[server(default)] token: String,
    #[server(default)] new_password: String,
) -> Result<Outcome, ServerFnError> {
    let accounts = expect_context::<Accounts>();
    let (token, answer) = match link(&accounts, Purpose::Reset, &token) {
        Ok(link) => link,
        Err(outcome) => return Ok(outcome),
    };
    let client = client(&accounts).await?;
    match reset::reset(&accounts, client, token, new_password).await {
        Ok((email, devices)) => {
            keep(&accounts, &devices);
            Ok(Answer::to("login", "/login".into()).notice_keeping(
                "Your password is set, and all sessions have ended. Sign in.",
                "email",
                &email,
            ))
        }
        Err(refusal) => Ok(not_used(answer, refusal)),
    }
}

/// Confirms an address by a link.
#[server(prefix = "/api", endpoint = "verify")]
pub async fn verify_email(#[server(default)] token: String) -> Result<Outcome, ServerFnError> {
    let accounts = expect_context::<Accounts>();
    let (token, answer) = match link(&accounts, Purpose::Verify, &token) {
        Ok(link) => link,
        Err(outcome) => return Ok(outcome),
    };
    let auth: AuthSession = leptos_axum::extract().await?;
    let client = client(&accounts).await?;
    let page = Purpose::Verify.path(&token);
    match verify::verify(&accounts, &auth, &client, token).await {
        Err(LinkRefusal::SignInFirst) => Ok(sign_in_to_confirm(&page)),
        Ok(email) => Ok(confirmed(&auth, "Your e-mail address is confirmed.", &email)),
        Err(refusal) => Ok(not_used(answer, refusal)),
    }
}

/// Sends the signed-in user the link that confirms the address once more.
#[server(prefix = "/api", endpoint = "verify/send")]
pub async fn send_verification() -> Result<Outcome, ServerFnError> {
    let answer = Answer::to("email", "/account".into());
    let accounts = expect_context::<Accounts>();
    let auth: AuthSession = leptos_axum::extract().await?;
    let Some(user) = auth.user.clone() else { return Ok(Answer::sign_in_first("/account")) };
    if !accounts.doors.are_open() {
        return Ok(Answer::not_found());
    }
    let client = client(&accounts).await?;
    match verify::send_again(&accounts, &auth, &client, &user).await {
        Ok(true) => Ok(answer.notice("Check your e-mail: a message with a link is on its way.")),
        Ok(false) => Ok(too_many_mails(answer, WITHIN)),
        Err(refusal) => Ok(not_asked(answer, refusal)),
    }
}

/// Signs in by a link.
#[server(prefix = "/api", endpoint = "login/token")]
pub async fn login_token(#[server(default)] token: String) -> Result<Outcome, ServerFnError> {
    let accounts = expect_context::<Accounts>();
    let (token, answer) = match link(&accounts, Purpose::SignIn, &token) {
        Ok(link) => link,
        Err(outcome) => return Ok(outcome),
    };
    let mut auth: AuthSession = leptos_axum::extract().await?;
    let client = client(&accounts).await?;
    match magic_link::sign_in_by_link(&accounts, &mut auth, client, token).await {
        Ok(LetIn::SignedIn(devices)) => {
            keep(&accounts, &devices);
            Ok(Answer::done(super::HOME))
        }
        Ok(LetIn::CodeNeeded) => Ok(Answer::done("/login/code")),
        Err(refusal) => Ok(not_used(answer, refusal)),
    }
}

/// Asks for another address.
#[server(prefix = "/api", endpoint = "email")]
pub async fn ask_for_email(
    #[server(default)] email: String,
    #[server(default)] current_password: String,
    #[server(default)] code: String,
) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to("email", "/account".into()).keeping("email", &email);
    let accounts = expect_context::<Accounts>();
    let auth: AuthSession = leptos_axum::extract().await?;
    if auth.user.is_none() {
        return Ok(Answer::sign_in_first("/account"));
    }
    if !accounts.doors.are_open() {
        return Ok(Answer::not_found());
    }
    let client = client(&accounts).await?;
    match change_email::ask_for_change(&accounts, &auth, &client, current_password, &code, &email).await {
        Ok(email) => Ok(answer.notice(&format!(
            "We sent a message with a link to {email}. Your account keeps its old address until you use the link."
        ))),
        Err(ChangeRefusal::Password(error)) => Ok(not_confirmed(answer, "/account", error)),
        Err(ChangeRefusal::Ask(refusal)) => Ok(not_asked(answer, refusal)),
    }
}

/// Changes the address by a link.
#[server(prefix = "/api", endpoint = "email/confirm")]
pub async fn confirm_email(#[server(default)] token: String) -> Result<Outcome, ServerFnError> {
    let accounts = expect_context::<Accounts>();
    let (token, answer) = match link(&accounts, Purpose::ChangeEmail, &token) {
        Ok(link) => link,
        Err(outcome) => return Ok(outcome),
    };
    let auth: AuthSession = leptos_axum::extract().await?;
    let client = client(&accounts).await?;
    let page = Purpose::ChangeEmail.path(&token);
    match change_email::change_email(&accounts, &auth, &client, token).await {
        Err(LinkRefusal::SignInFirst) => Ok(sign_in_to_confirm(&page)),
        Ok(email) => Ok(confirmed(&auth, "Your account has a new e-mail address.", &email)),
        Err(refusal) => Ok(not_used(answer, refusal)),
    }
}

/// Returns the token of a form, and the answer whose page is that of the link. What cannot be a token is a link that does not work.
pub(super) fn link(accounts: &Accounts, purpose: Purpose, token: &str) -> Result<(SecretToken, Answer), Outcome> {
    if !accounts.doors.are_open() {
        return Err(Answer::not_found());
    }
    match SecretToken::parse(token) {
        Some(token) => {
            let page = purpose.path(&token);
            Ok((token, Answer::to(purpose.as_str(), page)))
        }
        None => Err(Answer::gone()),
    }
}

/// Responds where a link was not used. The page of a link that does not work says so by itself.
pub(super) fn not_used(answer: Answer, refusal: LinkRefusal) -> Outcome {
    match refusal {
        LinkRefusal::Gone | LinkRefusal::SignInFirst => answer.form("This link does not work any more."),
        LinkRefusal::NotAccepted(why) => answer.field("new_password", why),
        LinkRefusal::Taken => answer.form("Another account has this e-mail address."),
        LinkRefusal::Other(refusal) => refused(answer, refusal),
    }
}

/// Leads to the sign-in page, which leads back to the page of the link.
fn sign_in_to_confirm(page: &str) -> Outcome {
    Answer::to("login", form_page("/login", page)).form(
        "Sign in to the account whose address you confirm. If you did not create this account, or forgot its password, set a new \
         password instead: it ends everything that somebody else can do with the account.",
    )
}

/// Leads to the account of a signed-in user, and else to the sign-in page.
fn confirmed(auth: &AuthSession, notice: &str, email: &str) -> Outcome {
    match &auth.user {
        Some(_) => Answer::to("email", "/account".into()).notice(notice),
        None => {
            Answer::to("login", form_page("/login", "")).notice_keeping(&format!("{notice} Sign in."), "email", email)
        }
    }
}
