//! How long a session lasts: 14 days without a request, 90 days at most.
//!
//! A request counts as use, but is noted once a day at most, so that reading pages does not write.

use std::{collections::HashMap, time::Duration};

use axum::extract::Request;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_sessions::Session;

use super::{UnknownUser, backend::AuthSession};
use crate::{
    attribution::SignedInUser,
    db::{Conn, Db, Error, sql},
    id::UserId,
    timestamp::{DAY, Timestamp},
    visitor::is_unreadable,
};

/// A signed-in session ends this long after its last noted request. Requests are noted a day apart, so a session ends 13 to 14
/// days after its last request.
pub const IDLE: Duration = Duration::from_hours(14 * 24);
/// A signed-in session ends this long after the sign-in, used or not. Browsers keep the session's cookie for the same time, and
/// the database keeps a session that nothing changes. The same times hold for an anonymous visitor's session.
pub const LIFETIME: Duration = Duration::from_hours(90 * 24);

/// For how long a sign-in stands for a password that the user does not have.
pub const JUST_BEGUN: Duration = Duration::from_mins(15);

const KEY: &str = "waymark.signed_in";

/// What a session holds about its sign-in.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct SignedIn {
    since: Timestamp,
    /// The last noted request.
    seen: Timestamp,
}

impl SignedIn {
    fn is_over(self, now: Timestamp) -> bool {
        now - self.seen > IDLE || now - self.since > LIFETIME
    }
}

/// Notes that a user signs in with this session now.
pub(super) async fn begin(session: &Session, now: Timestamp) -> Result<(), tower_sessions::session::Error> {
    session.insert(KEY, SignedIn { since: now, seen: now }).await
}

/// Returns whether a user signed in with this session. The user may be disabled or erased by now.
pub(super) async fn has_begun(session: &Session) -> Result<bool, tower_sessions::session::Error> {
    Ok(session.get_value(KEY).await?.is_some())
}

/// Returns whether the user signed in with this session a short time ago.
pub(super) async fn has_just_begun(session: &Session, now: Timestamp) -> Result<bool, tower_sessions::session::Error> {
    let signed_in: Option<SignedIn> = session.get(KEY).await?;
    Ok(signed_in.is_some_and(|signed_in| now - signed_in.since < JUST_BEGUN))
}

/// Removes all sessions of a user.
pub async fn end_sessions(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    sql("delete from tower_sessions where user_id = $1").bind(user).execute(conn).await.map(|_| ())
}

/// Returns when a user signed in with a stored session, and its last noted request. `None` if no user signed in.
pub fn times(data: &HashMap<String, Value>) -> Option<(Timestamp, Timestamp)> {
    let SignedIn { since, seen } = SignedIn::deserialize(data.get(KEY)?).ok()?;
    Some((since, seen))
}

/// Does what [`times`] does, for a session that is not over.
pub(super) fn running(data: &HashMap<String, Value>, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    times(data).filter(|(since, seen)| !SignedIn { since: *since, seen: *seen }.is_over(now))
}

/// Signs out a user whose session is over. Tells the layers further in which user is signed in, or that the user is unknown. Returns
/// whether a user is signed in.
pub async fn enforce(db: &Db, request: &mut Request) -> bool {
    let Some(auth) = request.extensions().get::<AuthSession>() else { return false };
    let (session, look_up_failed, now) = (auth.session.clone(), auth.backend.look_up_failed(), db.now());
    let Some(user) = auth.user.as_ref().map(|user| user.id) else {
        if look_up_failed || is_unreadable(&session).await.unwrap_or_default() {
            request.extensions_mut().insert(UnknownUser);
        }
        return false;
    };
    let signed_in: Option<SignedIn> = session.get(KEY).await.ok().flatten();
    let Some(signed_in) = signed_in.filter(|signed_in| !signed_in.is_over(now)) else {
        // Pages read the user from this extension.
        if let Some(auth) = request.extensions_mut().get_mut::<AuthSession>()
            && let Err(error) = auth.logout().await
        {
            tracing::error!(%error, "a session that is over could not be removed");
        }
        return false;
    };
    if now - signed_in.seen > DAY {
        // If this request cannot be noted, the next one tries again.
        let _ = session.insert(KEY, SignedIn { seen: now, ..signed_in }).await;
    }
    request.extensions_mut().insert(SignedInUser(user));
    true
}
