//! The server functions behind the forms of the admin pages. Their addresses are public, so each function checks the role first.

use crate::auth::{
    AuthRejection,
    forms::{Answer, Outcome},
    require_admin,
};

/// Merging campaign names in reports, and undoing it.
pub mod aliases;
/// Creating and disabling referral links.
pub mod referrals;
/// The button that fills an empty dashboard.
pub mod sample;

/// Refuses a form that no admin sent. A sign-in leads back to `page`.
fn admins_only(page: &str) -> Result<(), Outcome> {
    match require_admin() {
        Ok(_) => Ok(()),
        Err(AuthRejection::SignedOut) => Err(Answer::sign_in_first(page)),
        Err(AuthRejection::Forbidden) => Err(Answer::forbidden()),
    }
}
