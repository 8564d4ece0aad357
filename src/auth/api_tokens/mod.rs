//! Bearer tokens, with which programs report conversions or read reports over HTTP.
//!
//! What always holds: a token has 256 random bits and is shown once. Only its SHA-256 is stored, and tokens are looked up by
//! that digest. So neither a copy of the database nor the time of a response reveals a token. A fast digest is enough, because a
//! token cannot be guessed. A token reports only as the sources that it was made for. A token that reads reports reports nothing.

/// How often programs may report.
pub mod limits;

use std::{fmt, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::{
    attribution::conversion::Name,
    audit::{Action, Actor, Entry},
    db::{Db, Error, Query, sql},
    id::ApiTokenId,
    random::secret_bytes,
    secret_token::is_base64url,
    timestamp::{Timestamp, whole_days},
};

/// The beginning of every token, by which people and scanners for leaked secrets recognize a token.
const PREFIX: &str = "wmk_";
const RANDOM_BYTES: usize = 32;
/// The random bytes in base64url without padding.
const RANDOM_CHARS: usize = 43;
/// A token's last use is written at most once within this time.
const USE_NOTED_EVERY: Duration = Duration::from_mins(1);

/// A token as it is listed. The token itself is not stored.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ApiToken {
    /// The system that reports with the token: `stripe`. Also the source of the reported conversions, unless a report names
    /// another.
    pub name: String,
    /// The sources that the token may report as.
    #[sqlx(flatten)]
    pub scope: Scope,
    pub created_at: Timestamp,
    /// To the minute.
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// When the token ends; `None` for never.
    pub expires_at: Option<Timestamp>,
}

/// What a new token may do.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// The sources that the token may report as. Empty: the token's own name.
    pub sources: Vec<String>,
    /// Whether the token reads reports instead, and reports nothing.
    pub reads: bool,
    /// How long the token is good for; `None` for ever.
    pub lasts: Option<Duration>,
}

/// Writes the terms for the audit log: `reports as stripe, shop; lasts 90 days`.
impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sources.is_empty() {
            _ if self.reads => f.write_str("reads reports")?,
            true => f.write_str("reports as itself")?,
            false => write!(f, "reports as {}", self.sources.join(", "))?,
        }
        match self.lasts {
            Some(lasts) => write!(f, "; lasts {} days", whole_days(lasts)),
            None => f.write_str("; never ends"),
        }
    }
}

/// The word in a token's row for reading reports.
const READ: &str = "read";

/// What a token may do: the sources that it may report as, and whether it reads reports.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Scope {
    name: String,
    /// A JSON array of names.
    sources: Option<String>,
    /// Words separated by spaces.
    scopes: Option<String>,
}

impl Scope {
    /// Returns whether the token may read reports.
    pub fn reads_reports(&self) -> bool {
        self.scopes.as_deref().unwrap_or_default().split(' ').any(|word| word == READ)
    }

    /// Returns the names of the sources. A list that cannot be read allows none.
    pub fn sources(&self) -> Vec<String> {
        match &self.sources {
            None => vec![self.name.clone()],
            Some(json) => serde_json::from_str(json).unwrap_or_default(),
        }
    }

    /// Returns whether the token may report as a source, and refund what this source reported.
    pub fn allows(&self, source: &str) -> bool {
        self.sources().iter().any(|allowed| allowed == source)
    }
}

/// The sender of a request, known by its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub id: ApiTokenId,
    /// The token's name.
    pub name: String,
    pub scope: Scope,
}

/// Why a token was not created. The texts are shown on the command line and on `/admin/tokens`.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ApiTokenError {
    /// What is wrong with the name.
    #[error("The name is not accepted. {0}")]
    Name(&'static str),
    /// What is wrong with the name of a source.
    #[error("The source {0:?} is not accepted. {1}")]
    Source(String, &'static str),
    /// Another token has the name, and is neither revoked nor at its end.
    #[error("There is a token with this name. Change it, or revoke it first, or choose another name.")]
    Taken,
    /// The token could not be stored.
    #[error("The database does not answer: {0}")]
    Db(#[from] Error),
}

/// Creates a token and returns its text, which cannot be shown again. The name of a token that was revoked or has ended is free, so
/// that a new token can replace the old one while the conversions' source stays the same.
pub async fn create(db: &Db, name: &str, terms: Terms, by: &Actor) -> Result<String, ApiTokenError> {
    let name = Name::of_source(name).map_err(ApiTokenError::Name)?;
    let sources = written(&terms)?;
    let token = Secret::random();
    let (hash, now) = (token.hash(), db.now());
    let insert = sql("insert into api_tokens (id, name, token_hash, created_at, sources, expires_at, scopes)
            values ($1, $2, $3, $4, $5, $6, $7)
            on conflict (name) do update set id = excluded.id, token_hash = excluded.token_hash,
                created_at = excluded.created_at, last_used_at = null, revoked_at = null,
                sources = excluded.sources, expires_at = excluded.expires_at, scopes = excluded.scopes
            where api_tokens.revoked_at is not null or api_tokens.expires_at <= $4")
    .bind(ApiTokenId::new())
    .bind(name.as_str())
    .bind(hash)
    .bind(now)
    .bind(sources)
    .bind(terms.lasts.map(|lasts| now + lasts))
    .bind(terms.reads.then_some(READ));
    let entry = Entry::new(Action::ApiTokenCreated, by).on(name.as_str()).detail(terms.to_string());
    if changed(db, insert, entry).await? { Ok(token.0) } else { Err(ApiTokenError::Taken) }
}

/// Gives a token other terms. Returns whether there is such a token that is not revoked.
pub async fn change(db: &Db, name: &str, terms: Terms, by: &Actor) -> Result<bool, ApiTokenError> {
    let Ok(name) = Name::of_source(name) else { return Ok(false) };
    let (sources, now) = (written(&terms)?, db.now());
    let update =
        sql("update api_tokens set sources = $2, expires_at = $3, scopes = $4 where name = $1 and revoked_at is null")
            .bind(name.as_str())
            .bind(sources)
            .bind(terms.lasts.map(|lasts| now + lasts))
            .bind(terms.reads.then_some(READ));
    let entry = Entry::new(Action::ApiTokenChanged, by).on(name.as_str()).detail(terms.to_string());
    Ok(changed(db, update, entry).await?)
}

/// Changes a token's row, and writes the entry of the audit log if there was a row to change.
async fn changed(db: &Db, change: Query, entry: Entry) -> Result<bool, Error> {
    let now = db.now();
    db.transaction(move |conn| {
        Box::pin(async move {
            let changed = change.execute(conn).await? > 0;
            if changed {
                entry.write(conn, now).await?;
            }
            Ok(changed)
        })
    })
    .await
}

/// Returns the sources as a scope's column has them. For a token that reads reports, this is a list without a source.
fn written(Terms { sources, reads, .. }: &Terms) -> Result<Option<String>, ApiTokenError> {
    if *reads {
        return Ok(Some("[]".to_owned()));
    }
    for source in sources {
        Name::of_source(source).map_err(|why| ApiTokenError::Source(source.clone(), why))?;
    }
    Ok((!sources.is_empty()).then(|| serde_json::json!(sources).to_string()))
}

/// Returns all tokens, the newest first.
pub async fn list(db: &Db) -> Result<Vec<ApiToken>, Error> {
    sql("select name, sources, scopes, created_at, last_used_at, revoked_at, expires_at from api_tokens order by created_at desc, id desc")
        .fetch_all(&mut db.read().await?)
        .await
}

/// Revokes a token: the next request that carries it is refused. Returns whether there was a token to revoke.
pub async fn revoke(db: &Db, name: &str, by: &Actor) -> Result<bool, Error> {
    // No token has a name that is not accepted, and PostgreSQL refuses text with a NUL.
    let Ok(name) = Name::of_source(name) else { return Ok(false) };
    let revoke = sql("update api_tokens set revoked_at = $2 where name = $1 and revoked_at is null")
        .bind(name.as_str())
        .bind(db.now());
    changed(db, revoke, Entry::new(Action::ApiTokenRevoked, by).on(name.as_str())).await
}

/// Returns whether a text has the form of a token. Another text costs no query.
pub fn is_well_formed(token: &str) -> bool {
    Secret::parse(token).is_some()
}

/// Returns the caller that a token belongs to, or `None` if the token is unknown or revoked, or has ended.
pub async fn authenticate(db: &Db, token: &str) -> Result<Option<Caller>, Error> {
    let Some(token) = Secret::parse(token) else { return Ok(None) };
    // The connection goes back to the pool before `note_use` takes one.
    let now = db.now();
    let found: Result<Option<FoundToken>, Error> = db
        .with_deadline(async {
            sql("select id, name, sources, scopes, last_used_at from api_tokens
                where token_hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2)")
            .bind(token.hash())
            .bind(now)
            .fetch_optional(&mut db.read().await?)
            .await
        })
        .await;
    let Some(FoundToken { id, last_used_at, scope }) = found? else { return Ok(None) };
    if last_used_at.is_none_or(|at| at <= now - USE_NOTED_EVERY) {
        note_use(db, id, now).await?;
    }
    Ok(Some(Caller { id, name: scope.name.clone(), scope }))
}

#[derive(sqlx::FromRow)]
struct FoundToken {
    id: ApiTokenId,
    last_used_at: Option<Timestamp>,
    #[sqlx(flatten)]
    scope: Scope,
}

async fn note_use(db: &Db, id: ApiTokenId, now: Timestamp) -> Result<(), Error> {
    db.execute(
        // If many requests come at once, only one of them writes.
        sql("update api_tokens set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at <= $3)")
            .bind(id)
            .bind(now)
            .bind(now - USE_NOTED_EVERY),
    )
    .await
    .map(|_| ())
}

/// The text of a token.
struct Secret(String);

/// Logs show no token.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    fn random() -> Self {
        Self(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(secret_bytes::<RANDOM_BYTES>())))
    }

    /// Reads the text of a token. Returns `None` for a text that cannot be a token, so that such a text costs no query.
    fn parse(text: &str) -> Option<Self> {
        let random = text.strip_prefix(PREFIX)?;
        let fine = random.len() == RANDOM_CHARS && is_base64url(random);
        fine.then(|| Self(text.to_owned()))
    }

    fn hash(&self) -> Vec<u8> {
        Sha256::digest(&self.0).to_vec()
    }
}

#[cfg(test)]
mod tests;
