//! Asking for the password again, before something that whoever finds an open session must not do.

use std::net::IpAddr;

use super::{
    AuthSession, User,
    password::Check,
    sign_in::{Failure, not_throttled},
    throttle,
};
use crate::state::AppState;

/// Why nothing may be done.
#[derive(Debug, thiserror::Error)]
pub enum NotConfirmed {
    #[error("nobody is signed in")]
    SignedOut,
    #[error("the password is wrong")]
    Wrong,
    #[error(transparent)]
    Other(#[from] Failure),
}

/// Who is signed in, if this is their password. Guesses here count like those at the sign-in, and wait as long.
pub async fn confirm(
    state: &AppState,
    auth: &AuthSession,
    address: IpAddr,
    password: String,
) -> Result<User, NotConfirmed> {
    let user = auth.user.clone().ok_or(NotConfirmed::SignedOut)?;
    not_throttled(state, address, &user.email).await?;
    let check = state.hasher.check(password, Some(user.password_hash.clone())).await.map_err(|_| Failure::Busy)?;
    // Again, now that it is known: of many guesses at once, those that were checked after the limit was reached learn nothing.
    let throttled = not_throttled(state, address, &user.email).await;
    if check == Check::Wrong {
        state.sign_in_limit.count(address);
        throttle::failed(&state.db, &user.email).await.map_err(Failure::from)?;
        return Err(throttled.err().map_or(NotConfirmed::Wrong, NotConfirmed::Other));
    }
    throttled?;
    Ok(user)
}
