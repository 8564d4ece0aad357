//! A visitor stands for a browser. The session holds the visitor's id. Signing in links the visitor to the user.
//!
//! A session holds nothing that grows. A session is saved whole, and the last save wins. If two requests added to a list at once,
//! one entry would be lost.

use serde::{Deserialize, Serialize};
use tower_sessions::{Session, session::Error, session_store};

use crate::{
    db::{self, Conn, sql},
    id::{UserId, VisitorId},
    timestamp::Timestamp,
};

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
pub async fn unset(session: &Session) -> Result<(), Error> {
    session.remove_value(KEY).await.map(|_| ())
}

/// Links a visitor to a user, within the transaction that signs the user in or up. Returns the visitor for the session.
///
/// An existing link stays. A visitor who is linked to another user stays with that user, and the session gets a new visitor. A
/// session without a visitor gets a visitor too, so that a later landing need not write the session.
pub async fn link(
    conn: &mut Conn,
    visitor: Option<VisitorId>,
    user: UserId,
    now: Timestamp,
) -> Result<SessionVisitor, db::Error> {
    let id = visitor.unwrap_or_else(VisitorId::new);
    if claim(conn, id, user, now).await? {
        return Ok(SessionVisitor { id, user: Some(user) });
    }
    let id = VisitorId::new();
    claim(conn, id, user, now).await?;
    Ok(SessionVisitor { id, user: Some(user) })
}

/// Links a visitor to a user. Returns `false`, and changes nothing, if the visitor belongs to another user.
///
/// [`link`] calls this function for the session's visitor. A link in a mail claims the visitor of the browser that asked for the mail.
pub async fn claim(conn: &mut Conn, visitor: VisitorId, user: UserId, now: Timestamp) -> Result<bool, db::Error> {
    sql("insert into visitors (id, user_id, first_seen_at, linked_at) values ($1, $2, $3, $3)
        on conflict (id) do update set user_id = excluded.user_id, linked_at = excluded.linked_at
        where visitors.user_id is null")
    .bind(visitor)
    .bind(user)
    .bind(now)
    .execute(conn)
    .await?;
    let owner: UserId = sql("select user_id from visitors where id = $1").bind(visitor).fetch_scalar(conn).await?;
    Ok(owner == user)
}
