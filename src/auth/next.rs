//! Where to go after signing in: a path of this site, or home.

use crate::local_path::LocalPath;

/// Longest `next` that is followed.
const BYTES: usize = 2048;

/// Forms and what is no page: nobody is led back to these.
const NOT_FOLLOWED: [&str; 3] = ["/api/", "/login", "/register"];

/// Returns the path to go to, if `next` is one of this site and leads neither back to a form nor to what is no page.
pub fn safe_next(next: &str) -> Option<LocalPath<'_>> {
    LocalPath::parse(next)
        .filter(|_| next.len() <= BYTES && !NOT_FOLLOWED.iter().any(|beginning| next.starts_with(beginning)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_site_are_followed() {
        for next in ["/", "/account", "/admin/leads?from=2026-01-01&q=a%20b", "/x?to=https://evil.example/"] {
            assert_eq!(safe_next(next), LocalPath::parse(next));
        }
    }

    #[test]
    fn other_sites_forms_and_long_texts_are_not() {
        let long = format!("/{}", "a".repeat(BYTES));
        for next in ["", "//evil.example", "/api/logout", "/login", "/login?next=/", "/register", long.as_str()] {
            assert_eq!(safe_next(next), None, "{next:?}");
        }
    }
}
