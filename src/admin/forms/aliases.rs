use leptos::prelude::*;

use super::admins_only;
use crate::{
    admin::sections::QUALITY,
    attribution::{
        campaign_alias::{self, AliasError},
        report::{Filter, Preset},
    },
    auth::forms::{Answer, Outcome},
    state::AppState,
};

/// The name under which the forms leave their state for the page.
pub const FORM: &str = "campaign-aliases";

/// Makes reports show the campaign `alias` as `campaign`. `query` is the query of the page, so that the form leads back to the
/// same filter.
#[server(prefix = "/api", endpoint = "campaign-aliases")]
pub async fn add_campaign_alias(
    #[server(default)] alias: String,
    #[server(default)] campaign: String,
    #[server(default)] query: String,
) -> Result<Outcome, ServerFnError> {
    let admin = match admins_only(QUALITY.path) {
        Ok(admin) => admin,
        Err(refused) => return Ok(refused),
    };
    let state = expect_context::<AppState>();
    let answer = Answer::to(FORM, page(&state, &query)).keeping("alias", &alias).keeping("campaign", &campaign);
    match campaign_alias::add(&state.db, &alias, &campaign, &admin).await {
        Ok(added) => Ok(answer.notice(&format!("“{}” is merged into “{}”.", added.alias, added.campaign))),
        Err(error) => {
            if let AliasError::Database(error) = &error {
                tracing::error!(%error, "campaigns could not be merged");
            }
            Ok(answer.form(&error.to_string()))
        }
    }
}

/// Makes reports show a campaign under its own name again. Undoing twice changes nothing.
#[server(prefix = "/api", endpoint = "campaign-aliases/remove")]
pub async fn remove_campaign_alias(
    #[server(default)] alias: String,
    #[server(default)] query: String,
) -> Result<Outcome, ServerFnError> {
    let admin = match admins_only(QUALITY.path) {
        Ok(admin) => admin,
        Err(refused) => return Ok(refused),
    };
    let state = expect_context::<AppState>();
    let answer = Answer::to(FORM, page(&state, &query));
    match campaign_alias::remove(&state.db, &alias, &admin).await {
        Ok(Some(campaign)) => Ok(answer.notice(&format!("“{alias}” is no longer merged into “{campaign}”."))),
        Ok(None) => Ok(answer.form("This name is not merged.")),
        Err(error) => {
            tracing::error!(%error, "a campaign alias could not be removed");
            Ok(answer.form("The name could not be unmerged. Try again in a moment."))
        }
    }
}

/// Returns the address of the page with the filter in `query`. Only what the filter understands gets into the address.
fn page(state: &AppState, query: &str) -> String {
    Filter::parse(query, Preset::Days30, state.db.now()).filter.href(QUALITY.path, &[])
}
