use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::random::secret_bytes;

/// The key of one erasure. The key is gone once the erasure is done, so that texts cannot be tried against the fingerprints
/// afterwards.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ErasureKey([u8; 16]);

impl ErasureKey {
    /// Makes a random key.
    pub fn new() -> Self {
        Self(secret_bytes())
    }

    /// Returns a digest under this key.
    pub fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let digest = Sha256::new().chain_update(self.0);
        parts.iter().fold(digest, |digest, part| digest.chain_update(part)).finalize().into()
    }
}
