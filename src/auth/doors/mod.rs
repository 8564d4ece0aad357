//! The doors that go by mail: the ways into an account in which a link in a mail proves who somebody is.
//!
//! | door | asked at | the link leads to | using the link |
//! |---|---|---|---|
//! | confirm the address | sign-up, `/account` | `/verify/{token}` | the address is confirmed; imported leads become the user's |
//! | new or first password | `/forgot` | `/reset/{token}` | the password is set; all sessions end; the address is told |
//! | sign in without a password | `/login/link` | `/login/{token}` | the browser is signed in |
//! | another address | `/account` | `/email/{token}` | the account has the new address; the old one is told |
//!
//! What always holds:
//! - Opening a link changes nothing: mail servers and programs open links to look at them. A button on the page does.
//! - A link works once, for its purpose, for a limited time ([`one_time`]). Whoever asks for a link learns nothing about accounts: the same
//!   work is done and the same answer given for every address ([`ask`]). The worker, which sends the mail, looks the account up.
//! - The visitor of the browser that asked is in the link's row. In the transaction that uses the link, this visitor and that of the
//!   browser that opened the link are linked to the user. So what brought a person is the person's through every door.
//! - Without mail, all of this is closed: pages do not offer it, and its addresses are not found.
//!
//! What an owner may want to change: how long links work stands in [`one_time`], how many mails an address gets in [`limit`], and
//! the texts of mails in [`mails`].

/// Asking for a link.
pub mod ask;
/// Another e-mail address.
pub mod change_email;
/// How many mails, and how often.
pub mod limit;
/// A link that signs in.
pub mod magic_link;
/// The mails about accounts, and the job that sends them.
pub mod mails;
/// Links that work once.
pub mod one_time;
/// Whether mail goes out.
mod open;
/// A new password, or the first one.
pub mod reset;
/// Confirming an address.
pub mod verify;

pub use self::open::MailDoors;

use super::sign_in::SignInRefusal;
use crate::{
    attribution::touch::link::claim,
    db::{Conn, Error, sql},
    id::{UserId, VisitorId},
    timestamp::Timestamp,
};

/// Why a link was not used.
#[derive(Debug, thiserror::Error)]
pub enum LinkRefusal {
    /// The link was used before, has expired, was ended by a change of password or address, or never was.
    #[error("the link does not work any more")]
    Gone,
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

/// Notes that somebody who reads the user's mail used a link, or signed in with a provider that has seen the person read it. The user's imported leads no longer wait for this.
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

/// Links the visitor of the browser that asked for the link.
async fn link_asker(conn: &mut Conn, asker: Option<VisitorId>, user: UserId, now: Timestamp) -> Result<(), Error> {
    match asker {
        Some(visitor) => claim(conn, visitor, user, now).await.map(|_| ()),
        None => Ok(()),
    }
}
