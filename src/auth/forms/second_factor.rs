//! The forms of the second factor: the second step of a sign-in, and turning it on and off.

use leptos::prelude::*;

use super::{Answer, HOME, Outcome, client, form_page, in_words, keep, origin, refused, seconds};
use crate::{
    audit::{Action, Entry},
    auth::{
        AuthSession, User,
        accounts::Accounts,
        confirm::{NotConfirmed, SIGN_IN_AGAIN, confirm, confirm_fully},
        next::safe_next,
        own_sessions,
        second_factor::{self, CodeRefusal},
        second_step::{self, SecondStepRefusal},
    },
    local_path::LocalPath,
};

/// The name under which the form of the second step leaves its state.
pub const STEP: &str = "second-step";
/// The name under which the forms of the account page leave their state.
pub const FORM: &str = "second-factor";
/// The page that turns the second factor on and off.
pub const PAGE: &str = "/account/second-factor";

/// Signs in with a code, after the first step.
#[server(prefix = "/api", endpoint = "login/code")]
pub async fn login_code(
    #[server(default)] code: String,
    #[server(default)] next: String,
) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to(STEP, form_page("/login/code", &next));
    let accounts = expect_context::<Accounts>();
    let mut auth: AuthSession = leptos_axum::extract().await?;
    let client = client(&accounts).await?;
    match second_step::second_step(&accounts, &mut auth, client, &code).await {
        Ok(devices) => {
            keep(&accounts, &devices);
            Ok(Answer::done(safe_next(&next).map_or(HOME, LocalPath::as_str)))
        }
        Err(SecondStepRefusal::Begin) => {
            Ok(Answer::to("login", form_page("/login", &next)).form("Sign in again. The second step took too long."))
        }
        Err(SecondStepRefusal::Code(refusal)) => Ok(wrong(answer, refusal)),
        Err(SecondStepRefusal::Other(refusal)) => Ok(refused(answer, refusal)),
    }
}

/// Begins to set up the second factor of the signed-in user.
#[server(prefix = "/api", endpoint = "second-factor/begin")]
pub async fn begin_second_factor(#[server(default)] current_password: String) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to(FORM, PAGE.into());
    let auth: AuthSession = leptos_axum::extract().await?;
    let accounts = expect_context::<Accounts>();
    let user = match confirm(&accounts, &auth, &client(&accounts).await?, "second_factor", current_password).await {
        Ok(confirmed) => confirmed.user,
        Err(error) => return Ok(not_confirmed(answer, PAGE, error)),
    };
    match second_factor::begin(&accounts.db, user.id).await {
        Ok(()) => Ok(Answer::done(PAGE)),
        Err(error) => Ok(wrong(answer, error.into())),
    }
}

/// Turns the second factor on with the first code of the app.
#[server(prefix = "/api", endpoint = "second-factor/on")]
pub async fn turn_on_second_factor(#[server(default)] code: String) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to(FORM, PAGE.into());
    let auth: AuthSession = leptos_axum::extract().await?;
    let accounts = expect_context::<Accounts>();
    let Some(user) = auth.user else { return Ok(Answer::sign_in_first(PAGE)) };
    let sessions = async {
        let mut conn = accounts.db.read().await?;
        own_sessions::sessions_of(&mut conn, user.id, Some(&auth.session), accounts.db.now()).await
    };
    let keep = match sessions.await {
        Ok(sessions) => sessions.into_iter().find(|session| session.current).map(|session| session.key),
        Err(error) => return Ok(wrong(answer, error.into())),
    };
    let entry = Entry::of_own_account(Action::SecondFactorOn, user.id, &user.email, &origin());
    match second_factor::turn_on(&accounts.db, user.id, &code, keep, entry).await {
        Ok(codes) => Ok(answer.notice_keeping("The second factor is on.", "codes", &codes.join(" "))),
        Err(refusal) => Ok(wrong(answer, refusal)),
    }
}

/// Turns the second factor off.
#[server(prefix = "/api", endpoint = "second-factor/off")]
pub async fn turn_off_second_factor(
    #[server(default)] current_password: String,
    #[server(default)] code: String,
) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to(FORM, PAGE.into()).keeping("form", "off");
    let accounts = expect_context::<Accounts>();
    let user = match confirmed(&accounts, &answer, current_password, &code).await? {
        Ok(user) => user,
        Err(outcome) => return Ok(outcome),
    };
    let entry = Entry::of_own_account(Action::SecondFactorOff, user.id, &user.email, &origin());
    match second_factor::turn_off(&accounts.db, user.id, entry).await {
        Ok(_) => Ok(answer.notice("The second factor is off.")),
        Err(error) => Ok(wrong(answer, error.into())),
    }
}

/// Makes new recovery codes. The old ones end.
#[server(prefix = "/api", endpoint = "second-factor/codes")]
pub async fn renew_recovery_codes(
    #[server(default)] current_password: String,
    #[server(default)] code: String,
) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to(FORM, PAGE.into()).keeping("form", "codes");
    let accounts = expect_context::<Accounts>();
    let user = match confirmed(&accounts, &answer, current_password, &code).await? {
        Ok(user) => user,
        Err(outcome) => return Ok(outcome),
    };
    if !user.second_factor {
        return Ok(wrong(answer, CodeRefusal::Nothing));
    }
    let entry = Entry::of_own_account(Action::RecoveryCodesRenewed, user.id, &user.email, &origin());
    match second_factor::renew_recovery_codes(&accounts.db, user.id, entry).await {
        Ok(codes) => Ok(answer.notice_keeping("These are your new recovery codes.", "codes", &codes.join(" "))),
        Err(error) => Ok(wrong(answer, error.into())),
    }
}

/// Returns the signed-in user, who gave the password and a code. The inner error is the response.
async fn confirmed(
    accounts: &Accounts,
    answer: &Answer,
    password: String,
    code: &str,
) -> Result<Result<User, Outcome>, ServerFnError> {
    let auth: AuthSession = leptos_axum::extract().await?;
    let confirmed = confirm_fully(accounts, &auth, &client(accounts).await?, "second_factor", password, code).await;
    Ok(confirmed.map(|confirmed| confirmed.user).map_err(|error| not_confirmed(answer.clone(), PAGE, error)))
}

/// Responds where the user did not confirm an action. `page` is the form's page.
pub(crate) fn not_confirmed(answer: Answer, page: &str, error: NotConfirmed) -> Outcome {
    match error {
        NotConfirmed::SignedOut => Answer::sign_in_first(page),
        NotConfirmed::Wrong => answer.field("current_password", "This is not your current password."),
        NotConfirmed::SignInAgain => answer.field("current_password", SIGN_IN_AGAIN),
        NotConfirmed::Code(refusal) => wrong(answer, refusal),
        NotConfirmed::Other(failure) => refused(answer, failure),
    }
}

/// Responds to a code that was not accepted.
pub(crate) fn wrong(answer: Answer, refusal: CodeRefusal) -> Outcome {
    match refusal {
        CodeRefusal::Wrong => answer.field("code", "This code is wrong, or was used before. Wait for the next code."),
        CodeRefusal::Wait(wait) => {
            answer.too_many(&format!("Too many wrong codes. Try again in {}.", in_words(wait)), seconds(wait))
        }
        CodeRefusal::Nothing => answer.form("There is nothing to confirm. Reload the page."),
        CodeRefusal::Database(error) => {
            tracing::error!(%error, "a second factor could not be served");
            Answer::unavailable()
        }
    }
}
