//! Creating an account.

use super::{
    accounts::Accounts,
    backend::AuthSession,
    password::{self, Busy},
    sign_in::{SignInRefusal, begin_session, visitor_for},
    user::{Role, User, email_key, parse_email},
};
use crate::{
    attribution::{conversion::sign_up_conversion, referral::token::attribute_referral, touch::link::link},
    db::{Conn, Db, Error, sql},
    id::UserId,
    timestamp::Timestamp,
};

/// Why an account was not created or changed.
#[derive(Debug, thiserror::Error)]
pub enum SignUpRefusal {
    /// What is wrong with the e-mail address and with the password, in words for the user.
    #[error("invalid")]
    Invalid { email: Option<&'static str>, password: Option<&'static str> },
    /// There is an account with this address.
    #[error("the address has an account")]
    Taken,
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

impl From<Busy> for SignUpRefusal {
    fn from(_: Busy) -> Self {
        Self::Other(SignInRefusal::Busy)
    }
}

/// Creates a member and signs them in. Account, conversion, lead sources and referrer are stored in one transaction.
pub async fn sign_up(
    accounts: &Accounts,
    auth: &mut AuthSession,
    email: &str,
    password: String,
) -> Result<(), SignUpRefusal> {
    let email = valid(email, &password)?;
    let hash = accounts.hasher.hash(password).await?;
    let (id, now, credit) = (UserId::new(), accounts.db.now(), accounts.referral_credit);
    let visitor = visitor_for(auth, id).await.map_err(SignInRefusal::from)?;
    let (user, visitor) = accounts
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                insert(conn, id, &email, &hash, Role::Member, now).await?;
                let visitor = link(conn, visitor, id, now).await?;
                attribute_referral(conn, visitor.id, id, credit, now).await?;
                let user = User::find(conn, id).await?.ok_or(sqlx::Error::RowNotFound)?;
                Ok::<_, Error>((user, visitor))
            })
        })
        .await?;
    metrics::counter!("waymark_sign_ups_total").increment(1);
    tracing::info!(user = %user.id, "signed up");
    begin_session(auth, &user, visitor, now).await?;
    Ok(())
}

/// Creates an admin. An existing account becomes an admin with this password, is enabled if it was disabled, and its sessions
/// end. For the command line.
pub async fn create_admin(db: &Db, email: &str, password: String) -> Result<(), SignUpRefusal> {
    let email = valid(email, &password)?;
    let hash = password::Hasher::default().hash(password).await?;
    let (id, now) = (UserId::new(), db.now());
    db.transaction(move |conn| {
        Box::pin(async move {
            let changed = sql("update users set role = 'admin', password_hash = $2, session_epoch = session_epoch + 1,
                disabled_at = null where email_lower = $1")
            .bind(email_key(&email))
            .bind(hash.clone())
            .execute(conn)
            .await?;
            match changed {
                0 => insert(conn, id, &email, &hash, Role::Admin, now).await,
                _ => Ok(()),
            }
        })
    })
    .await?;
    Ok(())
}

/// Gives an account a password, and ends its sessions. For the command line.
pub async fn set_password(db: &Db, email: &str, password: String) -> Result<(), SignUpRefusal> {
    let email = valid(email, &password)?;
    let hash = password::Hasher::default().hash(password).await?;
    db.transaction(move |conn| {
        Box::pin(async move {
            sql("update users set password_hash = $2, session_epoch = session_epoch + 1 where email_lower = $1")
                .bind(email_key(&email))
                .bind(hash)
                .execute(conn)
                .await
        })
    })
    .await?;
    Ok(())
}

fn valid(email: &str, password: &str) -> Result<String, SignUpRefusal> {
    let parsed = parse_email(email);
    let accepted = password::accept(password, email);
    match (parsed, accepted) {
        (Ok(email), Ok(())) => Ok(email),
        (email, password) => Err(SignUpRefusal::Invalid { email: email.err(), password: password.err() }),
    }
}

/// Adds an account, and its sign-up to the conversions.
async fn insert(conn: &mut Conn, id: UserId, email: &str, hash: &str, role: Role, now: Timestamp) -> Result<(), Error> {
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
