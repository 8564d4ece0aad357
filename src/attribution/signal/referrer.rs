//! The page a visitor came from, as the `Referer` header gives it.
//!
//! What always holds of a [`Referrer`]: the host is not empty, has no user, no port and no ASCII capital;
//! the path begins with `/`, has at most [`MAX_PATH_BYTES`] bytes and no hidden character. The query and
//! the fragment are never kept: they hold what people searched for, and sometimes who they are.

use super::clean::is_hidden;

/// The longest path that is kept, in bytes; the rest is cut on a character boundary.
pub const MAX_PATH_BYTES: usize = 1024;

/// The longest name that DNS allows, in bytes.
const MAX_HOST_BYTES: usize = 253;

/// Host and path of a referring page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// Lower-case host name as sent (an international one stays in the form it came in), an IPv6 address
    /// in brackets, or the package name of an Android app.
    pub host: String,
    /// From the first `/`, percent-encoded as sent; `/` where the header had only an origin.
    pub path: String,
}

impl Referrer {
    /// Reads a `Referer` header. `None` for whatever is not an `http`, `https` or `android-app` address with
    /// a host, which is then as good as no header.
    pub fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once("://")?;
        if !["http", "https", "android-app"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return None;
        }
        // A backslash ends the authority too, as it does in browsers: `https://a\@b` is a page of `a`.
        let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let host = host(authority)?;
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        Some(Self { host, path: clean_path(path) })
    }

    /// Host and path in one, as it is stored and shown: `www.example.com/news`.
    pub fn as_string(&self) -> String {
        format!("{}{}", self.host, self.path)
    }

    /// Whether the host is that domain or one below it. The domain is given in lower case.
    pub fn is_under(&self, domain: &str) -> bool {
        self.host.strip_suffix(domain).is_some_and(|below| below.is_empty() || below.ends_with('.'))
    }
}

/// The host of `user:password@host:port`, or `None` where it cannot be one.
fn host(authority: &str) -> Option<String> {
    let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
    let (host, port) = match address.find(']') {
        Some(bracket) => address.split_at(bracket + 1),
        None => address.split_at(address.find(':').unwrap_or(address.len())),
    };
    let port = port.strip_prefix(':').unwrap_or(port);
    let host = host.strip_suffix('.').unwrap_or(host);
    let named = match host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => {
            !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
        }
        None => host.chars().all(|character| match character {
            '-' | '_' | '.' => true,
            _ if character.is_ascii() => character.is_ascii_alphanumeric(),
            _ => !is_hidden(character) && !character.is_whitespace(),
        }),
    };
    let sound = named
        && !host.starts_with('.')
        && !host.is_empty()
        && host.len() <= MAX_HOST_BYTES
        && port.bytes().all(|byte| byte.is_ascii_digit());
    sound.then(|| host.to_ascii_lowercase())
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
