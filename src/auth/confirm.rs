//! Asking for the password again, before something that whoever finds an open session must not do.

use super::{AuthSession, User, password::Check, sign_in::Failure, throttle};
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
pub async fn confirm(state: &AppState, auth: &AuthSession, password: String) -> Result<User, NotConfirmed> {
    let user = auth.user.clone().ok_or(NotConfirmed::SignedOut)?;
    let mut conn = state.db.read().await.map_err(Failure::from)?;
    let wait = throttle::wait_of(&mut conn, &user.email, state.db.now()).await.map_err(Failure::from)?;
    // the connection goes back before the slow part
    drop(conn);
    if wait > 0 {
        return Err(Failure::Wait(wait).into());
    }
    let check = state.hasher.check(password, Some(user.password_hash.clone())).await.map_err(|_| Failure::Busy)?;
    if check == Check::Wrong {
        throttle::failed(&state.db, &user.email).await.map_err(Failure::from)?;
        return Err(NotConfirmed::Wrong);
    }
    Ok(user)
}
