use std::{fmt, time::Duration};

use openidconnect::{PkceCodeVerifier, reqwest};

/// Who tells the site who a person is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    GitHub,
    Google,
}

impl Provider {
    pub const ALL: [Self; 2] = [Self::GitHub, Self::Google];

    /// Returns the word in addresses and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::Google => "google",
        }
    }

    /// Returns the provider of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.word() == word)
    }

    /// Returns the name for pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub",
            Self::Google => "Google",
        }
    }
}

/// A person, as a provider knows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The provider's number for the person. It never changes.
    pub subject: String,
    /// The address that the provider has seen the person read.
    pub verified_email: Option<String>,
}

/// Logs show no address.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// Why a provider told nothing about a person. The text is for the log. It holds no code and no token.
#[derive(Debug, thiserror::Error)]
#[error("{provider} {what}", provider = .0.name(), what = .1)]
pub struct ProviderError(pub(super) Provider, pub(super) String);

/// How long the server waits for one response of a provider.
const PATIENCE: Duration = Duration::from_secs(8);

/// Where to send the browser, and what to keep for the way back.
pub(super) struct Departure {
    pub url: String,
    /// Comes back in the answer's address.
    pub state: String,
    /// Proves to the provider that the code was asked for here.
    pub verifier: PkceCodeVerifier,
    /// Comes back in a signed token.
    pub nonce: Option<String>,
}

/// Returns a client for the requests of one sign-in. Follows no redirect: a provider's answer must not lead the server elsewhere.
pub(super) fn http(provider: Provider) -> Result<reqwest::Client, ProviderError> {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).user_agent("waymark");
    let client = builder.connect_timeout(PATIENCE / 2).timeout(PATIENCE).build();
    client.map_err(|error| ProviderError(provider, format!("cannot be asked: {error}")))
}
