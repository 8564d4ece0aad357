//! Changing a password: it needs the current one, and ends all other sessions of the user.

use std::net::IpAddr;

use super::{
    AuthSession, User,
    confirm::{NotConfirmed, confirm},
    password,
    sign_in::{Failure, begin_session},
};
use crate::{
    attribution::{capture::lead_source_layer::link, touch::visitor},
    db::{Error, sql},
    state::AppState,
};

/// Why the password is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ChangeFailure {
    #[error("nobody is signed in")]
    SignedOut,
    #[error("the current password is wrong")]
    WrongCurrent,
    #[error("the new password is not accepted")]
    NotAccepted(&'static str),
    #[error(transparent)]
    Other(#[from] Failure),
}

impl From<NotConfirmed> for ChangeFailure {
    fn from(error: NotConfirmed) -> Self {
        match error {
            NotConfirmed::SignedOut => Self::SignedOut,
            NotConfirmed::Wrong => Self::WrongCurrent,
            NotConfirmed::Other(failure) => Self::Other(failure),
        }
    }
}

/// Changes the password of who is signed in, and gives their session a new id.
pub async fn change_password(
    state: &AppState,
    auth: &mut AuthSession,
    address: IpAddr,
    current: String,
    new: String,
) -> Result<(), ChangeFailure> {
    let user = confirm(state, auth, address, current).await?;
    password::accept(&new, &user.email).map_err(ChangeFailure::NotAccepted)?;
    let hash = state.hasher.hash(new).await.map_err(|_| Failure::Busy)?;
    let visitor = visitor::get(&auth.session).await.map_err(Failure::from)?.map(|visitor| visitor.id);
    let (id, old, now) = (user.id, user.password_hash, state.db.now());
    let changed = state
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                // The epoch is part of what sessions are checked against: all of them are void. Only where the password is
                // still the one that was checked: of two changes at once one wins, and the other says so.
                let changed = sql("update users set password_hash = $1, session_epoch = session_epoch + 1
                    where id = $2 and password_hash = $3")
                .bind(hash)
                .bind(id)
                .bind(old)
                .execute(conn)
                .await?;
                if changed == 0 {
                    return Ok::<_, Error>(None);
                }
                sql("delete from tower_sessions where user_id = $1").bind(id).execute(conn).await?;
                let visitor = link(conn, visitor, id, now).await?;
                Ok(User::find(conn, id).await?.map(|user| (user, visitor)))
            })
        })
        .await
        .map_err(Failure::from)?;
    let (user, visitor) = changed.ok_or(ChangeFailure::WrongCurrent)?;
    begin_session(auth, &user, visitor, now).await?;
    tracing::info!(user = %user.id, "password changed");
    Ok(())
}
