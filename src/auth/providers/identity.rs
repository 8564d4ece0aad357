use super::{
    Person, Provider, ProviderError,
    connection::{connected, insert, note_use, of_user},
};
use crate::{
    audit::{Action, Entry, Origin},
    auth::{
        accounts::Accounts,
        audit,
        backend::AuthSession,
        doors::{MailDoors, is_proven_address, mails::AccountMail, note_proven_address},
        known_device::{self, DeviceTokens},
        new_device::WayIn,
        pending_step::{self, Joins},
        sign_in::{self, Client, LetIn, SignInRefusal},
        sign_up::{self, SignUpRefusal},
        user::{NO_PASSWORD, User, parse_email},
    },
    db::{Conn, Error, sql},
    id::UserId,
    timestamp::Timestamp,
};

/// What an answer of a provider led to.
#[derive(Debug)]
pub enum Arrival {
    /// The user is signed in. The browser has to keep these tokens.
    SignedIn(DeviceTokens),
    /// The user has a second factor, and has to show a code.
    CodeNeeded,
    /// The provider is connected to the account of the session.
    Connected,
}

/// Why an answer of a provider opened no account.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The answer belongs to no sign-in of this session.
    #[error("no sign-in waits for the answer")]
    Stray,
    /// The provider has not seen the person read any address.
    #[error("no verified address")]
    NoVerifiedAddress,
    /// An account has the address, but this site has not seen its user read the address. The user may be somebody else, who signed
    /// up first and waits for the person to come.
    #[error("an account has the address, and the address is not verified here")]
    NotJoined,
    /// The person is connected to another account.
    #[error("the person is connected to another account")]
    OfAnother,
    /// The account is connected to another person at the provider.
    #[error("the account is connected to another person")]
    HasAnother,
    #[error("the account is disabled")]
    Disabled,
    /// The user has to confirm the account's address first.
    #[error("the address of the account is not confirmed")]
    ConfirmFirst,
    /// No account has the address, and accounts are by invitation only.
    #[error("accounts are by invitation only")]
    ByInvitation,
    /// The whole site has made as many accounts as it may in an hour.
    #[error("too many sign-ups on the whole site")]
    SiteFull,
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Other(#[from] SignInRefusal),
}

impl From<SignUpRefusal> for Refusal {
    fn from(refusal: SignUpRefusal) -> Self {
        match refusal {
            SignUpRefusal::Other(refusal) => Self::Other(refusal),
            // Somebody else has signed up with the address since it was looked up.
            SignUpRefusal::Taken => Self::NotJoined,
            SignUpRefusal::Invalid { .. } => Self::NoVerifiedAddress,
            SignUpRefusal::ByInvitation | SignUpRefusal::InvitationGone => Self::ByInvitation,
            SignUpRefusal::TooManyTries(_) | SignUpRefusal::SiteFull(_) => Self::SiteFull,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error.constraint().as_deref() {
            Some("user_identities_pkey") => Self::OfAnother,
            Some("user_identities_user_id_provider_key") => Self::HasAnother,
            _ => Self::Other(error.into()),
        }
    }
}

/// Signs a person in who is connected to an account, or whose address an account has. Else makes an account.
pub(super) async fn sign_in(
    accounts: &Accounts,
    auth: &mut AuthSession,
    client: Client,
    provider: Provider,
    person: Person,
) -> Result<Arrival, Refusal> {
    match try_to_sign_in(accounts, auth, client.clone(), provider, person.clone()).await {
        // Another answer for the same person may have made the account meanwhile.
        Err(Refusal::NotJoined | Refusal::OfAnother)
            if connected(&mut accounts.db.read().await?, provider, &person.subject).await?.is_some() =>
        {
            try_to_sign_in(accounts, auth, client, provider, person).await
        }
        entry => entry,
    }
}

async fn try_to_sign_in(
    accounts: &Accounts,
    auth: &mut AuthSession,
    client: Client,
    provider: Provider,
    person: Person,
) -> Result<Arrival, Refusal> {
    let address = client.address;
    let mut conn = accounts.db.read().await?;
    let connected = connected(&mut conn, provider, &person.subject).await?;
    let (user, known) = match (connected, &person.verified_email) {
        (Some(user), _) => (Some(user), true),
        (None, None) => return Err(Refusal::NoVerifiedAddress),
        (None, Some(email)) => (User::find_by_email(&mut conn, email).await?, false),
    };
    let device = match &user {
        Some(user) => known_device::find(&mut conn, &user.email, &client.devices).await?,
        None => None,
    };
    drop(conn);
    let user = match user {
        Some(user) => user,
        None => return sign_up(accounts, auth, client, provider, person).await,
    };
    if user.disabled {
        audit::note("provider_sign_in", "disabled", Some(user.id), Some(address));
        return Err(Refusal::Disabled);
    }
    let (id, now, doors, origin) = (user.id, accounts.db.now(), accounts.doors, client.origin.clone());
    if user.second_factor && !known {
        wait_for_second_step(auth, &user, provider, person, now).await?;
        audit::note("provider_sign_in", provider.word(), Some(id), Some(address));
        return Ok(Arrival::CodeNeeded);
    }
    let entering = sign_in::let_in(accounts, auth, client, &user, (WayIn::Provider, device), move |conn| {
        Box::pin(async move {
            match known {
                true if note_use(conn, provider, &person, now).await? => Ok(()),
                true => Err(Refusal::Stray),
                false => join(conn, id, provider, &person, doors, &origin, now).await,
            }
        })
    });
    let let_in = entering.await?;
    accounts.jobs.wake();
    audit::note("provider_sign_in", provider.word(), Some(id), Some(address));
    Ok(match let_in {
        LetIn::SignedIn(devices) => Arrival::SignedIn(devices),
        LetIn::CodeNeeded => Arrival::CodeNeeded,
    })
}

/// Notes whom to connect to the user's account once the user has shown a code.
async fn wait_for_second_step(
    auth: &AuthSession,
    user: &User,
    provider: Provider,
    person: Person,
    now: Timestamp,
) -> Result<(), Refusal> {
    let email = person.verified_email.filter(|_| user.email_verified_at.is_some()).ok_or(Refusal::NotJoined)?;
    let joins = Joins { provider: provider.word().to_owned(), subject: person.subject, email };
    Ok(pending_step::begin(&auth.session, user, WayIn::Provider, Some(joins), now)
        .await
        .map_err(SignInRefusal::from)?)
}

/// Connects a person to the account that has the person's address. Both sides have verified the address, and the account is told.
async fn join(
    conn: &mut Conn,
    user: UserId,
    provider: Provider,
    person: &Person,
    doors: MailDoors,
    origin: &Origin,
    now: Timestamp,
) -> Result<(), Refusal> {
    let email = person.verified_email.as_deref().ok_or(Refusal::NotJoined)?;
    // The account may have another address, or may be another one, since the first step.
    let found = User::find_by_email(conn, email).await?;
    let found = found.filter(|found| found.id == user && found.email_verified_at.is_some());
    let email = found.ok_or(Refusal::NotJoined)?.email;
    if add(conn, user, provider, person, now).await? {
        tell_connected(conn, (user, &email), provider, doors, origin, now).await?;
    }
    Ok(())
}

/// Does what [`join`] does, for a user who has just shown a code.
pub(in crate::auth) async fn join_after_second_step(
    conn: &mut Conn,
    user: UserId,
    joins: Joins,
    doors: MailDoors,
    origin: &Origin,
    now: Timestamp,
) -> Result<(), Refusal> {
    let provider = Provider::of(&joins.provider).ok_or(Refusal::Stray)?;
    let person = Person { subject: joins.subject, verified_email: Some(joins.email) };
    join(conn, user, provider, &person, doors, origin, now).await
}

/// Writes the entry in the audit log about a connection, and tells the account's address.
async fn tell_connected(
    conn: &mut Conn,
    (user, email): (UserId, &str),
    provider: Provider,
    doors: MailDoors,
    origin: &Origin,
    now: Timestamp,
) -> Result<(), Error> {
    let mail = AccountMail::ProviderConnected { user, email: email.to_owned(), provider: provider.name().to_owned() };
    mail.send(conn, doors, now).await?;
    let entry = Entry::of_own_account(Action::ProviderConnected, user, email, origin);
    entry.detail(provider.name()).write(conn, now).await
}

/// Makes an account for a person. It has no password, and its address is verified: the provider has seen the person read it.
async fn sign_up(
    accounts: &Accounts,
    auth: &mut AuthSession,
    client: Client,
    provider: Provider,
    person: Person,
) -> Result<Arrival, Refusal> {
    // A provider may know addresses that no account may have here.
    let email = person.verified_email.as_deref().and_then(|email| parse_email(email).ok());
    let email = email.ok_or(Refusal::NoVerifiedAddress)?;
    let devices = sign_up::sign_up_without_password(accounts, auth, client, &email, move |conn, id, now| {
        Box::pin(async move {
            note_proven_address(conn, id, now).await?;
            match insert(conn, id, provider, &person, now).await? {
                true => Ok(()),
                // Another answer for the person has made an account since the person was looked up.
                false => Err(SignUpRefusal::Taken),
            }
        })
    });
    Ok(Arrival::SignedIn(devices.await?))
}

/// Connects a person to the account of the user who is signed in.
pub(super) async fn connect(
    accounts: &Accounts,
    user: &User,
    origin: &Origin,
    provider: Provider,
    person: Person,
) -> Result<Arrival, Refusal> {
    let (id, now, doors) = (user.id, accounts.db.now(), accounts.doors);
    let (email, origin) = (user.email.clone(), origin.clone());
    let connected = accounts.db.transaction(move |conn| {
        Box::pin(async move {
            // Else somebody who signed up with another person's address would keep a way in once that person comes.
            if doors.are_open() && !is_proven_address(conn, id).await? {
                return Err(Refusal::ConfirmFirst);
            }
            if add(conn, id, provider, &person, now).await? {
                tell_connected(conn, (id, &email), provider, doors, &origin, now).await?;
            }
            Ok::<_, Refusal>(())
        })
    });
    connected.await?;
    accounts.jobs.wake();
    audit::note("provider_connected", provider.word(), Some(id), None);
    Ok(Arrival::Connected)
}

/// Why a provider was not disconnected.
#[derive(Debug, thiserror::Error)]
pub enum NotDisconnected {
    /// The user could not sign in any more.
    #[error("it is the only way in")]
    OnlyWayIn,
    #[error(transparent)]
    Database(#[from] Error),
}

/// Disconnects a provider from an account, unless it is the only way in.
pub async fn disconnect(
    accounts: &Accounts,
    user: &User,
    origin: &Origin,
    provider: Provider,
) -> Result<(), NotDisconnected> {
    let (id, now) = (user.id, accounts.db.now());
    let entry = Entry::of_own_account(Action::ProviderDisconnected, id, &user.email, origin).detail(provider.name());
    let disconnected = accounts.db.transaction(move |conn| {
        Box::pin(async move {
            // Two forms at once must not take both of the last two ways.
            let lock = format!("select password_hash from users where id = $1{}", conn.for_update());
            let password: Option<(String,)> = sql(lock).bind(id).fetch_optional(conn).await?;
            let has_password = password.is_some_and(|(hash,)| hash != NO_PASSWORD);
            let others = of_user(conn, id).await?.iter().any(|connection| connection.provider != provider);
            if !has_password && !others {
                return Err(NotDisconnected::OnlyWayIn);
            }
            let removal = sql("delete from user_identities where user_id = $1 and provider = $2");
            if removal.bind(id).bind(provider.word()).execute(conn).await? > 0 {
                entry.write(conn, now).await?;
            }
            Ok(())
        })
    });
    disconnected.await?;
    audit::note("provider_disconnected", provider.word(), Some(id), None);
    Ok(())
}

/// Connects a person to an account. Returns `false` if they are connected already.
async fn add(
    conn: &mut Conn,
    user: UserId,
    provider: Provider,
    person: &Person,
    now: Timestamp,
) -> Result<bool, Refusal> {
    match connected(conn, provider, &person.subject).await? {
        Some(of) if of.id == user => match note_use(conn, provider, person, now).await? {
            true => Ok(false),
            false => Err(Refusal::Stray),
        },
        Some(_) => Err(Refusal::OfAnother),
        None if insert(conn, user, provider, person, now).await? => Ok(true),
        // Another answer for the person was faster.
        None => match connected(conn, provider, &person.subject).await? {
            Some(of) if of.id == user => Ok(false),
            _ => Err(Refusal::OfAnother),
        },
    }
}
