//! The server functions behind the forms of the admin pages. Their addresses are public, so each function checks the role first.

use crate::{
    audit::Actor,
    auth::{
        AuthRejection,
        forms::{Answer, Outcome, origin},
        require_admin,
    },
};

/// Merging campaign names in reports, and undoing it.
pub mod aliases;
/// Creating and disabling referral links.
pub mod referrals;
/// The button that fills an empty dashboard.
pub mod sample;

/// Returns the admin who sent a form. Refuses a form that no admin sent. A sign-in leads back to `page`.
fn admins_only(page: &str) -> Result<Actor, Outcome> {
    match require_admin() {
        Ok(admin) => Ok(Actor::user(admin.id, &admin.email, origin())),
        Err(AuthRejection::SignedOut) => Err(Answer::sign_in_first(page)),
        Err(AuthRejection::Forbidden) => Err(Answer::forbidden()),
    }
}
