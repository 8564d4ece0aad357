//! The visitor as the session knows it: an id, written once.
//!
//! A session holds nothing that grows. A session is saved whole, and the last save wins. If two requests added to a list at once,
//! one entry would be lost.

use serde::{Deserialize, Serialize};
use tower_sessions::{Session, session::Error, session_store};

use crate::id::{UserId, VisitorId};

const KEY: &str = "waymark.visitor";

/// The key that marks a session that exists but could not be read, because the database did not answer. Such a session must not be
/// taken for an empty one.
pub const UNREADABLE: &str = "waymark.unreadable";

/// What the session holds about its visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionVisitor {
    pub id: VisitorId,
    /// The user that the visitor is known to be linked to. If this user is signed in, there is nothing to link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
}

/// Returns whether the browser has a session that could not be read.
pub async fn is_unreadable(session: &Session) -> Result<bool, Error> {
    Ok(session.get_value(UNREADABLE).await?.is_some())
}

/// Returns the session's visitor. An entry that cannot be read counts as none. Errors: the session could not be read.
pub async fn get(session: &Session) -> Result<Option<SessionVisitor>, Error> {
    if is_unreadable(session).await? {
        return Err(Error::Store(session_store::Error::Backend("the session could not be read".into())));
    }
    Ok(session.get_value(KEY).await?.and_then(|value| serde_json::from_value(value).ok()))
}

/// Stores the visitor in the session.
pub async fn set(session: &Session, visitor: SessionVisitor) -> Result<(), Error> {
    session.insert(KEY, visitor).await
}

/// Removes the visitor from the session, because the database could not store the visitor.
pub(crate) async fn unset(session: &Session) -> Result<(), Error> {
    session.remove_value(KEY).await.map(|_| ())
}
