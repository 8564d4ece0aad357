use percent_encoding::percent_decode_str;

use crate::db::contains_pattern;

/// Finds one e-mail address within other texts. Some links carry an address, as a value (`utm_content=maria@example.com`) or
/// in their path.
#[derive(Clone, Debug)]
pub(super) struct EmailMatcher {
    lower: String,
}

impl EmailMatcher {
    /// Makes a matcher for an address. `email_lower` is the address as the user's row has it.
    pub fn new(email_lower: &str) -> Self {
        Self { lower: email_lower.to_owned() }
    }

    /// Returns two patterns for `lower(…) like … escape '\'`. They find every text that contains the address, and some others,
    /// which [`Self::is_in`] tells apart.
    ///
    /// The first finds the `@` with the domain. If the domain has other letters than ASCII, the first pattern finds only the `@`,
    /// because SQLite's `lower` changes ASCII letters only. The second finds texts with a `%`: any letter of the address may be
    /// percent-encoded.
    pub fn patterns(&self) -> [String; 2] {
        let domain = self.lower.rsplit('@').next().filter(|domain| domain.is_ascii()).unwrap_or_default();
        [contains_pattern(&format!("@{domain}")), contains_pattern("%")]
    }

    /// Returns whether a text contains the address, plain or percent-encoded: in `to maria@example.com.`, but not in
    /// `annamaria@example.com` or `maria@example.com.au`, which are other addresses.
    pub fn is_in(&self, text: &str) -> bool {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        self.is_plainly_in(&text.to_lowercase()) || self.is_plainly_in(&decoded.to_lowercase())
    }

    fn is_plainly_in(&self, text: &str) -> bool {
        !self.lower.is_empty()
            && text.match_indices(&self.lower).any(|(start, found)| {
                let before = text[..start].chars().next_back();
                let mut after = text[start + found.len()..].chars();
                // a full stop after the address continues the domain, or ends a sentence
                let goes_on = match after.next() {
                    Some('.') => after.next().is_some_and(char::is_alphanumeric),
                    next => next.is_some_and(|c| c.is_alphanumeric() || c == '-'),
                };
                !goes_on && before.is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+')))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_however_a_link_writes_it() {
        let maria = EmailMatcher::new("maria+x@example.com");
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
        let umlaut = EmailMatcher::new("ü@bücher.example");
        assert!(umlaut.is_in("Ü@Bücher.example") && umlaut.is_in("%C3%BC@b%C3%BCcher.example"));
    }

    #[test]
    fn another_persons_address_is_not_it() {
        let maria = EmailMatcher::new("maria@example.com");
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
        assert!(!EmailMatcher::new("").is_in("anything"));
    }

    #[test]
    fn patterns_take_what_the_address_has_as_it_is() {
        assert_eq!(EmailMatcher::new("a@b_c.de").patterns(), [r"%@b\_c.de%", r"%\%%"]);
        assert_eq!(EmailMatcher::new("ü@bücher.example").patterns(), ["%@%", r"%\%%"]);
    }
}
