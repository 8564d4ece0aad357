//! Creating an account.

use super::{
    AuthSession, Role, User,
    password::{self, Busy},
    sign_in::{Failure, begin_session, visitor_for},
    user::{email_key, parse_email},
};
use crate::{
    attribution::{capture::lead_source_layer::link, conversion::sign_up_conversion, referral},
    db::{Conn, Db, Error, Millis, sql},
    id::UserId,
    state::AppState,
};

/// Why there is no new account.
#[derive(Debug, thiserror::Error)]
pub enum SignUpFailure {
    /// What is wrong with the fields, in words.
    #[error("invalid")]
    Invalid { email: Option<&'static str>, password: Option<&'static str> },
    #[error("the address has an account")]
    Taken,
    #[error(transparent)]
    Other(#[from] Failure),
}

impl From<Error> for SignUpFailure {
    fn from(error: Error) -> Self {
        match error.constraint().as_deref() {
            Some("users_email_lower_key") => Self::Taken,
            _ => Self::Other(error.into()),
        }
    }
}

impl From<Busy> for SignUpFailure {
    fn from(_: Busy) -> Self {
        Self::Other(Failure::Busy)
    }
}

/// Creates a member and signs in: account, conversion, lead sources and referrer in one transaction.
pub async fn sign_up(
    state: &AppState,
    auth: &mut AuthSession,
    email: &str,
    password: String,
) -> Result<(), SignUpFailure> {
    let email = valid(email, &password)?;
    let hash = state.hasher.hash(password).await?;
    let (id, now, credit) = (UserId::new(), state.db.now(), state.config.attribution.referral_credit);
    let visitor = visitor_for(auth, id).await.map_err(Failure::from)?;
    let (user, visitor) = state
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                insert(conn, id, &email, &hash, Role::Member, now).await?;
                let visitor = link(conn, visitor, id, now).await?;
                referral::credit(conn, visitor.id, id, credit, now).await?;
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

/// Creates an admin, or makes an existing account one with this password; for the command line.
pub async fn create_admin(db: &Db, email: &str, password: String) -> Result<(), SignUpFailure> {
    let email = valid(email, &password)?;
    let hash = super::password::Hasher::default().hash(password).await?;
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

/// Gives an account a password, and ends its sessions; for the command line.
pub async fn set_password(db: &Db, email: &str, password: String) -> Result<(), SignUpFailure> {
    let email = valid(email, &password)?;
    let hash = super::password::Hasher::default().hash(password).await?;
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

fn valid(email: &str, password: &str) -> Result<String, SignUpFailure> {
    let parsed = parse_email(email);
    let accepted = password::accept(password, email);
    match (parsed, accepted) {
        (Ok(email), Ok(())) => Ok(email),
        (email, password) => Err(SignUpFailure::Invalid { email: email.err(), password: password.err() }),
    }
}

/// Adds an account, and its sign-up to the conversions.
async fn insert(conn: &mut Conn, id: UserId, email: &str, hash: &str, role: Role, now: Millis) -> Result<(), Error> {
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
