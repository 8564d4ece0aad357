//! What a session notes between the two steps of a sign-in. The note signs nobody in.

use std::{fmt, time::Duration};

use axum_login::AuthUser;
use serde::{Deserialize, Serialize};
use tower_sessions::{Session, session::Error};

use super::{new_device::WayIn, user::User};
use crate::{id::UserId, timestamp::Timestamp};

/// How long a user may take for the second step.
const WITHIN: Duration = Duration::from_mins(10);

const KEY: &str = "waymark.second_step";

/// A user who has shown the first factor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PendingStep {
    pub user: UserId,
    /// A digest of the password and of the epoch of sessions. A new password ends the sign-ins that began with the old one.
    proof: Vec<u8>,
    since: Timestamp,
    /// Who is to be connected to the account after the second step.
    #[serde(default)]
    pub joins: Option<Joins>,
    /// The first factor. A release before did not note it.
    #[serde(default = "password")]
    pub way: WayIn,
}

const fn password() -> WayIn {
    WayIn::Password
}

/// A person at a provider whose address the account has. Before the second step, the provider opens nothing.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Joins {
    /// The provider's word.
    pub provider: String,
    pub subject: String,
    pub email: String,
}

/// Logs show no address.
impl fmt::Debug for Joins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joins").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl PendingStep {
    /// Returns whether nothing has changed since the first step.
    pub fn is_of(&self, user: &User) -> bool {
        self.user == user.id && self.proof == user.session_auth_hash()
    }
}

/// Notes that a user has shown the first factor. The session gets a new id, and is stored.
pub(super) async fn begin(
    session: &Session,
    user: &User,
    way: WayIn,
    joins: Option<Joins>,
    now: Timestamp,
) -> Result<(), Error> {
    let proof = user.session_auth_hash().to_vec();
    session.insert(KEY, PendingStep { user: user.id, proof, since: now, joins, way }).await?;
    session.cycle_id().await?;
    session.save().await
}

/// Returns who has shown the first factor a short time ago.
pub(super) async fn pending(session: &Session, now: Timestamp) -> Result<Option<PendingStep>, Error> {
    let pending: Option<PendingStep> = session.get(KEY).await?;
    Ok(pending.filter(|pending| now - pending.since <= WITHIN))
}

/// Forgets the first step, so that the next user of the browser does not find it. The session is stored: the sign-in that follows
/// gives it a new id, and what is stored under the old id is readable for a moment.
pub(super) async fn forget(session: &Session) -> Result<(), Error> {
    match session.remove_value(KEY).await? {
        Some(_) => session.save().await,
        None => Ok(()),
    }
}
