//! What admins change about accounts. Whatever another person at an open browser must not do asks for the admin's password.

use leptos::prelude::*;

use super::{admins_only, confirmed};
use crate::{
    admin::sections::USERS,
    audit::Actor,
    auth::{
        Accounts, Role,
        doors::on_behalf::{self, SendRefusal, SentLink},
        forms::{Answer, Outcome, client, too_many_mails},
        manage::{self, ManageError},
    },
    id::UserId,
    privacy::{
        erase::{self, EraseError},
        erase_in_background,
    },
    state::AppState,
};

/// The name under which the forms leave their state for the page.
pub const FORM: &str = "users";

/// Gives a user a role: `member` or `admin`.
#[server(prefix = "/api", endpoint = "users/role")]
pub async fn set_user_role(
    #[server(default)] id: String,
    #[server(default)] role: String,
    #[server(default)] current_password: String,
    #[server(default)] code: String,
) -> Result<Outcome, ServerFnError> {
    let (admin, user, answer) = match begin(&id, "role") {
        Ok(begun) => begun,
        Err(outcome) => return Ok(outcome),
    };
    let Some(role) = Role::of(&role) else {
        return Ok(answer.form("There is no such role."));
    };
    if let Err(outcome) = confirmed(&answer, USERS.path, "role_change", current_password, &code).await? {
        return Ok(outcome);
    }
    let done = manage::set_role(&expect_context::<AppState>().db, user, role, &admin).await;
    Ok(answered(
        answer,
        done,
        if role == Role::Admin { "The user is an admin now." } else { "The user is a member now." },
    ))
}

/// Disables an account, and ends its sessions.
#[server(prefix = "/api", endpoint = "users/disable")]
pub async fn disable_user(
    #[server(default)] id: String,
    #[server(default)] current_password: String,
    #[server(default)] code: String,
) -> Result<Outcome, ServerFnError> {
    let (admin, user, answer) = match begin(&id, "disable") {
        Ok(begun) => begun,
        Err(outcome) => return Ok(outcome),
    };
    if let Err(outcome) = confirmed(&answer, USERS.path, "disable", current_password, &code).await? {
        return Ok(outcome);
    }
    let done = manage::set_disabled(&expect_context::<AppState>().db, user, true, &admin).await;
    Ok(answered(answer, done, "The account is disabled, and its sessions have ended."))
}

/// Enables an account again.
#[server(prefix = "/api", endpoint = "users/enable")]
pub async fn enable_user(#[server(default)] id: String) -> Result<Outcome, ServerFnError> {
    let (admin, user, answer) = match begin(&id, "enable") {
        Ok(begun) => begun,
        Err(outcome) => return Ok(outcome),
    };
    let done = manage::set_disabled(&expect_context::<AppState>().db, user, false, &admin).await;
    Ok(answered(answer, done, "The account is enabled."))
}

/// Ends all sessions of a user.
#[server(prefix = "/api", endpoint = "users/end-sessions")]
pub async fn end_user_sessions(#[server(default)] id: String) -> Result<Outcome, ServerFnError> {
    let (admin, user, answer) = match begin(&id, "end-sessions") {
        Ok(begun) => begun,
        Err(outcome) => return Ok(outcome),
    };
    let done = manage::end_all_sessions(&expect_context::<AppState>().db, user, &admin).await;
    Ok(answered(answer, done, "All sessions of the user have ended."))
}

/// Sends a user a link that sets a password.
#[server(prefix = "/api", endpoint = "users/send-reset")]
pub async fn send_user_reset(#[server(default)] id: String) -> Result<Outcome, ServerFnError> {
    send_link(&id, SentLink::Reset, "A link to set a password is on its way to the user.").await
}

/// Sends a user a link that confirms the address.
#[server(prefix = "/api", endpoint = "users/send-verification")]
pub async fn send_user_verification(#[server(default)] id: String) -> Result<Outcome, ServerFnError> {
    send_link(&id, SentLink::Verify, "A link to confirm the address is on its way to the user.").await
}

async fn send_link(id: &str, link: SentLink, notice: &str) -> Result<Outcome, ServerFnError> {
    let (admin, user, answer) = match begin(id, "send") {
        Ok(begun) => begun,
        Err(outcome) => return Ok(outcome),
    };
    let accounts = expect_context::<Accounts>();
    if !accounts.doors.are_open() {
        return Ok(Answer::not_found());
    }
    Ok(match on_behalf::send(&accounts, &client(&accounts).await?, user, link, &admin).await {
        Ok(()) => answer.notice(notice),
        Err(SendRefusal::TooMany(wait)) => too_many_mails(answer, wait),
        Err(refusal) => {
            if let SendRefusal::Database(error) = &refusal {
                tracing::error!(%error, "a link could not be sent");
            }
            answer.form(&refusal.to_string())
        }
    })
}

/// Erases a user.
#[server(prefix = "/api", endpoint = "users/erase")]
pub async fn erase_user(
    #[server(default)] id: String,
    #[server(default)] current_password: String,
    #[server(default)] code: String,
) -> Result<Outcome, ServerFnError> {
    let (admin, user, answer) = match begin(&id, "erase") {
        Ok(begun) => begun,
        Err(outcome) => return Ok(outcome),
    };
    if admin.id() == Some(user) {
        return Ok(answer.form("This is your own account. Erase it on your account page."));
    }
    if let Err(outcome) = confirmed(&answer, USERS.path, "erase_user", current_password, &code).await? {
        return Ok(outcome);
    }
    let state = expect_context::<AppState>();
    let begun = erase::begin(&state.db, user, &admin).await.map(|_| ()).map_err(|error| match error {
        EraseError::Unknown => ManageError::Unknown,
        EraseError::LastAdmin => ManageError::LastAdmin,
        EraseError::Database(error) => ManageError::Database(error),
    });
    if begun.is_ok() {
        erase_in_background(&state.db);
    }
    Ok(answered(answer, begun, "The account is closed. Erasing the rest takes a few minutes, and 24 hours at most."))
}

/// Checks the role, and reads the id of the user. The answer leads to the page of the user.
fn begin(id: &str, action: &str) -> Result<(Actor, UserId, Answer), Outcome> {
    let admin = admins_only(USERS.path)?;
    let Ok(user) = id.parse::<UserId>() else {
        return Err(Answer::to(FORM, USERS.path.to_owned()).form("There is no such account."));
    };
    let answer = Answer::to(FORM, format!("{}/{user}", USERS.path)).keeping("action", action);
    Ok((admin, user, answer))
}

fn answered(answer: Answer, done: Result<(), ManageError>, notice: &str) -> Outcome {
    match done {
        Ok(()) => answer.notice(notice),
        Err(error) => {
            if let ManageError::Database(error) = &error {
                tracing::error!(%error, "an account could not be changed");
            }
            answer.form(&error.to_string())
        }
    }
}
