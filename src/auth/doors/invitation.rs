//! An invitation to have an account, and the links that accept it.
//!
//! What always holds:
//! - An address has one invitation at most. Its links end with the invitation: when it is accepted or revoked.
//! - An invitation works while the user who invited is an admin who can sign in. So an admin who is shut out leaves no way in.

use std::time::Duration;

use super::one_time::Purpose;
use crate::{
    auth::user::Role,
    db::{Conn, Db, Error, sql},
    id::{InvitationId, UserId},
    secret_token::SecretToken,
    timestamp::Timestamp,
};

/// How long an invitation that has expired stays in the list of admins.
const KEEP_EXPIRED: Duration = Duration::from_hours(30 * 24);
/// How many invitations the list shows.
pub const LISTED: u32 = 100;

/// An invitation that works.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Invitation {
    pub id: InvitationId,
    pub email: String,
    role: String,
    pub expires_at: Timestamp,
}

impl Invitation {
    /// Returns the role that the account will have.
    pub fn role(&self) -> Role {
        Role::of(&self.role).unwrap_or(Role::Member)
    }
}

/// The invitations whose inviter is an admin who can sign in.
pub(super) const INVITER: &str = "exists (select 1 from users u
    where u.id = invitations.invited_by and u.role = 'admin' and u.disabled_at is null)";

/// Finds an invitation that works.
pub(super) async fn find(conn: &mut Conn, id: InvitationId, now: Timestamp) -> Result<Option<Invitation>, Error> {
    sql(format!("select id, email, role, expires_at from invitations where id = $1 and expires_at > $2 and {INVITER}"))
        .bind(id)
        .bind(now)
        .fetch_optional(conn)
        .await
}

/// Makes a link that accepts an invitation.
pub(super) async fn make_link(db: &Db, invitation: &Invitation) -> Result<SecretToken, Error> {
    let token = SecretToken::random();
    let row = sql("insert into one_time_tokens
            (token_hash, purpose, email, session_epoch, created_at, expires_at, invitation_id)
        values ($1, $2, $3, 0, $4, $5, $6)")
    .bind(token.digest())
    .bind(Purpose::Invite.as_str())
    .bind(invitation.email.as_str())
    .bind(db.now())
    .bind(invitation.expires_at)
    .bind(invitation.id);
    db.execute(row).await?;
    Ok(token)
}

/// Returns the invitation that a link accepts, and changes nothing.
pub async fn look(db: &Db, token: &SecretToken) -> Result<Option<Invitation>, Error> {
    sql(format!(
        "select invitations.id, invitations.email, invitations.role, invitations.expires_at
        from invitations join one_time_tokens t on t.invitation_id = invitations.id
        where t.token_hash = $1 and t.purpose = $2 and t.expires_at > $3 and {INVITER}"
    ))
    .bind(token.digest())
    .bind(Purpose::Invite.as_str())
    .bind(db.now())
    .fetch_optional(&mut db.read().await?)
    .await
}

/// Uses a link: removes its invitation, with all links, and returns it, once.
pub(super) async fn take(conn: &mut Conn, token: &SecretToken, now: Timestamp) -> Result<Option<Invitation>, Error> {
    sql(format!(
        "delete from invitations where id = (
            select t.invitation_id from one_time_tokens t where t.token_hash = $1 and t.purpose = $2 and t.expires_at > $3)
        and {INVITER} returning id, email, role, expires_at"
    ))
    .bind(token.digest())
    .bind(Purpose::Invite.as_str())
    .bind(now)
    .fetch_optional(conn)
    .await
}

/// Removes the invitations to an address, and those by a user: for an erasure.
pub async fn forget(conn: &mut Conn, email_lower: &str, inviter: UserId) -> Result<(), Error> {
    sql("delete from invitations where email_lower = $1 or invited_by = $2")
        .bind(email_lower)
        .bind(inviter)
        .execute(conn)
        .await
        .map(|_| ())
}

/// Removes invitations that expired long ago.
pub async fn delete_old(db: &Db) -> Result<u64, Error> {
    db.delete_in_batches(
        sql("delete from invitations where id in (select id from invitations where expires_at < $1 limit $2)")
            .bind(db.now() - KEEP_EXPIRED),
    )
    .await
}

/// An invitation as admins see it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ListedInvitation {
    pub id: InvitationId,
    pub email: String,
    pub role: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub inviter_email: String,
    /// Whether the inviter is an admin who can sign in.
    pub inviter_is_admin: bool,
    /// The account that has the address meanwhile.
    pub account: Option<UserId>,
}

/// Returns the latest invitations that nobody has accepted, [`LISTED`] at most.
pub async fn list(conn: &mut Conn) -> Result<Vec<ListedInvitation>, Error> {
    sql("select i.id, i.email, i.role, i.created_at, i.expires_at, u.email as inviter_email,
            u.role = 'admin' and u.disabled_at is null as inviter_is_admin, a.id as account
        from invitations i join users u on u.id = i.invited_by left join users a on a.email_lower = i.email_lower
        order by i.created_at desc, i.id desc limit $1")
    .bind(LISTED)
    .fetch_all(conn)
    .await
}
