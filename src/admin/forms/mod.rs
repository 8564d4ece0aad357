//! The server functions behind the forms of the admin pages. Their addresses are public, so each function checks the role first.

use leptos::prelude::*;

use crate::{
    audit::Actor,
    auth::{
        Accounts, AuthRejection, AuthSession,
        confirm::confirm_fully,
        forms::{Answer, Outcome, client, origin, second_factor::not_confirmed},
        require_admin,
    },
};

/// Merging campaign names in reports, and undoing it.
pub mod aliases;
/// Inviting people, and ending invitations.
pub mod invitations;
/// Trying dead jobs again.
pub mod jobs;
/// Creating and disabling referral links.
pub mod referrals;
/// The button that fills an empty dashboard.
pub mod sample;
/// Creating and revoking API tokens.
pub mod tokens;
/// What admins change about accounts.
pub mod users;

/// Returns the admin who sent a form. Refuses a form that no admin sent. A sign-in leads back to `page`.
fn admins_only(page: &str) -> Result<Actor, Outcome> {
    match require_admin() {
        Ok(admin) => Ok(Actor::user(admin.id, &admin.email, origin())),
        Err(AuthRejection::SignedOut) => Err(Answer::sign_in_first(page)),
        Err(AuthRejection::Forbidden) => Err(Answer::forbidden()),
    }
}

/// Asks the admin for the password again, and for a code if the admin has a second factor. The inner error is the response.
async fn confirmed(
    answer: &Answer,
    page: &str,
    event: &'static str,
    password: String,
    code: &str,
) -> Result<Result<(), Outcome>, ServerFnError> {
    let auth: AuthSession = leptos_axum::extract().await?;
    let (accounts, answer) = (expect_context::<Accounts>(), answer.clone());
    Ok(match confirm_fully(&accounts, &auth, &client(&accounts).await?, event, password, code).await {
        Ok(_) => Ok(()),
        Err(error) => Err(not_confirmed(answer, page, error)),
    })
}
