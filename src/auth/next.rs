//! Where a user goes after signing in: the path in the form's `next`, if it is a page of this site.

use crate::local_path::LocalPath;

/// The longest `next` that is followed.
const BYTES: usize = 2048;

/// Beginnings of paths that are not followed: the account forms, and paths that are no pages.
const NOT_FOLLOWED: [&str; 3] = ["/api/", "/login", "/register"];

/// Returns `next` if it may be followed: `/account?tab=1` → itself; `//evil.example`, `/login` → `None`.
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
