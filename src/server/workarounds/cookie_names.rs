//! tower-cookies 0.11 decodes and trims the names of cookies, and takes the last of several cookies with one name. So
//! `%5F%5FHost-waymark`, or a name with a Unicode space in front, passes for `__Host-waymark`. Browsers let any host of the
//! domain set such a cookie, so an attacker could plant a session.
//!
//! Upstream: no issue is known. Delete when tower-cookies compares names as they were sent.

use axum::http::{HeaderMap, HeaderValue, header};
use percent_encoding::percent_decode_str;

/// Removes the cookies that tower-cookies would take for the cookie `name` although their names differ. Where `name` itself is
/// sent more than once, all its cookies are removed, because the server cannot know which one is genuine. Other cookies stay as
/// they are.
pub(super) fn sanitize(headers: &mut HeaderMap, name: &str) {
    if !headers.contains_key(header::COOKIE) {
        return;
    }
    let mut exact = 0;
    let mut disguised = false;
    let mut kept: Vec<String> = Vec::new();
    for header in headers.get_all(header::COOKIE) {
        // A header that is not UTF-8 is read as far as possible: tower-cookies skips such a header as a whole.
        let text = String::from_utf8_lossy(header.as_bytes());
        for pair in text.split(';') {
            let pair = pair.trim_matches([' ', '\t']);
            if name_of(pair) == name {
                exact += 1;
            } else if is_disguised(name_of(pair), name) {
                disguised = true;
                continue;
            }
            kept.push(pair.to_owned());
        }
    }
    if exact > 1 {
        kept.retain(|pair| name_of(pair) != name);
    }
    if disguised || exact > 1 {
        headers.remove(header::COOKIE);
        if let Ok(value) = HeaderValue::from_bytes(kept.join("; ").as_bytes()) {
            headers.insert(header::COOKIE, value);
        }
    }
}

fn name_of(pair: &str) -> &str {
    pair.split('=').next().unwrap_or_default()
}

/// Returns whether a name becomes `name` by decoding and trimming.
fn is_disguised(sent: &str, name: &str) -> bool {
    percent_decode_str(sent).decode_utf8_lossy().trim() == name || sent.trim() == name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sanitized(cookies: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, HeaderValue::from_bytes(cookie.as_bytes()).expect("a header value"));
        }
        sanitize(&mut headers, "__Host-waymark");
        let all: Vec<_> = headers
            .get_all(header::COOKIE)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        all.join("|")
    }

    #[test]
    fn ordinary_cookies_pass_untouched() {
        assert_eq!(sanitized(&["a=1; __Host-waymark=x; b=2"]), "a=1; __Host-waymark=x; b=2");
        assert_eq!(sanitized(&["flash=e30"]), "flash=e30");
    }

    #[test]
    fn disguised_names_are_dropped_and_the_real_one_stays() {
        for disguise in [
            "%5F%5FHost-waymark=evil",
            "\u{2000}__Host-waymark=evil",
            "__Host-waymark%20=evil",
            "%5f_Host%2Dwaymark=evil",
        ] {
            assert_eq!(sanitized(&[&format!("{disguise}; __Host-waymark=real")]), "__Host-waymark=real", "{disguise}");
        }
    }

    #[test]
    fn two_of_the_name_are_none() {
        assert_eq!(sanitized(&["__Host-waymark=a; x=1; __Host-waymark=b"]), "x=1");
        assert_eq!(sanitized(&["__Host-waymark=a", "__Host-waymark=b"]), "");
    }
}
