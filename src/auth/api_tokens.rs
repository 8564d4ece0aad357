//! Bearer tokens, with which programs report conversions over HTTP.
//!
//! What always holds: a token has 256 random bits and is shown once. Only its SHA-256 is stored, and tokens are looked up by
//! that digest. So neither a copy of the database nor the time of a response reveals a token. A fast digest is enough, because a
//! token cannot be guessed.

use std::{fmt, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::{
    attribution::conversion::Name,
    db::{Db, Error, sql},
    id::ApiTokenId,
    random::secret_bytes,
    timestamp::Timestamp,
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
    pub created_at: Timestamp,
    /// To the minute.
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// The sender of a request, known by its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's name.
    pub name: String,
}

/// Why a token was not created. The texts are shown on the command line.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ApiTokenError {
    /// What is wrong with the name.
    #[error("The name is not accepted. {0}")]
    Name(&'static str),
    /// Another token has the name and is not revoked.
    #[error("There is a token with this name. Revoke it first, or choose another name.")]
    Taken,
    /// The token could not be stored.
    #[error("The database does not answer: {0}")]
    Db(#[from] Error),
}

/// Creates a token and returns its text, which cannot be shown again. The name of a revoked token is free, so that a new token
/// can replace the old one while the conversions' source stays the same.
pub async fn create(db: &Db, name: &str) -> Result<String, ApiTokenError> {
    let name = Name::of_source(name).map_err(ApiTokenError::Name)?;
    let token = Secret::random();
    let (hash, now) = (token.hash(), db.now());
    let made = db
        .transaction(move |conn| {
            Box::pin(async move {
                sql("insert into api_tokens (id, name, token_hash, created_at) values ($1, $2, $3, $4)
                    on conflict (name) do update set id = excluded.id, token_hash = excluded.token_hash,
                        created_at = excluded.created_at, last_used_at = null, revoked_at = null
                    where api_tokens.revoked_at is not null")
                .bind(ApiTokenId::new())
                .bind(name.as_str())
                .bind(hash)
                .bind(now)
                .execute(conn)
                .await
            })
        })
        .await?;
    if made == 0 { Err(ApiTokenError::Taken) } else { Ok(token.0) }
}

/// Returns all tokens, the newest first.
pub async fn list(db: &Db) -> Result<Vec<ApiToken>, Error> {
    sql("select name, created_at, last_used_at, revoked_at from api_tokens order by created_at desc, id desc")
        .fetch_all(&mut db.read().await?)
        .await
}

/// Revokes a token: the next request that carries it is refused. Returns whether there was a token to revoke.
pub async fn revoke(db: &Db, name: &str) -> Result<bool, Error> {
    // No token has a name that is not accepted, and PostgreSQL refuses text with a NUL.
    let Ok(name) = Name::of_source(name) else { return Ok(false) };
    let now = db.now();
    let revoked = db
        .transaction(move |conn| {
            Box::pin(async move {
                sql("update api_tokens set revoked_at = $2 where name = $1 and revoked_at is null")
                    .bind(name.as_str())
                    .bind(now)
                    .execute(conn)
                    .await
            })
        })
        .await?;
    Ok(revoked > 0)
}

/// Returns the caller that a token belongs to, or `None` if the token is unknown or revoked.
pub async fn authenticate(db: &Db, token: &str) -> Result<Option<Caller>, Error> {
    let Some(token) = Secret::parse(token) else { return Ok(None) };
    // The connection goes back to the pool before `note_use` takes one.
    let found: Result<Option<(ApiTokenId, String, Option<Timestamp>)>, Error> = db
        .with_deadline(async {
            sql("select id, name, last_used_at from api_tokens where token_hash = $1 and revoked_at is null")
                .bind(token.hash())
                .fetch_optional(&mut db.read().await?)
                .await
        })
        .await;
    let Some((id, name, last_used_at)) = found? else { return Ok(None) };
    let now = db.now();
    if last_used_at.is_none_or(|at| at <= now - USE_NOTED_EVERY) {
        note_use(db, id, now).await?;
    }
    Ok(Some(Caller { name }))
}

async fn note_use(db: &Db, id: ApiTokenId, now: Timestamp) -> Result<(), Error> {
    db.transaction(move |conn| {
        Box::pin(async move {
            // If many requests come at once, only one writes.
            sql("update api_tokens set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at <= $3)")
                .bind(id)
                .bind(now)
                .bind(now - USE_NOTED_EVERY)
                .execute(conn)
                .await
        })
    })
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

    /// Returns `None` for a text that cannot be a token. So such a text costs no query.
    fn parse(text: &str) -> Option<Self> {
        let random = text.strip_prefix(PREFIX)?;
        let fine = random.len() == RANDOM_CHARS
            && random.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        fine.then(|| Self(text.to_owned()))
    }

    fn hash(&self) -> Vec<u8> {
        Sha256::digest(&self.0).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{db::testing::each_database, timestamp::MILLISECOND};

    #[test]
    fn tokens_are_long_random_and_unlike_each_other() {
        let tokens: std::collections::HashSet<String> = (0..1000).map(|_| Secret::random().0).collect();
        assert_eq!(tokens.len(), 1000);
        for token in tokens {
            let random = BASE64_URL_SAFE_NO_PAD.decode(&token[PREFIX.len()..]).expect("base64url");
            assert_eq!(random.len() * 8, 256);
            assert!(Secret::parse(&token).is_some(), "{token}");
        }
    }

    #[tokio::test]
    async fn a_token_is_known_until_it_is_revoked_and_stored_nowhere() {
        each_database(async |db| {
            let token = create(&db, "shop").await.expect("a token");
            let other = create(&db, "other").await.expect("a token");
            let caller = authenticate(&db, &token).await.expect("an answer");
            assert_eq!(caller, Some(Caller { name: "shop".into() }));
            for wrong in [
                "",
                "wmk_",
                &token[..token.len() - 1],
                &token.to_uppercase(),
                &token.to_lowercase(),
                &token.replacen("wmk_", "wmk-", 1),
                &format!("{token}="),
                &format!("wmk_{}", "A".repeat(RANDOM_CHARS)),
                "wmk_\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            ] {
                assert_eq!(authenticate(&db, wrong).await.expect("an answer"), None, "{wrong}");
            }
            let hashes: Vec<(Vec<u8>,)> = sql("select token_hash from api_tokens order by name desc")
                .fetch_all(&mut db.read().await.expect("a connection"))
                .await
                .expect("rows");
            assert_eq!(hashes[0].0, Sha256::digest(&token).to_vec());

            assert!(revoke(&db, "shop").await.expect("an answer"));
            assert!(!revoke(&db, "shop").await.expect("an answer"), "it is over already");
            assert!(!revoke(&db, "nobody").await.expect("an answer"));
            assert!(!revoke(&db, "a\0b").await.expect("an answer"));
            assert_eq!(authenticate(&db, &token).await.expect("an answer"), None);
            assert!(authenticate(&db, &other).await.expect("an answer").is_some());
        })
        .await;
    }

    #[tokio::test]
    async fn a_name_has_one_good_token() {
        each_database(async |db| {
            let first = create(&db, "shop").await.expect("a token");
            let error = create(&db, "shop").await.expect_err("the name is taken");
            assert!(matches!(error, ApiTokenError::Taken), "{error}");
            assert!(authenticate(&db, &first).await.expect("an answer").is_some());
            revoke(&db, "shop").await.expect("revoked");
            let second = create(&db, "shop").await.expect("the name is free again");
            assert_eq!(authenticate(&db, &first).await.expect("an answer"), None, "the old one stays revoked");
            assert!(authenticate(&db, &second).await.expect("an answer").is_some());
            for name in ["", "a\nb", " shop", "waymark", "erased:x", &"x".repeat(256)] {
                let error = create(&db, name).await.expect_err("no name");
                assert!(matches!(error, ApiTokenError::Name(_)), "{name}: {error}");
            }
            assert_eq!(list(&db).await.expect("tokens").len(), 1);
        })
        .await;
    }

    #[tokio::test]
    async fn the_last_use_is_noted_once_a_minute() {
        each_database(async |db| {
            let token = create(&db, "shop").await.expect("a token");
            let last_use = async || list(&db).await.expect("tokens")[0].last_used_at;
            assert_eq!(last_use().await, None);
            authenticate(&db, &token).await.expect("an answer");
            let noted = last_use().await.expect("noted");
            authenticate(&db, &token).await.expect("an answer");
            assert_eq!(last_use().await, Some(noted), "not again within a minute");
            let id: ApiTokenId = sql("select id from api_tokens")
                .fetch_scalar(&mut db.read().await.expect("a connection"))
                .await
                .expect("an id");
            note_use(&db, id, noted + USE_NOTED_EVERY - MILLISECOND).await.expect("an answer");
            assert_eq!(last_use().await, Some(noted));
            note_use(&db, id, noted + USE_NOTED_EVERY).await.expect("an answer");
            assert_eq!(last_use().await, Some(noted + USE_NOTED_EVERY));
        })
        .await;
    }
}
