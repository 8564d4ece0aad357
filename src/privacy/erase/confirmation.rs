//! The confirmation page of an erasure, `/erased/{token}`. The page's address cannot be guessed. The page needs no session, because
//! the account is gone, and names no person.

use std::time::Duration;

use crate::{
    db::{Db, Error, sql},
    secret_token::SecretToken,
    timestamp::{DAY, Timestamp},
};

/// The prefix of the address of a confirmation page.
pub const PREFIX: &str = "/erased";

/// How long after the request the database's files are clean at the latest.
pub const FILES_WITHIN: Duration = DAY;

/// How long the page stays after everything is done.
pub const KEPT: Duration = Duration::from_hours(30 * 24);

/// Returns the path of the confirmation page of an erasure.
pub fn path(token: &SecretToken) -> String {
    format!("{PREFIX}/{}", token.as_str())
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
    let Some(token) = SecretToken::parse(token) else { return Ok(None) };
    sql("select requested_at, rows_cleaned_at, files_cleaned_at from erasures where token_hash = $1")
        .bind(token.digest())
        .fetch_optional(&mut db.read().await?)
        .await
}

/// Removes the erasures that were done before [`KEPT`].
pub async fn delete_old(db: &Db) -> Result<u64, Error> {
    db.delete_in_batches(
        sql("delete from erasures where id in (
            select id from erasures where files_cleaned_at < $1 order by files_cleaned_at limit $2)")
        .bind(db.now() - KEPT),
    )
    .await
}
