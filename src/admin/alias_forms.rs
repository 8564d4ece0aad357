//! The server functions that merge campaign names in reports, and undo it.

use leptos::prelude::*;

use crate::{
    attribution::{
        campaign_alias::{self, AliasError},
        report::{Filter, Preset},
    },
    auth::{
        AuthRejection,
        forms::{Answer, Outcome},
        require_admin,
    },
    state::AppState,
};

const PAGE: &str = "/admin/quality";
/// The form whose state the page shows.
pub const FORM: &str = "campaign-aliases";

/// Lets reports show the campaign `alias` as `campaign`. `query` is that of the page, to lead back to its filter.
#[server(prefix = "/api", endpoint = "campaign-aliases")]
pub async fn add_campaign_alias(
    #[server(default)] alias: String,
    #[server(default)] campaign: String,
    #[server(default)] query: String,
) -> Result<Outcome, ServerFnError> {
    if let Err(rejection) = require_admin() {
        return Ok(refused(rejection));
    }
    let state = expect_context::<AppState>();
    let answer = Answer::to(FORM, page(&state, &query)).keeping("alias", &alias).keeping("campaign", &campaign);
    match campaign_alias::add(&state.db, &alias, &campaign).await {
        Ok(added) => Ok(answer.notice(&format!("“{}” is merged into “{}”.", added.alias, added.campaign))),
        Err(error) => {
            if let AliasError::Database(error) = &error {
                tracing::error!(%error, "campaigns could not be merged");
            }
            Ok(answer.form(&error.to_string()))
        }
    }
}

/// Lets reports show a campaign under its own name again. Undoing twice changes nothing.
#[server(prefix = "/api", endpoint = "campaign-aliases/remove")]
pub async fn remove_campaign_alias(
    #[server(default)] alias: String,
    #[server(default)] query: String,
) -> Result<Outcome, ServerFnError> {
    if let Err(rejection) = require_admin() {
        return Ok(refused(rejection));
    }
    let state = expect_context::<AppState>();
    let answer = Answer::to(FORM, page(&state, &query));
    match campaign_alias::remove(&state.db, &alias).await {
        Ok(Some(campaign)) => Ok(answer.notice(&format!("“{alias}” is no longer merged into “{campaign}”."))),
        Ok(None) => Ok(answer.form("This name is merged into no other.")),
        Err(error) => {
            tracing::error!(%error, "a campaign alias could not be removed");
            Ok(answer.form("It could not be undone right now. Please try again in a moment."))
        }
    }
}

/// The page with the filter that the form stood under, and nothing else of what the form said.
fn page(state: &AppState, query: &str) -> String {
    Filter::parse(query, Preset::Days30, state.db.now()).filter.href(PAGE, &[])
}

fn refused(rejection: AuthRejection) -> Outcome {
    match rejection {
        AuthRejection::SignedOut => Answer::sign_in_first(PAGE),
        AuthRejection::Forbidden => Answer::forbidden(),
    }
}
