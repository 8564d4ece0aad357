use std::time::Duration;

use leptos::prelude::*;

use super::{
    erase::{EraseError, begin, confirmation, work},
    file_wipe,
};
use crate::{
    audit::Actor,
    auth::{
        Accounts, AuthSession,
        confirm::{Confirmed, confirm_fully},
        forms::{Answer, Outcome, client, forget_browser, origin, second_factor::not_confirmed},
    },
    db::Db,
    state::AppState,
};

/// Closes the account of the signed-in user, who is then erased in the background. Leads to the confirmation page.
#[server(prefix = "/api", endpoint = "erase")]
pub async fn erase_account(
    #[server(default)] current_password: String,
    #[server(default)] code: String,
) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to("erase", "/account".into());
    let state = expect_context::<AppState>();
    let mut auth: AuthSession = leptos_axum::extract().await?;
    let accounts = expect_context::<Accounts>();
    let user = match confirm_fully(&accounts, &auth, &client(&accounts).await?, "erase", current_password, &code).await
    {
        Ok(Confirmed { user, .. }) => user,
        Err(error) => return Ok(not_confirmed(answer, "/account", error)),
    };
    let token = match begin(&state.db, user.id, &Actor::user(user.id, &user.email, origin())).await {
        Ok(token) => token,
        Err(EraseError::LastAdmin) => {
            return Ok(answer.form("You are the only admin. Make somebody else an admin first, then come back."));
        }
        // another request has erased this account meanwhile
        Err(EraseError::Unknown) => return Ok(Answer::sign_in_first("/account")),
        Err(EraseError::Database(error)) => {
            tracing::error!(%error, "a user could not be erased");
            return Ok(answer.form("Your data could not be erased right now. Please try again in a moment."));
        }
    };
    erase_in_background(&state.db);
    if let Err(error) = auth.logout().await {
        // The erasure removed the session's row, so the cookie opens nothing.
        tracing::error!(%error, "the session of an erased user could not be emptied");
    }
    forget_browser();
    Ok(Answer::done(&confirmation::path(&token)))
}

/// Finishes the erasures that wait, without keeping the request waiting.
pub fn erase_in_background(db: &Db) {
    tokio::spawn(finish(db.clone()));
}

/// Does the rest of the erasure. If that fails, or the process ends, housekeeping tries again.
async fn finish(db: Db) {
    if let Err(error) = work(&db, Duration::ZERO, |_| {}).await {
        tracing::error!(%error, "an erasure could not be finished; the next round of housekeeping tries again");
        return;
    }
    if let Err(error) = file_wipe::clear(&db, Duration::ZERO).await {
        tracing::error!(%error, "the database's files still hold erased data; the clean-up is tried again");
    }
}
