//! How long each link in a mail works: [`Purpose::lasts`]. Change the times there.
//!
//! What always holds:
//! - The database has the digest of a token. The token itself is made when its mail is sent, and stands in that mail alone: also
//!   the queue of mails does not have it. A mail that is sent again has another token, and the first use of either ends both.
//! - One statement uses a token. Of two that use it at once, one gets it.
//! - A token is for one purpose and one user, or one invitation. A user's token ends when the user's password or address changes,
//!   when all sessions of the user are ended, or when the user is disabled.

use std::time::Duration;

use crate::{
    auth::user::User,
    db::{Conn, Db, Error, sql},
    id::{UserId, VisitorId},
    secret_token::SecretToken,
    timestamp::{DAY, Timestamp},
    word_enum::word_enum,
};

word_enum! {
    /// What a link is for. The database has the words on the right.
    pub enum Purpose {
        /// Confirm the address.
        Verify = "verify",
        /// Set a password.
        Reset = "reset",
        /// Sign in.
        SignIn = "sign_in",
        /// Confirm a new address.
        ChangeEmail = "change_email",
        /// Make the account that an [`invitation`](super::invitation) offers.
        Invite = "invite",
    }
}

impl Purpose {
    /// Returns how long a link works.
    pub const fn lasts(self) -> Duration {
        match self {
            Self::Verify => Duration::from_hours(3 * 24),
            Self::Reset => Duration::from_hours(1),
            Self::SignIn => Duration::from_mins(15),
            Self::ChangeEmail => DAY,
            Self::Invite => Duration::from_hours(7 * 24),
        }
    }

    /// Returns how long a link works in words, for mails and pages: `3 days`.
    pub fn lasts_in_words(self) -> String {
        let minutes = self.lasts().as_secs() / 60;
        let (count, unit) = match minutes {
            _ if minutes.is_multiple_of(24 * 60) => (minutes / (24 * 60), "day"),
            _ if minutes.is_multiple_of(60) => (minutes / 60, "hour"),
            _ => (minutes, "minute"),
        };
        format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
    }

    /// Returns the path of a link.
    pub fn path(self, token: &SecretToken) -> String {
        let folder = match self {
            Self::Verify => "/verify",
            Self::Reset => "/reset",
            Self::SignIn => "/login",
            Self::ChangeEmail => "/email",
            Self::Invite => "/invitation",
        };
        format!("{folder}/{}", token.as_str())
    }
}

/// What a token allows.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Grant {
    #[sqlx(rename = "user_id")]
    pub user: UserId,
    /// The address to which the link was sent.
    pub email: String,
    /// The visitor of the browser that asked for the link.
    #[sqlx(rename = "visitor_id")]
    pub asker: Option<VisitorId>,
}

/// Makes a token for a user, which is to be sent to `email`.
pub(super) async fn make(
    db: &Db,
    purpose: Purpose,
    user: &User,
    email: &str,
    asker: Option<VisitorId>,
) -> Result<SecretToken, Error> {
    let (token, now) = (SecretToken::random(), db.now());
    // A change of the password since `user` was read ends the token, too.
    let row = sql("insert into one_time_tokens
            (token_hash, purpose, user_id, email, session_epoch, visitor_id, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)")
    .bind(token.digest())
    .bind(purpose.as_str())
    .bind(user.id)
    .bind(email)
    .bind(user.session_epoch)
    .bind(asker)
    .bind(now)
    .bind(now + purpose.lasts());
    db.execute(row).await?;
    Ok(token)
}

/// The rows of a token that works: `$1` is its digest, `$2` its purpose, `$3` the time.
const WORKS: &str = "token_hash = $1 and purpose = $2 and expires_at > $3 and exists (
    select 1 from users u where u.id = one_time_tokens.user_id and u.disabled_at is null
        and u.session_epoch = one_time_tokens.session_epoch
        and (u.email = one_time_tokens.email or one_time_tokens.purpose = 'change_email'))";

/// Returns what a token allows, and changes nothing.
pub async fn look(db: &Db, purpose: Purpose, token: &SecretToken) -> Result<Option<Grant>, Error> {
    sql(format!("select user_id, email, visitor_id from one_time_tokens where {WORKS}"))
        .bind(token.digest())
        .bind(purpose.as_str())
        .bind(db.now())
        .fetch_optional(&mut db.read().await?)
        .await
}

/// Uses a token: returns what it allows, once. The user's other tokens for the same purpose end with it.
pub(super) async fn take(
    conn: &mut Conn,
    purpose: Purpose,
    token: &SecretToken,
    now: Timestamp,
) -> Result<Option<Grant>, Error> {
    let grant: Option<Grant> =
        sql(format!("delete from one_time_tokens where {WORKS} returning user_id, email, visitor_id"))
            .bind(token.digest())
            .bind(purpose.as_str())
            .bind(now)
            .fetch_optional(conn)
            .await?;
    if let Some(grant) = &grant {
        sql("delete from one_time_tokens where user_id = $1 and purpose = $2")
            .bind(grant.user)
            .bind(purpose.as_str())
            .execute(conn)
            .await?;
    }
    Ok(grant)
}

/// Ends all links of a user.
pub async fn end_all(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    sql("delete from one_time_tokens where user_id = $1").bind(user).execute(conn).await.map(|_| ())
}

/// Removes expired tokens.
pub async fn delete_expired(db: &Db) -> Result<u64, Error> {
    db.delete_in_batches(
        sql("delete from one_time_tokens where token_hash in (
            select token_hash from one_time_tokens where expires_at < $1 order by expires_at limit $2)")
        .bind(db.now()),
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::Purpose::{ChangeEmail, Invite, Reset, SignIn, Verify};

    #[test]
    fn mails_say_in_words_how_long_a_link_works() {
        for (purpose, words) in
            [(Verify, "3 days"), (Reset, "1 hour"), (SignIn, "15 minutes"), (ChangeEmail, "1 day"), (Invite, "7 days")]
        {
            assert_eq!(purpose.lasts_in_words(), words);
        }
    }
}
