//! Creating an account.

use std::{net::IpAddr, time::Duration};

use futures::future::BoxFuture;

use super::{
    accounts::Accounts,
    audit,
    backend::AuthSession,
    doors::{
        MailDoors,
        ask::{asking_visitor, send_limited},
        mails::AccountMail,
    },
    hasher::NewPasswordError,
    known_device::{self, DeviceTokens},
    password,
    sign_in::{Client, SignInRefusal, begin_session, visitor_for},
    sign_up_limit,
    user::{NO_PASSWORD, Role, User, email_key, parse_email},
};
use crate::{
    attribution::{conversion::sign_up_conversion, referral::token::attribute_referral},
    audit::{Action, Entry, Origin},
    db::{Conn, Error, sql},
    id::UserId,
    timestamp::Timestamp,
    visitor::link,
};

/// Why an account was not created or changed.
#[derive(Debug, thiserror::Error)]
pub enum SignUpRefusal {
    /// What is wrong with the e-mail address and with the password, in words for the user.
    #[error("invalid")]
    Invalid { email: Option<&'static str>, password: Option<&'static str> },
    /// Accounts are by invitation only.
    #[error("accounts are by invitation only")]
    ByInvitation,
    /// The invitation was used, revoked or changed meanwhile, or has expired.
    #[error("the invitation does not work any more")]
    InvitationGone,
    /// There is an account with this address.
    #[error("the address has an account")]
    Taken,
    /// The network sent too many sign-up forms. The next one has to wait for this time.
    #[error("too many sign-up forms from one network")]
    TooManyTries(Duration),
    /// The whole site has made as many accounts as it may in an hour. The next one has to wait for this time.
    #[error("too many sign-ups on the whole site")]
    SiteFull(Duration),
    /// The account could not be stored, or the user could not be signed in.
    #[error(transparent)]
    Other(#[from] SignInRefusal),
}

impl From<Error> for SignUpRefusal {
    fn from(error: Error) -> Self {
        match error.constraint().as_deref() {
            Some("users_email_lower_key") => Self::Taken,
            _ => Self::Other(error.into()),
        }
    }
}

impl From<NewPasswordError> for SignUpRefusal {
    fn from(error: NewPasswordError) -> Self {
        match error {
            NewPasswordError::NotAccepted(why) => Self::Invalid { email: None, password: Some(why) },
            NewPasswordError::Busy(busy) => Self::Other(busy.into()),
        }
    }
}

impl SignUpRefusal {
    /// Returns the label of the metrics.
    fn reason(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::ByInvitation => "by_invitation",
            Self::InvitationGone => "invitation_gone",
            Self::Taken => "taken",
            Self::TooManyTries(_) => "too_many_tries",
            Self::SiteFull(_) => "site_full",
            Self::Other(SignInRefusal::Busy) => "busy",
            Self::Other(_) => "unavailable",
        }
    }
}

/// What a sign-up did.
#[derive(Debug)]
pub enum SignedUp {
    /// The user is signed in. The browser has to keep the tokens.
    SignedIn(DeviceTokens),
    /// The address gets a mail, which says whether an account was made.
    LookAtMail(String),
}

/// Creates a member. Account, conversion, lead sources and referrer are stored in one transaction.
///
/// Without mail, the member is signed in, and an address with an account is refused. With mail, the response is the same whether
/// the address has an account or not: only the mail tells.
pub async fn sign_up(
    accounts: &Accounts,
    auth: &mut AuthSession,
    client: Client,
    email: &str,
    password: String,
) -> Result<SignedUp, SignUpRefusal> {
    counted(client.address, make_account(accounts, auth, client, email, password).await)
}

/// Does what [`sign_up`] does, for a person whose address somebody else has verified. No password opens the account. `also` is
/// stored together with the account.
pub(super) async fn sign_up_without_password<F>(
    accounts: &Accounts,
    auth: &mut AuthSession,
    client: Client,
    email: &str,
    also: F,
) -> Result<DeviceTokens, SignUpRefusal>
where
    F: for<'c> FnOnce(&'c mut Conn, UserId, Timestamp) -> BoxFuture<'c, Result<(), SignUpRefusal>> + Send + 'static,
{
    let address = client.address;
    let new = NewAccount { email: email.to_owned(), hash: NO_PASSWORD.to_owned(), role: Role::Member, invited: false };
    let stored = match accounts.registration.is_open() {
        true => store(accounts, auth, client, new, also).await,
        false => Err(SignUpRefusal::ByInvitation),
    };
    counted(address, stored.map(|(user, devices)| (Some(user), devices)))
}

/// Makes an account for a person who was invited, and signs the person in. `also` uses up the invitation.
pub(super) async fn sign_up_invited<F>(
    accounts: &Accounts,
    auth: &mut AuthSession,
    client: Client,
    new: NewAccount,
    also: F,
) -> Result<DeviceTokens, SignUpRefusal>
where
    F: for<'c> FnOnce(&'c mut Conn, UserId, Timestamp) -> BoxFuture<'c, Result<(), SignUpRefusal>> + Send + 'static,
{
    let address = client.address;
    let stored = store(accounts, auth, client, new, also).await;
    counted(address, stored.map(|(user, devices)| (Some(user), devices)))
}

/// An account that is about to be made.
pub(super) struct NewAccount {
    pub email: String,
    pub hash: String,
    pub role: Role,
    /// Whether an admin has invited the person. A flood of sign-ups does not keep these people out.
    pub invited: bool,
}

/// Counts and logs a sign-up.
fn counted<T>(address: IpAddr, outcome: Result<(Option<UserId>, T), SignUpRefusal>) -> Result<T, SignUpRefusal> {
    match outcome {
        Ok((None, signed_up)) => {
            audit::note("sign_up", "taken", None, Some(address));
            Ok(signed_up)
        }
        Ok((Some(user), signed_up)) => {
            metrics::counter!("waymark_sign_ups_total").increment(1);
            audit::note("sign_up", "done", Some(user), Some(address));
            Ok(signed_up)
        }
        Err(refusal) => {
            metrics::counter!("waymark_sign_ups_refused_total", "reason" => refusal.reason()).increment(1);
            audit::note("sign_up", refusal.reason(), None, Some(address));
            Err(refusal)
        }
    }
}

async fn make_account(
    accounts: &Accounts,
    auth: &mut AuthSession,
    client: Client,
    email: &str,
    password: String,
) -> Result<(Option<UserId>, SignedUp), SignUpRefusal> {
    if !accounts.registration.is_open() {
        return Err(SignUpRefusal::ByInvitation);
    }
    if let Some(wait) = accounts.sign_up_tries.wait_or_count(client.address) {
        return Err(SignUpRefusal::TooManyTries(wait));
    }
    let email = valid(email, &password)?;
    let per_hour = accounts.sign_ups_per_hour;
    refuse_if_full(sign_up_limit::wait_of(&mut accounts.db.read().await?, per_hour, accounts.db.now()).await?)?;
    let hash = accounts.hasher.hash_new(password, &email).await?;
    if accounts.doors == MailDoors::Open {
        let made = make_by_mail(accounts, auth, email.clone(), hash, client.origin).await?;
        return Ok((made, SignedUp::LookAtMail(email)));
    }
    let (doors, to) = (accounts.doors, email.clone());
    let new = NewAccount { email, hash, role: Role::Member, invited: false };
    let stored = store(accounts, auth, client, new, move |conn, user, now| {
        Box::pin(async move { Ok(AccountMail::Verify { user, email: to, asker: None }.send(conn, doors, now).await?) })
    });
    let (user, devices) = stored.await?;
    accounts.jobs.wake();
    Ok((Some(user), SignedUp::SignedIn(devices)))
}

async fn store<F>(
    accounts: &Accounts,
    auth: &mut AuthSession,
    mut client: Client,
    new: NewAccount,
    also: F,
) -> Result<(UserId, DeviceTokens), SignUpRefusal>
where
    F: for<'c> FnOnce(&'c mut Conn, UserId, Timestamp) -> BoxFuture<'c, Result<(), SignUpRefusal>> + Send + 'static,
{
    let per_hour = accounts.sign_ups_per_hour;
    let (id, now, credit) = (UserId::new(), accounts.db.now(), accounts.referral_credit);
    let visitor = visitor_for(auth, id).await.map_err(SignInRefusal::from)?;
    let (token_hash, client_origin) = (client.devices.add(), client.origin.clone());
    let NewAccount { email, hash, role, invited } = new;
    let (user, visitor) = accounts
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                insert(conn, id, &email, &hash, role, now).await?;
                also(conn, id, now).await?;
                let visitor = link(conn, visitor, id, now).await?;
                attribute_referral(conn, visitor.id, id, credit, now).await?;
                known_device::remember(conn, id, token_hash, now).await?;
                Entry::of_own_account(Action::SignUp, id, &email, &client_origin).write(conn, now).await?;
                let user = User::find(conn, id).await?.ok_or_else(|| Error::from(sqlx::Error::RowNotFound))?;
                if !invited {
                    // Others may have signed up while the password was hashed.
                    refuse_if_full(sign_up_limit::take(conn, per_hour, now).await?)?;
                }
                Ok::<_, SignUpRefusal>((user, visitor))
            })
        })
        .await?;
    begin_session(auth, &client, &user, visitor, now).await?;
    Ok((id, client.devices))
}

/// Makes an account without signing in, and sends a mail. If an account has the address, only a mail is sent, to its owner.
/// Returns the new user.
async fn make_by_mail(
    accounts: &Accounts,
    auth: &AuthSession,
    email: String,
    hash: String,
    origin: Origin,
) -> Result<Option<UserId>, SignUpRefusal> {
    let visitor = asking_visitor(auth).await.map_err(SignInRefusal::from)?;
    let (id, now, credit) = (UserId::new(), accounts.db.now(), accounts.referral_credit);
    let (doors, per_hour) = (accounts.doors, accounts.sign_ups_per_hour);
    let made = accounts
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                let taken = User::find_by_email(conn, &email).await?.is_some();
                // An account is made either way, so that the time does not tell which way it was. It is unmade if the address is
                // taken.
                let address = if taken { format!("{id}@taken.invalid") } else { email.clone() };
                sql("savepoint account").execute(conn).await?;
                insert(conn, id, &address, &hash, Role::Member, now).await?;
                let visitor = link(conn, Some(visitor), id, now).await?;
                attribute_referral(conn, visitor.id, id, credit, now).await?;
                Entry::of_own_account(Action::SignUp, id, &address, &origin).write(conn, now).await?;
                let mail = if taken {
                    sql("rollback to savepoint account").execute(conn).await?;
                    AccountMail::AccountExists { email: email.clone() }
                } else {
                    AccountMail::Verify { user: id, email: email.clone(), asker: Some(visitor.id) }
                };
                sql("release savepoint account").execute(conn).await?;
                send_limited(conn, mail, doors, now).await?;
                refuse_if_full(sign_up_limit::take(conn, per_hour, now).await?)?;
                Ok::<_, SignUpRefusal>((!taken).then_some(id))
            })
        })
        .await;
    accounts.jobs.wake();
    match made {
        // Another sign-up with the address was faster, and has sent the mail.
        Err(SignUpRefusal::Taken) => Ok(None),
        made => made,
    }
}

fn refuse_if_full(wait: Duration) -> Result<(), SignUpRefusal> {
    if wait.is_zero() { Ok(()) } else { Err(SignUpRefusal::SiteFull(wait)) }
}

/// Returns the e-mail address of a new account. Checks only the length of the password: judging how easy the password is to guess
/// takes long, and comes later.
pub(super) fn valid(email: &str, password: &str) -> Result<String, SignUpRefusal> {
    match (parse_email(email), password::accept_length(password)) {
        (Ok(email), Ok(())) => Ok(email),
        (email, password) => Err(SignUpRefusal::Invalid { email: email.err(), password: password.err() }),
    }
}

/// Adds an account, and its sign-up to the conversions.
pub(super) async fn insert(
    conn: &mut Conn,
    id: UserId,
    email: &str,
    hash: &str,
    role: Role,
    now: Timestamp,
) -> Result<(), Error> {
    sql("insert into users (id, email, email_lower, password_hash, role, created_at) values ($1, $2, $3, $4, $5, $6)")
        .bind(id)
        .bind(email)
        .bind(email_key(email))
        .bind(hash)
        .bind(role.as_str())
        .bind(now)
        .execute(conn)
        .await?;
    sign_up_conversion(conn, id, now).await
}
