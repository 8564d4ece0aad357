use leptos::prelude::*;

use super::{
    HOME, client,
    doors::{link, not_used},
    keep,
    outcome::{Answer, Outcome},
};
use crate::auth::{
    accounts::Accounts,
    backend::AuthSession,
    doors::{accept, one_time::Purpose},
};

/// Makes the account that an invitation offers, and signs in.
#[server(prefix = "/api", endpoint = "invitation")]
pub async fn accept_invitation(
    #[server(default)] token: String,
    #[server(default)] new_password: String,
) -> Result<Outcome, ServerFnError> {
    let accounts = expect_context::<Accounts>();
    let (token, answer) = match link(&accounts, Purpose::Invite, &token) {
        Ok(link) => link,
        Err(outcome) => return Ok(outcome),
    };
    let mut auth: AuthSession = leptos_axum::extract().await?;
    let client = client(&accounts).await?;
    match accept::accept(&accounts, &mut auth, client, token, new_password).await {
        Ok(devices) => {
            keep(&accounts, &devices);
            Ok(Answer::done(HOME))
        }
        Err(refusal) => Ok(not_used(answer, refusal)),
    }
}
