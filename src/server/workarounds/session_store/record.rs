//! A session's record: what is stored, and which user is signed in with it.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tower_sessions::{
    session::{Id, Record},
    session_store::{Error, Result},
};

use crate::id::UserId;

/// The keys and values of a session.
pub(super) type Data = HashMap<String, Value>;

/// The key under which axum-login keeps the signed-in user.
pub(in crate::server) const SIGNED_IN: &str = "axum-login.data";

/// Returns the id that is stored in place of a session's own: half of its SHA-256.
pub(super) fn digest(id: &Id) -> Id {
    let digest = Sha256::digest(id.0.to_le_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    Id(i128::from_le_bytes(half))
}

/// Encodes a record as tower-sessions-sqlx-store does, because that crate decodes the records that are loaded.
pub(super) fn encode(record: &Record) -> Result<Vec<u8>> {
    rmp_serde::to_vec(record).map_err(|error| Error::Encode(error.to_string()))
}

/// Decodes what [`encode`] has made.
pub(super) fn decode(data: &[u8]) -> Option<Record> {
    rmp_serde::from_slice(data).ok()
}

/// Returns the signed-in user.
pub(super) fn signed_in(data: &Data) -> Option<UserId> {
    data.get(SIGNED_IN)?.get("user_id")?.as_str()?.parse().ok()
}

/// Returns whether axum-login can read its entry. With an entry that it cannot read, axum-login would respond to every request
/// with an empty 500.
pub(super) fn is_understood(data: &Data) -> bool {
    #[derive(Deserialize)]
    struct Entry {
        #[serde(rename = "user_id")]
        _user: Option<UserId>,
        #[serde(rename = "auth_hash")]
        _hash: Option<Vec<u8>>,
    }
    data.get(SIGNED_IN).is_none_or(|entry| Entry::deserialize(entry).is_ok())
}
