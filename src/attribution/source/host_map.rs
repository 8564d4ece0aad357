//! Data files write hosts as patterns. A [`HostMap`] returns the value of the pattern that matches a host.
//!
//! - `bing.com` is that host, without the hosts below it.
//! - `.reddit.com` is that host and all hosts below it.
//! - `google.*` is that name under `com`, `cat` or any country: `google.de`, `google.co.uk`, `google.com.br`.
//! - `github.com/login` is that host under that path only: `/login` and `/login/oauth`, but not `/logins`.
//!
//! These forms can be combined: `.paypal.*`, `google.*/shopping`. A leading `www.`, `m.` or `mobile.` of a host never matters.
//! The most specific pattern decides: the longer host before the shorter, then the longer path. A look-up costs one or two
//! hashes for each label of the host, however many patterns there are.

use std::collections::HashMap;

/// Patterns and their values.
#[derive(Debug)]
pub struct HostMap<T> {
    hosts: HashMap<&'static str, Vec<HostEntry<T>>>,
    /// The entries of patterns such as `google.*`, by the name before `.*`.
    brands: HashMap<&'static str, Vec<HostEntry<T>>>,
}

/// One pattern of a host. The entries of a host are sorted by path, the longest first.
#[derive(Debug)]
struct HostEntry<T> {
    /// Whether hosts below the pattern's host match too.
    below: bool,
    /// Without a `/` at the end; empty if any path matches.
    path: &'static str,
    value: T,
}

impl<T> Default for HostMap<T> {
    fn default() -> Self {
        Self { hosts: HashMap::new(), brands: HashMap::new() }
    }
}

impl<T: Copy> HostMap<T> {
    /// Adds a pattern.
    ///
    /// Errors: what is wrong with the pattern. If the map has the pattern already, its first value stays.
    pub fn insert(&mut self, pattern: &'static str, value: T) -> Result<(), &'static str> {
        let (host, path) = match pattern.find('/') {
            Some(at) => pattern.split_at(at),
            None => (pattern, ""),
        };
        let (below, name) = host.strip_prefix('.').map_or((false, host), |name| (true, name));
        let (map, name) = match name.strip_suffix(".*") {
            Some(brand) => (&mut self.brands, brand),
            None => (&mut self.hosts, name),
        };
        if name.is_empty() || name != site(name) || name.starts_with('.') || name.ends_with('.') {
            return Err("is not a host, or begins with a prefix that never matters");
        }
        if !name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.')) {
            return Err("has a character other than a to z, digits, dots, hyphens and underscores");
        }
        let path = path.trim_end_matches('/');
        let entries = map.entry(name).or_default();
        if entries.iter().any(|entry| entry.path == path) {
            return Err("is there twice");
        }
        let at = entries.partition_point(|entry| entry.path.len() >= path.len());
        entries.insert(at, HostEntry { below, path, value });
        Ok(())
    }

    /// Returns the value of the most specific pattern that matches. The host is in lower case; the path begins with `/` or is
    /// empty.
    pub fn get(&self, host: &str, path: &str) -> Option<T> {
        let host = site(host);
        let mut suffix = host;
        loop {
            let here = |entries: &Vec<HostEntry<T>>| {
                let fits = |entry: &&HostEntry<T>| {
                    (entry.below || suffix.len() == host.len())
                        && (entry.path.is_empty() || path_is_under(path, entry.path))
                };
                entries.iter().find(fits).map(|entry| entry.value)
            };
            let found = self
                .hosts
                .get(suffix)
                .and_then(here)
                .or_else(|| self.brands.get(without_country(suffix)?).and_then(here));
            if found.is_some() {
                return found;
            }
            suffix = suffix.split_once('.')?.1;
        }
    }
}

/// Returns the host without a prefix that only names a variant of the same site: `m.example.com` → `example.com`.
pub fn site(host: &str) -> &str {
    ["www.", "m.", "mobile."]
        .iter()
        .find_map(|prefix| host.strip_prefix(prefix))
        // `m.me` is not the mobile site of `me`.
        .filter(|site| site.contains('.'))
        .unwrap_or(host)
}

/// Returns whether a path is `parent` or lies below `parent`: `/login/oauth` is under `/login`, `/logins` is not.
pub fn path_is_under(path: &str, parent: &str) -> bool {
    let parent = parent.trim_end_matches('/');
    path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns the name before `com`, `cat` or a country: `google.com`, `google.de`, `google.co.uk` and `google.com.br` → `google`.
///
/// Other endings are not removed, so they do not match a brand: `google.shop` → `None`. A host below another domain does not
/// match either: `google.evil.io` → `google.evil`.
fn without_country(host: &str) -> Option<&str> {
    let (name, ending) = host.rsplit_once('.')?;
    let is_country = ending.len() == 2 && ending.bytes().all(|byte| byte.is_ascii_lowercase());
    match name.rsplit_once('.') {
        Some((brand, "co" | "com")) if is_country => Some(brand),
        _ => (is_country || matches!(ending, "com" | "cat")).then_some(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> HostMap<u8> {
        let mut map = HostMap::default();
        let patterns =
            ["bing.com", ".reddit.com", "google.*", ".paypal.*", "google.*/shopping", "old.reddit.com/r", "m.me"];
        for (value, pattern) in (0..).zip(patterns) {
            assert_eq!(map.insert(pattern, value), Ok(()), "{pattern}");
        }
        map
    }

    #[test]
    fn the_most_specific_pattern_decides() {
        let map = map();
        let cases = [
            ("bing.com", "/", Some(0)),
            ("www.bing.com", "", Some(0)),
            ("m.bing.com", "/a", Some(0)),
            ("cn.bing.com", "/", None),
            ("reddit.com", "/", Some(1)),
            ("a.b.reddit.com", "/", Some(1)),
            ("notreddit.com", "/", None),
            ("old.reddit.com", "/user", Some(1)),
            ("old.reddit.com", "/r/rust", Some(5)),
            ("google.com", "/", Some(2)),
            ("www.google.co.uk", "/", Some(2)),
            ("google.com.br", "/", Some(2)),
            ("google.cat", "/", Some(2)),
            ("google.de", "/shopping/", Some(4)),
            ("google.de", "/shoppings", Some(2)),
            ("mail.google.com", "/", None),
            ("google.evil.io", "/", None),
            ("google.com.evil.com", "/", None),
            ("google.xyz", "/", None),
            ("google.co.xyz", "/", None),
            ("co.uk", "/", None),
            ("paypal.me", "/x", Some(3)),
            ("history.paypal.com", "/", Some(3)),
            ("checkout.paypal.co.uk", "/", Some(3)),
            ("m.me", "/", Some(6)),
            ("", "/", None),
            (".", "/", None),
            ("..", "/", None),
        ];
        for (host, path, expected) in cases {
            assert_eq!(map.get(host, path), expected, "{host}{path}");
        }
    }

    #[test]
    fn a_pattern_that_could_never_match_is_refused() {
        for pattern in
            ["", ".", "www.bing.com", "Bing.com", "*.bing.com", "bing.com.", "bing com", "bing.com", "/a", ".*"]
        {
            assert!(map().insert(pattern, 9).is_err(), "{pattern:?}");
        }
    }
}
