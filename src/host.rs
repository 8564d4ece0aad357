//! Hosts in addresses that browsers send.
//!
//! The `url` crate would change results: it rewrites `bücher.example` to `xn--bcher-kva.example`, `0x7f.1` to `127.0.0.1` and
//! `a%2eb` to `a.b`, and reads `https:///a` as the host `a`. A referrer is stored with its host as the browser sent it. The
//! functions here also allocate nothing, which matters because every request calls them.

/// The parts of `https://user:password@www.example.com:8443/a?b#c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressParts<'a> {
    /// `https`
    pub scheme: &'a str,
    /// `user:password@www.example.com:8443`
    pub authority: &'a str,
    /// `/a`; empty if there is no path.
    pub path: &'a str,
}

/// Splits an address. Returns `None` if the address has no `://`.
///
/// A backslash ends the authority as a slash does, because browsers read it so: `https://a\@b` is a page of `a`.
pub fn split(address: &str) -> Option<AddressParts<'_>> {
    let (scheme, rest) = address.split_once("://")?;
    let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
    let (authority, path) = rest.split_at(rest.find(['/', '\\']).unwrap_or(rest.len()));
    Some(AddressParts { scheme, authority, path })
}

/// Returns the host of `host` or `host:port`, and `None` if the port is not a number. Example: `[::1]:3000` → `[::1]`.
pub fn without_port(authority: &str) -> Option<&str> {
    let end = match authority.find(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end);
    let is_port = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(host)
}

/// Returns whether a host is `domain` or below it: `m.example.com` is under `example.com`. Host and domain are in lower case.
pub fn is_under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_split_where_browsers_split_it() {
        for (address, parts) in [
            ("https://u:p@www.example.com:8443/a?b#c", ["https", "u:p@www.example.com:8443", "/a"]),
            ("http://a.example", ["http", "a.example", ""]),
            ("http://a.example?b/c", ["http", "a.example", ""]),
            ("http://a.example#/c", ["http", "a.example", ""]),
            ("https://a\\@b/c", ["https", "a", "\\@b/c"]),
            ("https:///a", ["https", "", "/a"]),
        ] {
            let split = split(address).map(|AddressParts { scheme, authority, path }| [scheme, authority, path]);
            assert_eq!(split, Some(parts), "{address}");
        }
        assert_eq!(split("www.example.com/a"), None);
    }

    #[test]
    fn a_port_is_a_number() {
        for (authority, host) in [
            ("a.example", Some("a.example")),
            ("a.example:80", Some("a.example")),
            ("a.example:", Some("a.example")),
            ("[::1]", Some("[::1]")),
            ("[::1]:3000", Some("[::1]")),
            ("a.example:80x", None),
            ("user:password@a.example", None),
            ("[::1", None),
            ("[::1]80", None),
            ("", Some("")),
        ] {
            assert_eq!(without_port(authority), host, "{authority}");
        }
    }

    #[test]
    fn a_domain_covers_the_hosts_below_it() {
        assert!(is_under("example.com", "example.com") && is_under("m.example.com", "example.com"));
        assert!(!is_under("notexample.com", "example.com") && !is_under("example.com", "m.example.com"));
    }
}
