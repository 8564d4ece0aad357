//! The doors that go by mail: the ways into an account in which a link in a mail proves who somebody is.
//!
//! | door | asked at | the link leads to | using the link |
//! |---|---|---|---|
//! | confirm the address | sign-up, `/account` | `/verify/{token}` | the address is confirmed; imported leads become the user's |
//! | new or first password | `/forgot` | `/reset/{token}` | the password is set; all sessions end; the address is told |
//! | sign in without a password | `/login/link` | `/login/{token}` | the browser is signed in |
//! | another address | `/account` | `/email/{token}` | the account has the new address; the old one is told |
//! | an account by invitation | `/admin/users`, by an admin | `/invitation/{token}` | the account is made, and the browser is signed in |
//!
//! What always holds:
//! - Opening a link changes nothing, because mail servers open links to look at them. The button on the page uses the link.
//! - A link works once, for its purpose, for a limited time ([`one_time`]). Asking for a link reveals nothing about accounts: every
//!   address gets the same work and the same response ([`ask`]). The worker that sends the mail looks the account up.
//! - Once the owner of an address confirms it, a stranger's account with this address loses its password, providers and sessions
//!   ([`evict`]). A link that confirms an address works only for the user. Otherwise the owner of an address could confirm it for
//!   a stranger's account by mistake.
//! - The visitor of the browser that asked is in the link's row. In the transaction that uses the link, this visitor and that of
//!   the browser that opened the link are linked to the user. So the touches from before are the user's.
//! - Without mail, all of this is closed: pages do not offer it, and its addresses are not found.
//!
//! What an owner may want to change: how long links work stands in [`one_time`], how many mails an address gets in [`limit`], and
//! the texts of mails in [`mails`].

/// Accepting an invitation.
pub mod accept;
/// Asking for a link.
pub mod ask;
/// Another e-mail address.
pub mod change_email;
/// Ending what a stranger prepared.
pub mod evict;
/// An invitation, and the links that accept it.
pub mod invitation;
/// What admins do with invitations.
pub mod invite;
/// How many mails, and how often.
pub mod limit;
/// A link that signs in.
pub mod magic_link;
/// The mails about accounts, and the job that sends them.
pub mod mails;
/// The links that admins send to users.
pub mod on_behalf;
/// Links that work once.
pub mod one_time;
/// Whether mail goes out.
mod open;
/// A new password, or the first one.
pub mod reset;
/// Confirming an address.
pub mod verify;

pub use self::open::MailDoors;

use self::one_time::Purpose;
use super::{
    accounts::Accounts,
    backend::AuthSession,
    sign_in::{SignInRefusal, visitor_for},
};
use crate::{
    db::{Conn, Error, sql},
    id::{UserId, VisitorId},
    secret_token::SecretToken,
    timestamp::Timestamp,
    visitor::claim,
};

/// Why a link was not used.
#[derive(Debug, thiserror::Error)]
pub enum LinkRefusal {
    /// The link was used before, has expired, was ended by a change of password or address, or never was.
    #[error("the link does not work any more")]
    Gone,
    /// The link was opened in a browser that is not the user's.
    #[error("the user has to sign in first")]
    SignInFirst,
    /// The new password is not accepted: why, in words for the user.
    #[error("the password is not accepted")]
    NotAccepted(&'static str),
    /// Another account has the new address.
    #[error("another account has the address")]
    Taken,
    #[error(transparent)]
    Other(#[from] SignInRefusal),
}

impl From<Error> for LinkRefusal {
    fn from(error: Error) -> Self {
        match error.constraint().as_deref() {
            Some("users_email_lower_key") => Self::Taken,
            _ => Self::Other(error.into()),
        }
    }
}

impl From<tower_sessions::session::Error> for LinkRefusal {
    fn from(error: tower_sessions::session::Error) -> Self {
        Self::Other(error.into())
    }
}

/// Notes that the user reads mail at the account's address: a link from a mail was used, or a provider has verified the address.
/// Imported leads that waited for this become the user's.
pub(super) async fn note_proven_address(conn: &mut Conn, user: UserId, now: Timestamp) -> Result<(), Error> {
    sql("update users set email_verified_at = $2 where id = $1 and email_verified_at is null")
        .bind(user)
        .bind(now)
        .execute(conn)
        .await?;
    sql("update visitors set user_id = pending_user_id, linked_at = $2, pending_user_id = null
        where pending_user_id = $1 and user_id is null")
    .bind(user)
    .bind(now)
    .execute(conn)
    .await
    .map(|_| ())
}

/// Returns whether this site, or a provider, has seen the user read the address.
pub(super) async fn is_proven_address(conn: &mut Conn, user: UserId) -> Result<bool, Error> {
    let proven: i64 = sql("select count(*) from users where id = $1 and email_verified_at is not null")
        .bind(user)
        .fetch_scalar(conn)
        .await?;
    Ok(proven > 0)
}

/// Returns whether a browser is the user's: the user is signed in, or was when the browser's visitor was linked.
async fn is_users_own(
    conn: &mut Conn,
    auth: &AuthSession,
    opener: Option<VisitorId>,
    user: UserId,
) -> Result<bool, Error> {
    if auth.user.as_ref().is_some_and(|signed_in| signed_in.id == user) {
        return Ok(true);
    }
    let own: i64 = sql("select count(*) from visitors where id = $1 and user_id = $2")
        .bind(opener)
        .bind(user)
        .fetch_scalar(conn)
        .await?;
    Ok(own > 0)
}

/// Returns the visitor of the browser that opened a link, which only the user may use.
async fn opener_if_user(
    accounts: &Accounts,
    auth: &AuthSession,
    purpose: Purpose,
    token: &SecretToken,
) -> Result<Option<VisitorId>, LinkRefusal> {
    let found = one_time::look(&accounts.db, purpose, token).await?.ok_or(LinkRefusal::Gone)?;
    let opener = visitor_for(auth, found.user).await?;
    match is_users_own(&mut accounts.db.read().await?, auth, opener, found.user).await? {
        true => Ok(opener),
        false => Err(LinkRefusal::SignInFirst),
    }
}

/// Links the visitors of the browser that asked for a link, and of the one that opened it.
async fn link_browsers(
    conn: &mut Conn,
    browsers: impl IntoIterator<Item = Option<VisitorId>>,
    user: UserId,
    now: Timestamp,
) -> Result<(), Error> {
    for visitor in browsers.into_iter().flatten() {
        claim(conn, visitor, user, now).await?;
    }
    Ok(())
}
