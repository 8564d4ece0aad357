//! Asking a signed-in user for the password again, before an action that another person at an open browser must not take. A user
//! without a password must have signed in a short time ago instead ([`JUST_BEGUN`](super::session_lifetime::JUST_BEGUN)).

use super::{
    accounts::Accounts,
    backend::AuthSession,
    known_device::KnownDevice,
    password::Check,
    second_factor::{self, CodeRefusal},
    session_lifetime::has_just_begun,
    sign_in::{Checked, Client, SignInRefusal, checked_password},
    user::User,
};

/// What a user reads who has no password and signed in too long ago.
pub(super) const SIGN_IN_AGAIN: &str = "You signed in too long ago. Sign out, sign in, and try again.";

/// Why the password was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum NotConfirmed {
    /// No user is signed in.
    #[error("no user is signed in")]
    SignedOut,
    /// The password is not the signed-in user's.
    #[error("the password is wrong")]
    Wrong,
    /// The user has no password, and signed in too long ago.
    #[error("the user has no password and signed in too long ago")]
    SignInAgain,
    /// The code of the second factor is wrong.
    #[error(transparent)]
    Code(CodeRefusal),
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

/// A user who gave the right password.
pub struct Confirmed {
    pub user: User,
    /// The browser, if the account knew it.
    pub(super) device: Option<KnownDevice>,
}

/// Returns the signed-in user if `password` is the user's. Wrong passwords count and wait as at the sign-in. The
/// log calls the action `event`.
pub async fn confirm(
    accounts: &Accounts,
    auth: &AuthSession,
    client: &Client,
    event: &'static str,
    password: String,
) -> Result<Confirmed, NotConfirmed> {
    let user = auth.user.clone().ok_or(NotConfirmed::SignedOut)?;
    if !user.has_password() {
        return match has_just_begun(&auth.session, accounts.db.now()).await {
            Ok(true) => Ok(Confirmed { user, device: None }),
            Ok(false) => Err(NotConfirmed::SignInAgain),
            Err(error) => Err(NotConfirmed::Other(error.into())),
        };
    }
    let hash = user.password_hash.clone();
    let check = async {
        let check = accounts.hasher.check(password, Some(hash)).await?;
        Ok(if check == Check::Wrong { Err(Some(user.id)) } else { Ok(()) })
    };
    let Checked { device, .. } = checked_password(accounts, client, &user.email, event, check).await?;
    Ok(Confirmed { user, device })
}

/// Does what [`confirm`] does, and asks for a code too if the user has a second factor. For what does the most harm.
pub async fn confirm_fully(
    accounts: &Accounts,
    auth: &AuthSession,
    client: &Client,
    event: &'static str,
    password: String,
    code: &str,
) -> Result<Confirmed, NotConfirmed> {
    let confirmed = confirm(accounts, auth, client, event, password).await?;
    if !confirmed.user.second_factor {
        return Ok(confirmed);
    }
    let (db, user) = (&accounts.db, confirmed.user.id);
    let found = second_factor::checked(db, user, code).await.map_err(NotConfirmed::Code)?;
    let found = found.ok_or(NotConfirmed::Code(CodeRefusal::Wrong))?;
    let used = db.transaction(move |conn| Box::pin(second_factor::use_up(conn, user, found))).await;
    match used.map_err(|error| NotConfirmed::Code(error.into()))? {
        true => Ok(confirmed),
        false => Err(NotConfirmed::Code(CodeRefusal::Wrong)),
    }
}
