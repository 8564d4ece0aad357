//! Asking for a link.
//!
//! Asking does the same for every address, whether an account has it or not: it adds a job. The worker finds out later.

use std::time::Duration;

use super::{
    MailDoors,
    limit::{MAILS, WITHIN},
    mails::AccountMail,
};
use crate::{
    auth::{
        accounts::Accounts,
        audit,
        backend::AuthSession,
        sign_in::{Client, SignInRefusal},
        throttle::account_key,
        user::parse_email,
    },
    db::{Conn, Error},
    id::VisitorId,
    jobs::queue::count_about,
    timestamp::Timestamp,
    visitor::{self, SessionVisitor},
};

/// Why no mail was asked for.
#[derive(Debug, thiserror::Error)]
pub enum AskRefusal {
    /// What is wrong with the address, in words for the user.
    #[error("the address is invalid")]
    Invalid(&'static str),
    /// The network asked too often. The next time has to wait this long.
    #[error("too many requests for mails from one network")]
    TooMany(Duration),
    #[error(transparent)]
    Other(#[from] SignInRefusal),
}

impl From<Error> for AskRefusal {
    fn from(error: Error) -> Self {
        Self::Other(error.into())
    }
}

/// What a person asks for, without being signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Reset,
    SignIn,
}

/// Asks for a link to an address. Returns the address.
pub async fn ask(
    accounts: &Accounts,
    auth: &AuthSession,
    client: &Client,
    asked: Asked,
    email: &str,
) -> Result<String, AskRefusal> {
    count_try(accounts, client)?;
    let email = parse_email(email).map_err(AskRefusal::Invalid)?;
    let asker = Some(asking_visitor(auth).await.map_err(SignInRefusal::from)?);
    let (event, mail) = match asked {
        Asked::Reset => ("reset_link", AccountMail::Reset { email: email.clone(), asker }),
        Asked::SignIn => ("sign_in_link", AccountMail::SignIn { email: email.clone(), asker }),
    };
    let (doors, now) = (accounts.doors, accounts.db.now());
    accounts.db.transaction(move |conn| Box::pin(async move { send_limited(conn, mail, doors, now).await })).await?;
    accounts.jobs.wake();
    audit::note(event, "asked", None, Some(client.address));
    Ok(email)
}

/// Counts a request of a network.
pub(super) fn count_try(accounts: &Accounts, client: &Client) -> Result<(), AskRefusal> {
    accounts.ask_tries.wait_or_count(client.address).map_or(Ok(()), |wait| Err(AskRefusal::TooMany(wait)))
}

/// Adds a mail, unless its address got too many. Returns whether the mail was added.
pub(crate) async fn send_limited(
    conn: &mut Conn,
    mail: AccountMail,
    doors: MailDoors,
    now: Timestamp,
) -> Result<bool, Error> {
    let sent = count_about::<AccountMail>(conn, account_key(&mail.counted_as()), now - WITHIN).await?;
    if sent >= MAILS {
        return Ok(false);
    }
    mail.send(conn, doors, now).await?;
    Ok(true)
}

/// Returns the visitor of the browser that asks. A session without a visitor gets one, as at a sign-in. So what brought the person is
/// found even if the person agrees to be remembered only after asking.
pub(crate) async fn asking_visitor(auth: &AuthSession) -> Result<VisitorId, tower_sessions::session::Error> {
    if let Some(known) = visitor::get(&auth.session).await? {
        return Ok(known.id);
    }
    let new = SessionVisitor { id: VisitorId::new(), user: None };
    visitor::set(&auth.session, new).await?;
    Ok(new.id)
}
