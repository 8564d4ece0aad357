//! The axum-login backend: finds users and checks passwords.

use axum_login::AuthnBackend;

use super::{
    password::{Busy, Check, Hasher},
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
}

/// What someone typed to sign in.
#[derive(Clone)]
pub struct Credentials {
    pub email: String,
    pub password: String,
}

/// Why nobody could be found or checked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BackendError {
    #[error(transparent)]
    Database(#[from] db::Error),
    #[error(transparent)]
    Busy(#[from] Busy),
}

impl Backend {
    pub fn new(db: Db, hasher: Hasher) -> Self {
        Self { db, hasher }
    }
}

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = Credentials;
    type Error = BackendError;

    /// The user whose password this is. An unknown address, a wrong password and a disabled user take the same time.
    async fn authenticate(&self, credentials: Credentials) -> Result<Option<User>, BackendError> {
        // the connection goes back before the slow part
        let user = User::find_by_email(&mut self.db.read().await?, &credentials.email).await?;
        let hash = user.as_ref().map(|user| user.password_hash.clone());
        let check = self.hasher.check(credentials.password.clone(), hash).await?;
        let Some(mut user) = user.filter(|user| check != Check::Wrong && !user.disabled) else {
            return Ok(None);
        };
        if check == Check::RightButWeak {
            let (id, old) = (user.id, user.password_hash.clone());
            let new = self.hasher.hash(credentials.password).await?;
            user = self
                .db
                .transaction(move |conn| {
                    Box::pin(async move {
                        // only where it is still the one that was checked
                        sql("update users set password_hash = $1 where id = $2 and password_hash = $3")
                            .bind(new)
                            .bind(id)
                            .bind(old)
                            .execute(conn)
                            .await?;
                        User::find(conn, id).await
                    })
                })
                .await?
                .unwrap_or(user);
        }
        Ok(Some(user))
    }

    /// The user of a session. Where the database does not answer, nobody is signed in for this request: the page is served, and
    /// the session stays as it is.
    async fn get_user(&self, id: &UserId) -> Result<Option<User>, BackendError> {
        let found = self.db.with_deadline(async { User::find(&mut self.db.read().await?, *id).await }).await;
        Ok(found
            .unwrap_or_else(|error| {
                tracing::error!(%error, "the user of a session could not be looked up");
                None
            })
            .filter(|user| !user.disabled))
    }
}
