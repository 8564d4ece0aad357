//! Signing in and out.

use std::{net::IpAddr, time::Duration};

use tower_sessions::session;

use super::{
    accounts::Accounts,
    backend::{AuthSession, Backend, BackendError, Credentials},
    password::Busy,
    session_lifetime::{begin, has_begun},
    throttle,
    user::User,
};
use crate::{
    attribution::{
        touch::link::link,
        touch::visitor::{self, SessionVisitor},
    },
    db,
    id::{UserId, VisitorId},
    timestamp::Timestamp,
};

/// Why a user was not signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInRefusal {
    /// Unknown address, wrong password or disabled user. The page does not say which.
    #[error("wrong credentials")]
    Wrong,
    /// Too many failures: the next try has to wait for this time.
    #[error("too many failures")]
    Wait(Duration),
    /// Too many passwords are being checked.
    #[error("too many sign-ins at once")]
    Busy,
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// The session could not be read or stored.
    #[error(transparent)]
    Session(#[from] session::Error),
}

impl From<axum_login::Error<Backend>> for SignInRefusal {
    fn from(error: axum_login::Error<Backend>) -> Self {
        match error {
            axum_login::Error::Session(error) => Self::Session(error),
            axum_login::Error::Backend(BackendError::Database(error)) => Self::Database(error),
            axum_login::Error::Backend(BackendError::Busy(_)) => Self::Busy,
        }
    }
}

impl From<Busy> for SignInRefusal {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

/// Checks credentials and signs the user in. Afterwards the session is stored under a new id, and its visitor belongs to the
/// user.
pub async fn sign_in(
    accounts: &Accounts,
    auth: &mut AuthSession,
    address: IpAddr,
    credentials: Credentials,
) -> Result<(), SignInRefusal> {
    let email = credentials.email.clone();
    let user = checked_password(accounts, address, &email, async {
        let user = auth.authenticate(credentials).await?;
        if user.is_none() {
            metrics::counter!("waymark_sign_ins_total", "outcome" => "wrong").increment(1);
            tracing::info!("a sign-in failed");
        }
        Ok(user)
    })
    .await?;
    let visitor = visitor_for(auth, user.id).await?;
    let (id, now) = (user.id, accounts.db.now());
    // Linking comes before the session changes. So the lead sources belong to the user even if the response is lost.
    let visitor = accounts
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                throttle::forget_failures(conn, &email).await?;
                link(conn, visitor, id, now).await
            })
        })
        .await?;
    begin_session(auth, &user, visitor, now).await?;
    metrics::counter!("waymark_sign_ins_total", "outcome" => "right").increment(1);
    tracing::info!(user = %user.id, "signed in");
    Ok(())
}

/// Runs `check`, which returns `None` for a wrong password, unless the address or the account has to wait. A wrong password
/// counts for both.
///
/// The wait is looked up again after the check. If many guesses run at once, the guesses that end after the limit was reached
/// learn nothing, even if one is right.
pub(super) async fn checked_password<T>(
    accounts: &Accounts,
    address: IpAddr,
    email: &str,
    check: impl Future<Output = Result<Option<T>, SignInRefusal>>,
) -> Result<T, SignInRefusal> {
    refuse_early_try(accounts, address, email).await?;
    let found = check.await?;
    let in_time = refuse_early_try(accounts, address, email).await;
    match found {
        Some(found) => in_time.map(|()| found),
        None => {
            accounts.sign_in_limit.count(address);
            throttle::count_failure(&accounts.db, email).await?;
            Err(in_time.err().unwrap_or(SignInRefusal::Wrong))
        }
    }
}

/// Refuses a try for which the address or the account has to wait.
async fn refuse_early_try(accounts: &Accounts, address: IpAddr, email: &str) -> Result<(), SignInRefusal> {
    if let Some(wait) = accounts.sign_in_limit.wait_of(address) {
        return Err(SignInRefusal::Wait(wait));
    }
    match throttle::wait_of(&mut accounts.db.read().await?, email, accounts.db.now()).await? {
        Duration::ZERO => Ok(()),
        wait => Err(SignInRefusal::Wait(wait)),
    }
}

/// Returns the visitor to link to `user`: the session's, unless another user signed in with the session.
pub(super) async fn visitor_for(auth: &AuthSession, user: UserId) -> Result<Option<VisitorId>, session::Error> {
    if is_of_another(auth, user).await? {
        return Ok(None);
    }
    Ok(visitor::get(&auth.session).await?.map(|visitor| visitor.id))
}

/// Returns whether another user signed in with this session. That user may be disabled or erased by now.
async fn is_of_another(auth: &AuthSession, user: UserId) -> Result<bool, session::Error> {
    let same = auth.user.as_ref().is_some_and(|current| current.id == user);
    Ok(!same && has_begun(&auth.session).await?)
}

/// Gives the session to the user, under a new id, and stores it. A sign-in calls this function last, so that nothing can fail
/// afterwards.
pub(super) async fn begin_session(
    auth: &mut AuthSession,
    user: &User,
    visitor: SessionVisitor,
    now: Timestamp,
) -> Result<(), SignInRefusal> {
    if is_of_another(auth, user.id).await? {
        // The next user must find nothing from the session of the user before.
        auth.session.flush().await?;
    }
    visitor::set(&auth.session, visitor).await?;
    begin(&auth.session, now).await?;
    // axum-login changes the id only if no user was signed in.
    auth.session.cycle_id().await?;
    auth.login(user).await?;
    // The session layer saves the session with the response, but not after a 5xx, a time-out or a client that left.
    auth.session.save().await?;
    Ok(())
}

/// Signs out: removes the session, also for requests in flight that carry its cookie.
pub async fn sign_out(auth: &mut AuthSession) -> Result<(), SignInRefusal> {
    if let Some(user) = auth.logout().await? {
        tracing::info!(user = %user.id, "signed out");
    }
    Ok(())
}
