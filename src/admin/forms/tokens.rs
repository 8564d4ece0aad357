use std::time::Duration;

use leptos::prelude::*;

use super::{admins_only, confirmed};
use crate::{
    admin::sections::TOKENS,
    auth::{
        api_tokens::{self, ApiTokenError, Terms},
        forms::{Answer, Outcome},
    },
    state::AppState,
    timestamp::DAY,
};

/// The name under which the forms leave their state for the page.
pub const FORM: &str = "tokens";

/// The longest time a token may be good for, in days.
const MOST_DAYS: u32 = 3_650;

/// Creates a token. The page shows it once.
#[server(prefix = "/api", endpoint = "tokens")]
pub async fn create_api_token(
    #[server(default)] name: String,
    #[server(default)] sources: String,
    #[server(default)] may: String,
    #[server(default)] days: String,
    #[server(default)] current_password: String,
    #[server(default)] code: String,
) -> Result<Outcome, ServerFnError> {
    let admin = match admins_only(TOKENS.path) {
        Ok(admin) => admin,
        Err(refused) => return Ok(refused),
    };
    let answer = Answer::to(FORM, TOKENS.path.to_owned())
        .keeping("name", &name)
        .keeping("sources", &sources)
        .keeping("may", &may)
        .keeping("days", &days);
    let Some(lasts) = parse_days(&days) else {
        return Ok(answer.field("days", "Enter a whole number of days, 3650 at most, or leave this empty."));
    };
    if let Err(outcome) = confirmed(&answer, TOKENS.path, "token_create", current_password, &code).await? {
        return Ok(outcome);
    }
    let sources = sources.split(',').map(str::trim).filter(|source| !source.is_empty()).map(str::to_owned).collect();
    let db = expect_context::<AppState>().db.clone();
    match api_tokens::create(&db, &name, Terms { sources, lasts, reads: may == "read" }, &admin).await {
        Ok(token) => Ok(answer.notice_keeping("The token was created.", "token", &token)),
        Err(error) => {
            let text = error.to_string();
            Ok(match error {
                ApiTokenError::Name(_) | ApiTokenError::Taken => answer.field("name", &text),
                ApiTokenError::Source(..) => answer.field("sources", &text),
                ApiTokenError::Db(error) => {
                    tracing::error!(%error, "a token could not be made");
                    answer.form("The token could not be created. Try again in a moment.")
                }
            })
        }
    }
}

/// Revokes a token. Revoking a token twice changes nothing.
#[server(prefix = "/api", endpoint = "tokens/revoke")]
pub async fn revoke_api_token(#[server(default)] name: String) -> Result<Outcome, ServerFnError> {
    let admin = match admins_only(TOKENS.path) {
        Ok(admin) => admin,
        Err(refused) => return Ok(refused),
    };
    let answer = Answer::to(FORM, TOKENS.path.to_owned());
    match api_tokens::revoke(&expect_context::<AppState>().db, &name, &admin).await {
        Ok(true) => Ok(answer.notice(&format!("The token {name} is revoked."))),
        Ok(false) => Ok(answer.form("There is no such token.")),
        Err(error) => {
            tracing::error!(%error, "a token could not be revoked");
            Ok(answer.form("The token could not be revoked. Try again in a moment."))
        }
    }
}

/// Reads how long a token is good for: an empty text → for ever. Returns `None` for anything else that is no number of days.
fn parse_days(text: &str) -> Option<Option<Duration>> {
    match text.trim() {
        "" => Some(None),
        days => days.parse::<u32>().ok().filter(|days| (1..=MOST_DAYS).contains(days)).map(|days| Some(days * DAY)),
    }
}
