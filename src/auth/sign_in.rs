//! Signing in and out.

use std::net::IpAddr;

use tower_sessions::session;

use super::{
    AuthSession, User,
    backend::{BackendError, Credentials},
    session_lifetime::{begin, has_begun},
    throttle,
};
use crate::{
    attribution::{
        capture::lead_source_layer::link,
        touch::visitor::{self, SessionVisitor},
    },
    db::{self, Millis},
    id::{UserId, VisitorId},
    state::AppState,
};

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Unknown address, wrong password or disabled user: which, is not told.
    #[error("wrong credentials")]
    Wrong,
    /// Too many failures; the next try is worth it after so many milliseconds.
    #[error("too many failures")]
    Wait(Millis),
    #[error("too many sign-ins at once")]
    Busy,
    #[error(transparent)]
    Database(#[from] db::Error),
    #[error(transparent)]
    Session(#[from] session::Error),
}

impl From<axum_login::Error<super::Backend>> for Failure {
    fn from(error: axum_login::Error<super::Backend>) -> Self {
        match error {
            axum_login::Error::Session(error) => Self::Session(error),
            axum_login::Error::Backend(BackendError::Database(error)) => Self::Database(error),
            axum_login::Error::Backend(BackendError::Busy(_)) => Self::Busy,
        }
    }
}

/// Checks credentials and signs the user in. Afterwards the session is stored under a new id and its visitor is the user's.
pub async fn sign_in(
    state: &AppState,
    auth: &mut AuthSession,
    address: IpAddr,
    credentials: Credentials,
) -> Result<(), Failure> {
    let email = credentials.email.clone();
    not_throttled(state, address, &email).await?;
    let user = auth.authenticate(credentials).await?;
    // Again, now that it is known: of many guesses at once, those that were checked after the limit was reached learn nothing.
    let throttled = not_throttled(state, address, &email).await;
    let Some(user) = user else {
        state.sign_in_limit.count(address);
        throttle::failed(&state.db, &email).await?;
        metrics::counter!("waymark_sign_ins_total", "outcome" => "wrong").increment(1);
        tracing::info!("a sign-in failed");
        return Err(throttled.err().unwrap_or(Failure::Wrong));
    };
    throttled?;
    let visitor = visitor_for(auth, user.id).await?;
    let (id, now) = (user.id, state.db.now());
    // Before the session changes: whatever happens to the response, the lead sources are the user's.
    let visitor = state
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                throttle::succeeded(conn, &email).await?;
                link(conn, visitor, id, now).await
            })
        })
        .await?;
    begin_session(auth, &user, visitor, now).await?;
    metrics::counter!("waymark_sign_ins_total", "outcome" => "right").increment(1);
    tracing::info!(user = %user.id, "signed in");
    Ok(())
}

/// Whether a try is due, by address and by account.
pub(super) async fn not_throttled(state: &AppState, address: IpAddr, email: &str) -> Result<(), Failure> {
    if let Some(wait) = state.sign_in_limit.wait_of(address) {
        return Err(Failure::Wait(wait.as_millis() as Millis));
    }
    match throttle::wait_of(&mut state.db.read().await?, email, state.db.now()).await? {
        0 => Ok(()),
        wait => Err(Failure::Wait(wait)),
    }
}

/// The visitor who becomes this user's: the session's, unless somebody else signed in with it.
pub(super) async fn visitor_for(auth: &AuthSession, user: UserId) -> Result<Option<VisitorId>, session::Error> {
    if is_of_another(auth, user).await? {
        return Ok(None);
    }
    Ok(visitor::get(&auth.session).await?.map(|visitor| visitor.id))
}

/// Whether somebody else signed in with this session: perhaps one who is disabled by now, so that nobody is signed in.
async fn is_of_another(auth: &AuthSession, user: UserId) -> Result<bool, session::Error> {
    let same = auth.user.as_ref().is_some_and(|current| current.id == user);
    Ok(!same && has_begun(&auth.session).await?)
}

/// Makes the session the user's, under a new id, and stores it. The last thing a sign-in does.
pub(super) async fn begin_session(
    auth: &mut AuthSession,
    user: &User,
    visitor: SessionVisitor,
    now: Millis,
) -> Result<(), Failure> {
    if is_of_another(auth, user.id).await? {
        // nothing of one user's session is left for another
        auth.session.flush().await?;
    }
    visitor::set(&auth.session, visitor).await?;
    begin(&auth.session, now).await?;
    // axum-login changes the id only where nobody was signed in
    auth.session.cycle_id().await?;
    auth.login(user).await?;
    // The session layer would save it with the response: not at all after a 5xx, a time-out or a client that left.
    auth.session.save().await?;
    Ok(())
}

/// Signs out: the session is gone, for every request that still carries its cookie.
pub async fn sign_out(auth: &mut AuthSession) -> Result<(), Failure> {
    if let Some(user) = auth.logout().await? {
        tracing::info!(user = %user.id, "signed out");
    }
    Ok(())
}
