//! A path of this site. A redirect to such a path cannot lead to another site.

/// A path of this site, perhaps with a query and a fragment: `/account?tab=1#top`.
///
/// A path may become a `Location` header. A browser that follows the header stays on this site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalPath<'t>(&'t str);

impl<'t> LocalPath<'t> {
    /// Returns `None` for everything else:
    /// - `evil.example`, `https://evil.example`, `javascript:…`, `?x`, the empty text: no slash in front.
    /// - `//evil.example`: browsers read this as another host.
    /// - `/\evil.example`, `/a\b`: browsers read a backslash as a slash.
    /// - `/a b`, `/\t/evil.example`, `/ä`: browsers drop or encode these bytes, and some are not allowed in headers.
    pub fn parse(text: &'t str) -> Option<Self> {
        let is_local = text.starts_with('/')
            && !text.starts_with("//")
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        is_local.then_some(Self(text))
    }

    /// Returns the text that was parsed.
    pub fn as_str(self) -> &'t str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_this_site_are_taken_as_they_are() {
        for path in [
            "/",
            "/account",
            "/admin/leads?from=2026-01-01&q=a%20b",
            "/a//b",
            "/x?to=https://evil.example/",
            "/r/abc#top",
            "/..//evil.example",
            "/:@evil.example",
            "/%5Cevil.example",
        ] {
            assert_eq!(LocalPath::parse(path).map(LocalPath::as_str), Some(path));
        }
    }

    #[test]
    fn other_sites_and_what_no_header_may_hold_are_refused() {
        for text in [
            "",
            "evil.example",
            "//evil.example",
            "///evil.example",
            "////evil.example",
            "/\\evil.example",
            "\\evil.example",
            "\\\\evil.example",
            "\\/evil.example",
            "/\\/evil.example",
            "/a\\b",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\nSet-Cookie: a=b",
            "/\u{0}/evil",
            " /account",
            "/ account",
            "/account ",
            "\u{a0}/account",
            "/a\u{7f}",
            "/a\u{85}b",
            "/ä",
            "/a\u{2028}b",
            "/a\u{200b}b",
            "\u{feff}/account",
            "https://evil.example",
            "HTTPS://EVIL.EXAMPLE",
            "https:evil.example",
            "http:/evil.example",
            "http:\\\\evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "@evil.example",
            "?next=/",
            "#x",
            ".",
            "../admin",
        ] {
            assert_eq!(LocalPath::parse(text), None, "{text:?}");
        }
    }
}
