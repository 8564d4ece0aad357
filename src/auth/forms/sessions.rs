//! Ending sessions of one's own.

use leptos::prelude::*;

use super::{Answer, Outcome, origin};
use crate::{
    audit::{Action, Entry},
    auth::{AuthSession, accounts::Accounts, own_sessions},
};

/// The name under which the forms leave their state for the page.
pub const FORM: &str = "sessions";
/// The place on the account page that shows the sessions.
const PAGE: &str = "/account#security";

/// Ends one session of the signed-in user.
#[server(prefix = "/api", endpoint = "sessions/end")]
pub async fn end_session(#[server(default)] key: String) -> Result<Outcome, ServerFnError> {
    end(|sessions| sessions.into_iter().map(|session| session.key).filter(|own| *own == key).collect()).await
}

/// Ends all sessions of the signed-in user but this one.
#[server(prefix = "/api", endpoint = "sessions/end-others")]
pub async fn end_other_sessions() -> Result<Outcome, ServerFnError> {
    end(|sessions| sessions.into_iter().filter(|session| !session.current).map(|session| session.key).collect()).await
}

/// Ends the sessions that `choose` names.
async fn end(choose: impl FnOnce(Vec<own_sessions::OwnSession>) -> Vec<String>) -> Result<Outcome, ServerFnError> {
    let auth: AuthSession = leptos_axum::extract().await?;
    let Some(user) = auth.user else { return Ok(Answer::sign_in_first("/account")) };
    let db = expect_context::<Accounts>().db;
    let answer = Answer::to(FORM, PAGE.into());
    let entry = Entry::of_own_account(Action::SessionsEnded, user.id, &user.email, &origin());
    let ended = async {
        let mut conn = db.read().await?;
        let sessions = own_sessions::sessions_of(&mut conn, user.id, Some(&auth.session), db.now()).await?;
        drop(conn);
        own_sessions::end_some(&db, user.id, choose(sessions), entry).await
    };
    match ended.await {
        Ok(1) => Ok(answer.notice("The session has ended.")),
        Ok(0) => Ok(answer.notice("There was no other session to end.")),
        Ok(_) => Ok(answer.notice("All other sessions have ended.")),
        Err(error) => {
            tracing::error!(%error, "sessions could not be ended");
            Ok(answer.form("The sessions could not be ended. Try again in a moment."))
        }
    }
}
