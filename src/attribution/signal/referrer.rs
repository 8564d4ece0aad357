//! The page a visitor came from, as the `Referer` header gives it.
//!
//! What always holds of a [`Referrer`]: the host is not empty, and has no user, no port and no ASCII capital. The path begins with
//! `/`, has at most [`MAX_PATH_BYTES`] bytes and no hidden character. The query and the fragment are never kept, because they
//! can hold search terms and personal data.

use crate::{clean_text::is_hidden, host};

/// The longest path that is kept, in bytes. A longer path is cut on a character boundary.
pub const MAX_PATH_BYTES: usize = 1024;

/// The longest name that DNS allows, in bytes.
const MAX_HOST_BYTES: usize = 253;

/// Host and path of a referring page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// A host name in lower case, an IPv6 address in brackets, or the package name of an Android app. An international name
    /// stays in the form in which the browser sent it: `bücher.example` or `xn--bcher-kva.example`.
    pub host: String,
    /// The path from its first `/`, percent-encoded as sent. The path is `/` if the header had only an origin.
    pub path: String,
}

impl Referrer {
    /// Reads a `Referer` header. Returns `None` if the header is not an `http`, `https` or `android-app` address with a host. The
    /// caller treats such a header as missing.
    pub fn parse(header: &str) -> Option<Self> {
        let host::AddressParts { scheme, authority, path } = host::split(header.trim())?;
        if !["http", "https", "android-app"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return None;
        }
        let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
        let host = host::without_port(address)?;
        let host = host.strip_suffix('.').unwrap_or(host);
        is_host(host).then(|| Self { host: host.to_ascii_lowercase(), path: clean_path(path) })
    }

    /// Returns host and path in one text, as a referrer is stored and shown: `www.example.com/news`.
    pub fn as_string(&self) -> String {
        format!("{}{}", self.host, self.path)
    }

    /// Splits what [`Referrer::as_string`] returns into host and path.
    pub fn split(stored: &str) -> (&str, &str) {
        stored.split_at(stored.find('/').unwrap_or(stored.len()))
    }

    /// Returns whether the host is `domain` or below it. The domain is in lower case.
    pub fn is_under(&self, domain: &str) -> bool {
        host::is_under(&self.host, domain)
    }
}

fn is_host(host: &str) -> bool {
    let characters = match host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => {
            !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
        }
        None => host.chars().all(|character| match character {
            '-' | '_' | '.' => true,
            _ if character.is_ascii() => character.is_ascii_alphanumeric(),
            _ => !is_hidden(character) && !character.is_whitespace(),
        }),
    };
    characters && !host.starts_with('.') && !host.is_empty() && host.len() <= MAX_HOST_BYTES
}

fn clean_path(path: &str) -> String {
    let rest = path.strip_prefix(['/', '\\']).unwrap_or_default();
    let mut cleaned = String::with_capacity(rest.len().min(MAX_PATH_BYTES) + 1);
    cleaned.push('/');
    for character in rest.chars().filter(|&character| !is_hidden(character)) {
        if cleaned.len() + character.len_utf8() > MAX_PATH_BYTES {
            break;
        }
        cleaned.push(character);
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(header: &str) -> Option<String> {
        Referrer::parse(header).map(|referrer| referrer.as_string())
    }

    #[test]
    fn only_host_and_path_are_kept() {
        let cases = [
            ("https://www.google.com/", "www.google.com/"),
            ("https://www.google.com", "www.google.com/"),
            ("HTTPS://News.Example.COM:8443/A/b?q=secret#part", "news.example.com/A/b"),
            ("http://user:pass@example.com/x", "example.com/x"),
            ("http://example.com?q=1", "example.com/"),
            ("http://example.com#/route", "example.com/"),
            ("http://example.com./a", "example.com/a"),
            ("http://[::1]:3000/a", "[::1]/a"),
            ("https://bücher.example/ü", "bücher.example/ü"),
            ("https://xn--bcher-kva.example/", "xn--bcher-kva.example/"),
            ("android-app://com.google.android.gm/", "com.google.android.gm/"),
            ("https://a.example\\@own.example/", "a.example/@own.example/"),
            ("http://a.example@b.example@own.example/", "own.example/"),
            ("https://a.example/x\u{0}y\u{7f}\u{202e}z", "a.example/xyz"),
        ];
        for (header, expected) in cases {
            assert_eq!(parsed(header).as_deref(), Some(expected), "{header:?}");
        }
    }

    #[test]
    fn what_is_no_page_is_no_referrer() {
        let cases = [
            "",
            "/",
            "about:blank",
            "example.com/a",
            "//example.com/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "javascript://example.com/%0aalert(1)",
            "https://",
            "https:///path",
            "https://:80/",
            "https://user@/",
            "https://exa mple.com/",
            "https://a%2eb/",
            "https://<script>/",
            "https://a\u{0}b/",
            "https://a\u{202e}b/",
            "https://a.example:80x/",
            "https://[::1/",
            "https://[]/",
            "https://./",
            "https://[::1]x/",
        ];
        for header in cases {
            assert_eq!(parsed(header), None, "{header:?}");
        }
        assert_eq!(parsed(&format!("https://{}.example/", "a".repeat(250))), None);
    }

    #[test]
    fn a_long_path_is_cut_on_a_character_boundary() {
        let referrer = Referrer::parse(&format!("https://a.example/{}", "é".repeat(2000))).unwrap();
        assert_eq!(referrer.path, format!("/{}", "é".repeat(511)));
        let referrer = Referrer::parse(&format!("https://a.example/{}", "a".repeat(2000))).unwrap();
        assert_eq!(referrer.path.len(), MAX_PATH_BYTES);
    }

    #[test]
    fn a_domain_covers_what_is_below_it() {
        let referrer = Referrer::parse("https://m.example.com/").unwrap();
        assert!(referrer.is_under("m.example.com") && referrer.is_under("example.com"));
        assert!(!referrer.is_under("ample.com") && !referrer.is_under("www.m.example.com"));
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(scheme in "(https?|android-app|ftp)", rest in any::<String>()) {
            let _ = Referrer::parse(&rest);
            if let Some(Referrer { host, path }) = Referrer::parse(&format!("{scheme}://{rest}")) {
                prop_assert!(!host.is_empty() && !host.contains(['/', '@', '?', '#', '\\', ' ']));
                prop_assert!(path.starts_with('/') && path.len() <= MAX_PATH_BYTES);
                prop_assert!(!path.contains(['?', '#']) && !path.chars().any(is_hidden));
            }
        }
    }
}
