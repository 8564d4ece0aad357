//! Asking a signed-in user for the password again, before an action that another person at an open browser must not take.

use std::net::IpAddr;

use super::{
    accounts::Accounts,
    backend::AuthSession,
    password::Check,
    sign_in::{SignInRefusal, checked_password},
    user::User,
};

/// Why the password was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum NotConfirmed {
    /// No user is signed in.
    #[error("no user is signed in")]
    SignedOut,
    /// The password is not the signed-in user's.
    #[error("the password is wrong")]
    Wrong,
    /// The password could not be checked.
    #[error(transparent)]
    Other(SignInRefusal),
}

impl From<SignInRefusal> for NotConfirmed {
    fn from(refusal: SignInRefusal) -> Self {
        match refusal {
            SignInRefusal::Wrong => Self::Wrong,
            other => Self::Other(other),
        }
    }
}

/// Returns the signed-in user if `password` is the user's. Wrong passwords count and wait like those at the sign-in.
pub async fn confirm(
    accounts: &Accounts,
    auth: &AuthSession,
    address: IpAddr,
    password: String,
) -> Result<User, NotConfirmed> {
    let user = auth.user.clone().ok_or(NotConfirmed::SignedOut)?;
    let hash = user.password_hash.clone();
    checked_password(accounts, address, &user.email, async {
        let check = accounts.hasher.check(password, Some(hash)).await?;
        Ok((check != Check::Wrong).then_some(()))
    })
    .await?;
    Ok(user)
}
