//! Where to go after signing in: a path of this site, or home.

/// Longest `next` that is followed.
const BYTES: usize = 2048;

/// The path to go to, if `next` is one of this site: one leading slash, no second (`//host` and `/\host` are other sites), and
/// nothing but visible ASCII, because it becomes a header.
pub fn safe_next(next: &str) -> Option<&str> {
    let fine = next.len() <= BYTES
        && next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.bytes().all(|byte| byte.is_ascii_graphic())
        // not straight back to a form, nor to what is no page
        && !["/api/", "/login", "/register"].iter().any(|path| next.starts_with(path));
    fine.then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_this_site_are_followed() {
        for fine in ["/", "/account", "/admin/leads?from=2026-01-01&q=a%20b", "/a//b", "/x?to=https://evil.example/"] {
            assert_eq!(safe_next(fine), Some(fine));
        }
    }

    #[test]
    fn other_sites_and_oddities_are_not() {
        let long = format!("/{}", "a".repeat(BYTES));
        let payloads = [
            "",
            "evil",
            "evil.example",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "\\/evil",
            "/\t/evil.example",
            "/\n/evil",
            "/\r\nSet-Cookie: a=b",
            "https:evil.example",
            "https://evil.example",
            "http:/evil",
            "javascript:alert(1)",
            "data:text/html,x",
            " /account",
            "/ account",
            "/a\0b",
            "/ä",
            "@evil.example",
            "?x",
            "#x",
            ".",
            "..",
            "../admin",
            "/api/logout",
            "/login",
            "/login?next=/",
            "/register",
            "/a\u{7f}",
            "/a\u{2028}b",
            long.as_str(),
        ];
        for wrong in payloads {
            assert_eq!(safe_next(wrong), None, "{wrong:?}");
        }
    }
}
