//! The confirmation page of an erasure, `/erased/{token}`. The page's address cannot be guessed. The page needs no session, because
//! the account is gone, and names no person.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::{
    db::{Db, Error, sql},
    random::secret_bytes,
    timestamp::{DAY, Timestamp},
};

/// The prefix of the address of a confirmation page.
pub const PREFIX: &str = "/erased";

/// How long after the request the database's files are clean at the latest.
pub const FILES_WITHIN: Duration = DAY;

/// How long the page stays after everything is done.
pub const KEPT: Duration = Duration::from_hours(30 * 24);

/// The most rows that one transaction removes.
const BATCH: u32 = 500;

/// The secret in the address of a confirmation page: 128 random bits.
#[derive(Clone)]
pub struct ErasureToken(String);

impl ErasureToken {
    pub(super) fn new() -> Self {
        Self(URL_SAFE_NO_PAD.encode(secret_bytes::<16>()))
    }

    /// Returns the path of the confirmation page.
    pub fn path(&self) -> String {
        format!("{PREFIX}/{}", self.0)
    }

    pub(super) fn hash(&self) -> Vec<u8> {
        hash(&self.0)
    }
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

/// How far an erasure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ErasureStatus {
    pub requested_at: Timestamp,
    /// When the last row was cleaned.
    pub rows_cleaned_at: Option<Timestamp>,
    /// When the database's files were cleaned.
    pub files_cleaned_at: Option<Timestamp>,
}

/// Returns how far the erasure of a token is, or `None` for an unknown token.
pub async fn status(db: &Db, token: &str) -> Result<Option<ErasureStatus>, Error> {
    // A text that cannot be a token costs no query.
    if token.len() != 22 {
        return Ok(None);
    }
    sql("select requested_at, rows_cleaned_at, files_cleaned_at from erasures where token_hash = $1")
        .bind(hash(token))
        .fetch_optional(&mut db.read().await?)
        .await
}

/// Removes the erasures that were done before [`KEPT`].
pub async fn delete_old(db: &Db) -> Result<(), Error> {
    let before = db.now() - KEPT;
    loop {
        let removed = db
            .transaction(move |conn| {
                Box::pin(async move {
                    sql("delete from erasures where id in (
                        select id from erasures where files_cleaned_at < $1 order by files_cleaned_at limit $2)")
                    .bind(before)
                    .bind(BATCH)
                    .execute(conn)
                    .await
                })
            })
            .await?;
        if removed < u64::from(BATCH) {
            return Ok(());
        }
    }
}
