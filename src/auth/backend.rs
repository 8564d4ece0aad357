//! The axum-login backend: finds users and checks passwords.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum_login::AuthnBackend;

use super::{
    found_user,
    hasher::{Busy, Hasher},
    password::Check,
    user::User,
};
use crate::{
    db::{self, Db, sql},
    id::UserId,
};

/// A request's session with its user.
pub type AuthSession = axum_login::AuthSession<Backend>;

#[derive(Clone, Debug)]
pub struct Backend {
    db: Db,
    hasher: Hasher,
    look_up_failed: Arc<AtomicBool>,
}

/// What a person typed to sign in.
#[derive(Clone)]
pub struct Credentials {
    pub email: String,
    pub password: String,
}

/// Why no user could be looked up or checked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BackendError {
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// Too many passwords are being checked.
    #[error(transparent)]
    Busy(#[from] Busy),
}

/// What a check of credentials found.
pub(super) enum CheckedUser {
    /// The user, who may sign in.
    Right(User),
    /// A wrong password, or an account that is disabled or unknown. The log names the account, and the response does not.
    Wrong(Option<UserId>),
}

impl Backend {
    pub fn new(db: Db, hasher: Hasher) -> Self {
        Self { db, hasher, look_up_failed: Arc::default() }
    }

    /// Returns the backend of one request. It notes whether the look-up of this request's user fails.
    pub fn of_request(&self) -> Self {
        Self { look_up_failed: Arc::default(), ..self.clone() }
    }

    /// Returns whether the session's user could not be looked up, because the database did not answer.
    pub(super) fn look_up_failed(&self) -> bool {
        self.look_up_failed.load(Ordering::Relaxed)
    }

    /// Checks credentials. An unknown address, a wrong password and a disabled user take the same time.
    pub(super) async fn check(&self, credentials: Credentials) -> Result<CheckedUser, BackendError> {
        // The connection goes back to the pool before the slow part.
        let user = User::find_by_email(&mut self.db.read().await?, &credentials.email).await?;
        let hash = user.as_ref().map(|user| user.password_hash.clone());
        let check = self.hasher.check(credentials.password.clone(), hash).await?;
        let id = user.as_ref().map(|user| user.id);
        match user.filter(|user| !user.disabled) {
            Some(user) if check == Check::RightButWeak => {
                Ok(CheckedUser::Right(self.renew_hash(user, credentials.password).await?))
            }
            Some(user) if check == Check::Right => Ok(CheckedUser::Right(user)),
            _ => Ok(CheckedUser::Wrong(id)),
        }
    }

    /// Hashes a password with today's parameters. Returns the user with the new hash.
    async fn renew_hash(&self, user: User, password: String) -> Result<User, BackendError> {
        let (id, old) = (user.id, user.password_hash.clone());
        let new = self.hasher.rehash(password).await?;
        let renewed = self
            .db
            .transaction(move |conn| {
                Box::pin(async move {
                    // If the user has changed the password since the check, no row matches.
                    sql("update users set password_hash = $1 where id = $2 and password_hash = $3")
                        .bind(new)
                        .bind(id)
                        .bind(old)
                        .execute(conn)
                        .await?;
                    User::find(conn, id).await
                })
            })
            .await?;
        Ok(renewed.unwrap_or(user))
    }
}

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = Credentials;
    type Error = BackendError;

    /// Returns the user with this address and password.
    async fn authenticate(&self, credentials: Credentials) -> Result<Option<User>, BackendError> {
        match self.check(credentials).await? {
            CheckedUser::Right(user) => Ok(Some(user)),
            CheckedUser::Wrong(_) => Ok(None),
        }
    }

    /// Returns the user of a session. If the database does not answer, the session stays as it is, and the request is served as
    /// one of an [unknown user](super::UnknownUser). With an error, axum-login would respond to every request with an empty 500.
    async fn get_user(&self, id: &UserId) -> Result<Option<User>, BackendError> {
        if let Some(user) = found_user::take(*id) {
            return Ok(Some(user).filter(|user| !user.disabled));
        }
        let found = self.db.with_deadline(async { User::find(&mut self.db.read().await?, *id).await }).await;
        Ok(found
            .unwrap_or_else(|error| {
                tracing::error!(%error, "the user of a session could not be looked up");
                self.look_up_failed.store(true, Ordering::Relaxed);
                None
            })
            .filter(|user| !user.disabled))
    }
}
