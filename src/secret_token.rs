//! Random texts that prove who sends them: in the address of a page, in a cookie. The database keeps only their digests, so a
//! copy of the database holds no token. A fast digest is enough, because 128 random bits cannot be guessed.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::random::secret_bytes;

/// The characters of a token: 16 bytes in base64url without padding.
const CHARS: usize = 22;

/// A token of 128 random bits, as the text that its owner keeps.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretToken(String);

impl SecretToken {
    pub fn random() -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(secret_bytes::<16>()))
    }

    /// Reads the text of a token. Returns `None` for a text that cannot be a token, so that such a text costs no query.
    pub fn parse(text: &str) -> Option<Self> {
        let fine = text.len() == CHARS && is_base64url(text);
        fine.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns what the database keeps: the SHA-256 of the text.
    pub fn digest(&self) -> Vec<u8> {
        Sha256::digest(&self.0).to_vec()
    }
}

/// Logs show no token.
impl fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretToken")
    }
}

/// Returns whether a text has only the characters of base64url.
pub fn is_base64url(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_keeps_its_digest() {
        let token = SecretToken::random();
        assert_eq!(SecretToken::parse(token.as_str()), Some(token.clone()));
        assert_eq!(SecretToken::parse(token.as_str()).map(|token| token.digest()), Some(token.digest()));
        assert_ne!(SecretToken::random(), token);
    }

    #[test]
    fn other_texts_are_no_tokens() {
        for text in [
            "",
            "abc",
            "AAAAAAAAAAAAAAAAAAAAA.",
            "AAAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAA\0",
            "äAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(SecretToken::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn logs_show_no_token() {
        assert_eq!(format!("{:?}", SecretToken::random()), "SecretToken");
    }
}
