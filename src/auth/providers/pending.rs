use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tower_sessions::{Session, session};

use super::provider::{Departure, Provider};
use crate::{id::UserId, timestamp::Timestamp};

/// How long a person may take at the provider.
pub const WITHIN: Duration = Duration::from_mins(15);

const KEY: &str = "waymark.provider_sign_in";

/// A sign-in that has gone to the provider, and that its answer takes up.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pending {
    provider: String,
    state: String,
    pub verifier: String,
    pub nonce: Option<String>,
    /// The page to open afterwards.
    pub next: String,
    /// The signed-in user who connects the provider to their account.
    pub connects: Option<UserId>,
    begun: Timestamp,
}

impl Pending {
    pub fn new(
        provider: Provider,
        departure: Departure,
        next: String,
        connects: Option<UserId>,
        now: Timestamp,
    ) -> Self {
        let Departure { state, verifier, nonce, .. } = departure;
        let verifier = verifier.into_secret();
        Self { provider: provider.word().to_owned(), state, verifier, nonce, next, connects, begun: now }
    }

    /// Notes the sign-in in the session. It replaces one that was begun before.
    pub async fn note(&self, session: &Session) -> Result<(), session::Error> {
        session.insert(KEY, self).await
    }

    /// Takes the session's sign-in, so that no second answer finds it. Returns it if the answer is its own.
    pub async fn take(
        session: &Session,
        provider: Provider,
        state: &str,
        now: Timestamp,
    ) -> Result<Option<Self>, session::Error> {
        let pending: Option<Self> = session.remove(KEY).await?;
        Ok(pending.filter(|pending| pending.is_answered_by(provider, state, now)))
    }

    fn is_answered_by(&self, provider: Provider, state: &str, now: Timestamp) -> bool {
        // Digests, because a comparison of the texts would take longer for a better guess.
        let same = Sha256::digest(&self.state) == Sha256::digest(state);
        same && self.provider == provider.word() && now - self.begun <= WITHIN
    }
}
