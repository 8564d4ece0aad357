//! How long a signed-in session lasts: until it is not used for a while, and never longer than its absolute lifetime.
//!
//! Reading counts as use, but is noted once a day at most, so that reading does not write.

use std::collections::HashMap;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_sessions::Session;

use super::AuthSession;
use crate::{
    attribution::SignedInUser,
    db::{Db, Millis},
};

const DAY: Millis = 24 * 60 * 60 * 1000;
/// Without a request for this long, a session has ended.
pub const IDLE: Millis = 14 * DAY;
/// Older than this, a session has ended, used or not.
pub const LIFETIME: Millis = 90 * DAY;

const KEY: &str = "waymark.signed_in";

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct SignedIn {
    since: Millis,
    seen: Millis,
}

/// Notes the beginning of a signed-in session.
pub(super) async fn begin(session: &Session, now: Millis) -> Result<(), tower_sessions::session::Error> {
    session.insert(KEY, SignedIn { since: now, seen: now }).await
}

/// Whether somebody signed in with this session. Who they are may be out of reach by now: disabled, or not to be found.
pub(super) async fn has_begun(session: &Session) -> Result<bool, tower_sessions::session::Error> {
    Ok(session.get_value(KEY).await?.is_some())
}

/// When somebody signed in with a stored session, and when they were last seen, by what it holds.
pub fn times(data: &HashMap<String, Value>) -> Option<(Millis, Millis)> {
    let SignedIn { since, seen } = SignedIn::deserialize(data.get(KEY)?).ok()?;
    Some((since, seen))
}

/// Ends sessions that are over, and tells the layers further in who is signed in.
pub async fn enforce(State(db): State<Db>, mut auth: AuthSession, mut request: Request, next: Next) -> Response {
    if let Some(user) = &auth.user {
        let id = user.id;
        let now = db.now();
        let times: Option<SignedIn> = auth.session.get(KEY).await.ok().flatten();
        let over = times.is_none_or(|times| now - times.seen > IDLE || now - times.since > LIFETIME);
        if over {
            if let Err(error) = auth.logout().await {
                tracing::error!(%error, "a session that is over could not be removed");
            }
            // pages read the user from this extension
            auth.user = None;
            request.extensions_mut().insert(auth);
        } else {
            if let Some(times) = times.filter(|times| now - times.seen > DAY) {
                // not noted is not fatal: the next request tries again
                let _ = auth.session.insert(KEY, SignedIn { seen: now, ..times }).await;
            }
            request.extensions_mut().insert(SignedInUser(id));
        }
    }
    next.run(request).await
}
