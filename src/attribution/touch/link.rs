use super::visitor::SessionVisitor;
use crate::{
    db::{Conn, Error, sql},
    id::{UserId, VisitorId},
    timestamp::Timestamp,
};

/// Links a visitor to a user, within the transaction that signs the user in or up. Returns the visitor for the session.
///
/// An existing link stays. A visitor who is linked to another user stays with that user, and the session gets a new visitor. A
/// session without a visitor gets a visitor too, so that a later landing need not write the session.
pub async fn link(
    conn: &mut Conn,
    visitor: Option<VisitorId>,
    user: UserId,
    now: Timestamp,
) -> Result<SessionVisitor, Error> {
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
/// For a visitor who is not the session's: that of the browser that asked for a link in a mail.
pub async fn claim(conn: &mut Conn, visitor: VisitorId, user: UserId, now: Timestamp) -> Result<bool, Error> {
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
