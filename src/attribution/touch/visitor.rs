//! The visitor as the session knows it: an id, written once, and nothing that grows.
//!
//! Sessions are saved whole, and the last to save wins: a list kept in one would lose entries.

use serde::{Deserialize, Serialize};
use tower_sessions::{Session, session::Error, session_store};

use crate::id::{UserId, VisitorId};

const KEY: &str = "waymark.visitor";

/// In a session that exists but could not be read, because the database did not answer: it must not be taken for an empty one.
pub const UNREADABLE: &str = "waymark.unreadable";

/// What the session holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionVisitor {
    pub id: VisitorId,
    /// The user this visitor is known to be linked to: where it is the signed-in one, nothing is left to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
}

/// The session's visitor. An entry that cannot be understood is none; a session that could not be read is an error.
pub async fn get(session: &Session) -> Result<Option<SessionVisitor>, Error> {
    if session.get_value(UNREADABLE).await?.is_some() {
        return Err(Error::Store(session_store::Error::Backend("the session could not be read".into())));
    }
    Ok(session.get_value(KEY).await?.and_then(|value| serde_json::from_value(value).ok()))
}

/// Gives the session its visitor.
pub async fn set(session: &Session, visitor: SessionVisitor) -> Result<(), Error> {
    session.insert(KEY, visitor).await
}

/// Takes the visitor out again, where it could not be stored.
pub(crate) async fn unset(session: &Session) -> Result<(), Error> {
    session.remove_value(KEY).await.map(|_| ())
}
