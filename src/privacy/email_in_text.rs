//! E-mail addresses within other text: some links carry one, as a value (`utm_content=maria@example.com`) or in their path.

use percent_encoding::percent_decode_str;

/// An address to look for.
#[derive(Clone, Debug)]
pub(super) struct Address {
    lower: String,
}

impl Address {
    /// `email_lower` as the user's row has it.
    pub fn new(email_lower: &str) -> Self {
        Self { lower: email_lower.to_owned() }
    }

    /// Patterns for `lower(…) like … escape '\'` that find every text with this address, and some without, which [`Self::is_in`]
    /// tells apart. A text has it as it is, with the part after the `@`, or has something percent-encoded, which can be any
    /// letter of it. A database's `lower` knows ASCII only, so that of another domain the `@` is looked for.
    pub fn patterns(&self) -> [String; 2] {
        let domain = self.lower.rsplit('@').next().filter(|domain| domain.is_ascii()).unwrap_or_default();
        let mut escaped = String::with_capacity(domain.len());
        for character in domain.chars() {
            if matches!(character, '%' | '_' | '\\') {
                escaped.push('\\');
            }
            escaped.push(character);
        }
        [format!("%@{escaped}%"), r"%\%%".to_owned()]
    }

    /// Whether a text has this address, and not a longer one that ends or begins like it.
    pub fn is_in(&self, text: &str) -> bool {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        self.is_plainly_in(&text.to_lowercase()) || self.is_plainly_in(&decoded.to_lowercase())
    }

    fn is_plainly_in(&self, text: &str) -> bool {
        !self.lower.is_empty()
            && text.match_indices(&self.lower).any(|(start, found)| {
                let before = text[..start].chars().next_back();
                let mut after = text[start + found.len()..].chars();
                let next = after.next();
                // a full stop ends a sentence where nothing of a name follows it
                let goes_on = match next {
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
        let maria = Address::new("maria+x@example.com");
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
        let umlaut = Address::new("ü@bücher.example");
        assert!(umlaut.is_in("Ü@Bücher.example") && umlaut.is_in("%C3%BC@b%C3%BCcher.example"));
    }

    #[test]
    fn another_persons_address_is_not_it() {
        let maria = Address::new("maria@example.com");
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
        assert!(!Address::new("").is_in("anything"));
    }

    #[test]
    fn patterns_take_what_the_address_has_as_it_is() {
        assert_eq!(Address::new("a@b_c.de").patterns(), [r"%@b\_c.de%", r"%\%%"]);
        assert_eq!(Address::new("ü@bücher.example").patterns(), ["%@%", r"%\%%"]);
    }
}
