use std::time::Duration;

use axum::Extension;
use leptos::prelude::*;

use super::{
    erase::{EraseError, erase},
    file_wipe,
};
use crate::{
    address_limit::ClientAddress,
    auth::{
        Accounts, AuthSession,
        confirm::{NotConfirmed, confirm},
        forms::{Answer, Outcome, forget_browser, refused},
    },
    db::Db,
    state::AppState,
};

/// How long the response waits for the clean-up of the database's files. A clean-up that takes longer goes on afterwards.
const PATIENCE: Duration = Duration::from_secs(3);

/// Erases the signed-in user and signs them out.
#[server(prefix = "/api", endpoint = "erase")]
pub async fn erase_account(#[server(default)] current_password: String) -> Result<Outcome, ServerFnError> {
    let answer = Answer::to("erase", "/account".into());
    let state = expect_context::<AppState>();
    let mut auth: AuthSession = leptos_axum::extract().await?;
    let Extension(ClientAddress(address)) = leptos_axum::extract().await?;
    let user = match confirm(&expect_context::<Accounts>(), &auth, address, current_password).await {
        Ok(user) => user,
        Err(NotConfirmed::SignedOut) => return Ok(Answer::sign_in_first("/account")),
        Err(NotConfirmed::Wrong) => {
            return Ok(answer.field("current_password", "This is not your current password."));
        }
        Err(NotConfirmed::Other(failure)) => return Ok(refused(answer, failure)),
    };
    match erase(&state.db, user.id).await {
        Ok(()) => {}
        Err(EraseError::LastAdmin) => {
            return Ok(answer.form("You are the only admin. Make somebody else an admin first, then come back."));
        }
        // another request has erased this account meanwhile
        Err(EraseError::Unknown) => return Ok(Answer::sign_in_first("/account")),
        Err(EraseError::Database(error)) => {
            tracing::error!(%error, "a user could not be erased");
            return Ok(answer.form("Your data could not be erased right now. Please try again in a moment."));
        }
    }
    clear_files(state.db.clone()).await;
    if let Err(error) = auth.logout().await {
        // The erasure removed the session's row, so the cookie opens nothing.
        tracing::error!(%error, "the session of an erased user could not be emptied");
    }
    forget_browser();
    Ok(Answer::to("login", "/login".into()).notice("Your data is erased."))
}

/// Cleans the database's files, also when the client goes away meanwhile. If the cleaning fails, housekeeping tries again.
async fn clear_files(db: Db) {
    let clearing = tokio::spawn(async move {
        if let Err(error) = file_wipe::clear(&db, PATIENCE).await {
            tracing::error!(%error, "the database's files still hold erased data; the clean-up is tried again");
        }
    });
    let _ = tokio::time::timeout(PATIENCE, clearing).await;
}
