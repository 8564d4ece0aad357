//! Signing in and out.

use std::{net::IpAddr, time::Duration};

use axum::http::{HeaderMap, header};
use futures::future::BoxFuture;
use tower_sessions::session;

use super::{
    accounts::Accounts,
    audit,
    backend::{AuthSession, Backend, BackendError, CheckedUser, Credentials},
    browser_words::browser_words,
    hasher::Busy,
    known_device::{self, DeviceTokens, KnownDevice},
    new_device::{self, WayIn},
    own_sessions::note_browser,
    pending_step,
    session_lifetime::{begin, has_begun},
    throttle,
    user::User,
};
use crate::{
    audit::{Action, Actor, Entry, Origin},
    db::{self, Conn},
    id::{UserId, VisitorId},
    timestamp::Timestamp,
    visitor::{self, SessionVisitor, link},
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
            axum_login::Error::Backend(error) => error.into(),
        }
    }
}

impl From<BackendError> for SignInRefusal {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::Database(error) => Self::Database(error),
            BackendError::Busy(_) => Self::Busy,
        }
    }
}

impl SignInRefusal {
    /// Returns the label of the metrics.
    fn outcome(&self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Wait(_) => "throttled",
            Self::Busy => "busy",
            Self::Database(_) | Self::Session(_) => "unavailable",
        }
    }
}

impl From<Busy> for SignInRefusal {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

/// The browser that sends a password.
#[derive(Clone, Debug)]
pub struct Client {
    pub address: IpAddr,
    /// Where the request comes from, for the audit log.
    pub origin: Origin,
    /// The browser in a few words: `Firefox on Linux`.
    pub browser: String,
    /// The tokens by which accounts know the browser.
    pub devices: DeviceTokens,
}

impl Client {
    /// Returns the browser that sends a request.
    pub fn of(address: IpAddr, headers: &HeaderMap, origin: Origin, secure: bool) -> Self {
        let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self { address, origin, browser: browser_words(user_agent), devices: DeviceTokens::of(headers, secure) }
    }
}

/// A password that is right.
pub(super) struct Checked<T> {
    pub found: T,
    /// The browser, if the account knew it.
    pub device: Option<KnownDevice>,
}

/// Checks credentials and signs the user in. Afterwards the session is stored under a new id, and its visitor belongs to the
/// user. A user with a second factor has to show a code first.
pub async fn sign_in(
    accounts: &Accounts,
    auth: &mut AuthSession,
    client: Client,
    credentials: Credentials,
) -> Result<LetIn, SignInRefusal> {
    let email = credentials.email.clone();
    let backend = Backend::new(accounts.db.clone(), accounts.hasher.clone());
    let check = async {
        match backend.check(credentials).await? {
            CheckedUser::Right(user) => Ok(Ok(user)),
            CheckedUser::Wrong(user) => Ok(Err(user)),
        }
    };
    let checked = checked_password(accounts, &client, &email, "sign_in", check).await;
    let Checked { found: user, device } = checked.inspect_err(|refusal| {
        metrics::counter!("waymark_sign_ins_total", "outcome" => refusal.outcome()).increment(1);
    })?;
    let_in(accounts, auth, client, &user, (WayIn::Password, device), |_| Box::pin(async { Ok(()) })).await
}

/// How far a sign-in is.
#[derive(Debug)]
pub enum LetIn {
    /// The user is signed in. The browser has to keep these tokens.
    SignedIn(DeviceTokens),
    /// The user has a second factor, and has to show a code on `/login/code`.
    CodeNeeded,
}

/// Signs in a user who has shown who they are: by a password, or in another way. A user with a second factor has to show a code
/// first. The browser is `None` if the account does not know it. `also` is stored in any case.
pub(super) async fn let_in<E, F>(
    accounts: &Accounts,
    auth: &mut AuthSession,
    client: Client,
    user: &User,
    (way, device): (WayIn, Option<KnownDevice>),
    also: F,
) -> Result<LetIn, E>
where
    E: From<db::Error> + From<SignInRefusal> + Send + 'static,
    F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<(), E>> + Send + 'static,
{
    if !user.second_factor {
        return let_in_now(accounts, auth, client, user, (way, device), also).await.map(LetIn::SignedIn);
    }
    accounts.db.transaction(also).await?;
    pending_step::begin(&auth.session, user, way, None, accounts.db.now()).await.map_err(SignInRefusal::from)?;
    Ok(LetIn::CodeNeeded)
}

/// Signs in a user who has shown everything. `also` is stored together with the sign-in. Returns the tokens that the browser has to
/// keep.
pub(super) async fn let_in_now<E, F>(
    accounts: &Accounts,
    auth: &mut AuthSession,
    mut client: Client,
    user: &User,
    (way, device): (WayIn, Option<KnownDevice>),
    also: F,
) -> Result<DeviceTokens, E>
where
    E: From<db::Error> + From<SignInRefusal> + Send + 'static,
    F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<(), E>> + Send + 'static,
{
    let visitor = visitor_for(auth, user.id).await.map_err(SignInRefusal::from)?;
    let (id, email, now) = (user.id, user.email.clone(), accounts.db.now());
    let new_device = device.is_none().then(|| client.devices.add());
    let entry = Entry::of_own_account(Action::SignIn, user.id, &user.email, &client.origin);
    let (who, browser, doors) = (user.clone(), client.browser.clone(), accounts.doors);
    // Linking comes before the session changes. So the lead sources belong to the user even if the response is lost.
    let visitor = accounts
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                also(conn).await?;
                match (device, new_device) {
                    // The strangers' count stays: the user's sign-in gives strangers no further guesses.
                    (Some(device), _) => known_device::remember_again(conn, device, now).await?,
                    (None, new) => {
                        throttle::forget_failures(conn, &email).await?;
                        new_device::tell(conn, &who, way, browser, doors, now).await?;
                        known_device::remember(conn, id, new.unwrap_or_default(), now).await?;
                    }
                }
                entry.write(conn, now).await?;
                Ok::<_, E>(link(conn, visitor, id, now).await?)
            })
        })
        .await?;
    accounts.jobs.wake();
    begin_session(auth, &client, user, visitor, now).await?;
    metrics::counter!("waymark_sign_ins_total", "outcome" => "right").increment(1);
    audit::note("sign_in", "right", Some(user.id), Some(client.address));
    Ok(client.devices)
}

/// Runs `check` unless the browser has to wait. For a wrong password, `check` returns the id of the account, if there is one. A
/// wrong password counts for the browser if the account knows the browser, and else for the address and for the account.
///
/// The wait is looked up again after the check. If many guesses run at once, the guesses that end after the limit was reached
/// learn nothing, even if one is right.
pub(super) async fn checked_password<T>(
    accounts: &Accounts,
    client: &Client,
    email: &str,
    event: &'static str,
    check: impl Future<Output = Result<Result<T, Option<UserId>>, SignInRefusal>>,
) -> Result<Checked<T>, SignInRefusal> {
    let early = |refusal: &SignInRefusal| {
        if let SignInRefusal::Wait(_) = refusal {
            audit::note(event, "throttled", None, Some(client.address));
        }
    };
    let known = refuse_early_try(accounts, client, email).await.inspect_err(early)?;
    let found = check.await?;
    let in_time = refuse_early_try(accounts, client, email).await;
    match found {
        Ok(found) => in_time.inspect_err(early).map(|device| Checked { found, device }),
        Err(user) => {
            audit::note(event, "wrong", user, Some(client.address));
            let counted = match &known {
                Some(device) => known_device::count_failure(&accounts.db, device).await?,
                None => false,
            };
            if !counted {
                accounts.sign_in_limit.count(client.address);
                let stranger = Actor::stranger(client.origin.clone());
                let slowed = user.map(|user| Entry::new(Action::SignInsSlowed, &stranger).on_user(user, email.trim()));
                throttle::count_failure(&accounts.db, email, slowed).await?;
            }
            Err(in_time.err().unwrap_or(SignInRefusal::Wrong))
        }
    }
}

/// Refuses a try for which the browser has to wait. Returns the browser if the account knows the browser. Only failures in a known
/// browser make this browser wait. Other browsers wait after failures of their address and of the account.
async fn refuse_early_try(
    accounts: &Accounts,
    client: &Client,
    email: &str,
) -> Result<Option<KnownDevice>, SignInRefusal> {
    let now = accounts.db.now();
    let known = match client.devices.is_empty() {
        true => None,
        false => known_device::find(&mut accounts.db.read().await?, email, &client.devices).await?,
    };
    let wait = match (&known, accounts.sign_in_limit.wait_of(client.address)) {
        (Some(device), _) => device.blocked_until - now,
        (None, Some(wait)) => wait,
        (None, None) => throttle::wait_of(&mut accounts.db.read().await?, email, now).await?,
    };
    match wait {
        Duration::ZERO => Ok(known),
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
    client: &Client,
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
    note_browser(&auth.session, &client.browser).await?;
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
        audit::note("sign_out", "done", Some(user.id), None);
    }
    Ok(())
}
