use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::random::secret_bytes;

/// Finds one e-mail address within other texts. Some links carry an address, as a value (`utm_content=maria@example.com`) or
/// in their path.
///
/// The matcher holds the lengths of the address and a salted digest, because it is stored while an erasure waits. A text that
/// could be the address has an `@` at the right place, and the same digest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct EmailMatcher {
    salt: [u8; 16],
    /// The bytes before the last `@` of the address, and after it.
    local: usize,
    domain: usize,
    digest: [u8; 32],
}

impl EmailMatcher {
    /// An SQL condition on a column `text`. The condition holds for every text in which [`Self::is_in`] finds an address, and for
    /// some others: any letter of an address may be percent-encoded, the `@` too.
    pub const CANDIDATES: &str = r"(text like '%@%' or text like '%\%%' escape '\')";

    /// Makes a matcher for an address. `email_lower` is the address as the user's row has it. Returns `None` for a text without
    /// `@`, which is no address.
    pub fn new(email_lower: &str) -> Option<Self> {
        let (local, domain) = email_lower.rsplit_once('@')?;
        let salt = secret_bytes();
        Some(Self { salt, local: local.len(), domain: domain.len(), digest: digest(&salt, email_lower) })
    }

    /// Returns whether a text contains the address, plain or percent-encoded: in `to maria@example.com.`, but not in
    /// `annamaria@example.com` or `maria@example.com.au`, which are other addresses.
    pub fn is_in(&self, text: &str) -> bool {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        self.is_plainly_in(&text.to_lowercase()) || self.is_plainly_in(&decoded.to_lowercase())
    }

    fn is_plainly_in(&self, text: &str) -> bool {
        text.match_indices('@').any(|(at, _)| {
            let (Some(start), end) = (at.checked_sub(self.local), at + 1 + self.domain) else { return false };
            let Some(found) = text.get(start..end) else { return false };
            let before = text[..start].chars().next_back();
            let mut after = text[end..].chars();
            // a full stop after the address continues the domain, or ends a sentence
            let goes_on = match after.next() {
                Some('.') => after.next().is_some_and(char::is_alphanumeric),
                next => next.is_some_and(|c| c.is_alphanumeric() || c == '-'),
            };
            let begins = before.is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+')));
            !goes_on && begins && digest(&self.salt, found) == self.digest
        })
    }
}

fn digest(salt: &[u8], text: &str) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(text).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(email: &str) -> EmailMatcher {
        EmailMatcher::new(email).expect("an address")
    }

    #[test]
    fn an_address_is_found_however_a_link_writes_it() {
        let maria = matcher("maria+x@example.com");
        for text in [
            "maria+x@example.com",
            "Maria+X@Example.com",
            "/unsubscribe/maria%2Bx%40example.com/now",
            "/u/MARIA+x@example.com",
            "/u/m%61ria+x@exampl%65%2Ecom",
            r#"{"ref":["maria+x@example.com"]}"#,
            "mail to <maria+x@example.com>.",
        ] {
            assert!(maria.is_in(text), "{text}");
        }
        let umlaut = matcher("ü@bücher.example");
        assert!(umlaut.is_in("Ü@Bücher.example") && umlaut.is_in("%C3%BC@b%C3%BCcher.example"));
    }

    #[test]
    fn another_persons_address_is_not_it() {
        let maria = matcher("maria@example.com");
        for text in [
            "annamaria@example.com",
            "anna.maria@example.com",
            "maria@example.com.au",
            "maria@example.community",
            "maria@example.com-shop.de",
            "maria",
            "example.com",
            "",
        ] {
            assert!(!maria.is_in(text), "{text}");
        }
        assert!(EmailMatcher::new("erased-17").is_none());
    }

    #[test]
    fn what_is_stored_does_not_say_the_address_and_finds_it() {
        let stored = serde_json::to_string(&matcher("maria@example.com")).expect("JSON");
        assert!(!stored.contains("maria") && !stored.contains("example"), "{stored}");
        let read: EmailMatcher = serde_json::from_str(&stored).expect("a matcher");
        assert!(read.is_in("to maria@example.com") && !read.is_in("to marie@example.com"));
    }
}
