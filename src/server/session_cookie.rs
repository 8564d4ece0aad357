//! Cookie hygiene around the session layer (tower-sessions 0.14 with tower-cookies).
//!
//! On the way in, only the exact name of the session's cookie counts: tower-cookies decodes names and trims them, so that
//! `%5F%5FHost-id` or a name with a Unicode space would pass for `__Host-id`; and two cookies of the name are none. On the way
//! out, a cookie is sent once, when its session begins, and taken away only by signing out, with the attributes that browsers
//! ask of a `__Host-` cookie; and a session that a landing began gets its cookie even where the page failed.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use percent_encoding::percent_decode_str;

use crate::{
    attribution::{EndedSession, StartedSession},
    config::Config,
    cookie::{SiteCookie, append},
    state::AppState,
};

/// How long a browser keeps the session's cookie: as long as a touch can matter.
pub(super) const MAX_AGE_DAYS: i64 = 90;

/// The session's cookie.
pub(super) fn session_cookie(config: &Config) -> SiteCookie {
    SiteCookie::new("__Host-waymark", config.is_secure())
}

pub(super) async fn clean(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let cookie = session_cookie(&state.config);
    let sent = clean_request(request.headers_mut(), cookie.name());
    let signs_out = matches!(request.uri().path(), "/api/logout" | "/api/erase");
    let mut response = next.run(request).await;
    let started = response.extensions_mut().remove::<StartedSession>();
    let signs_out = signs_out || response.extensions_mut().remove::<EndedSession>().is_some();
    let signed_out = clean_response(response.headers_mut(), cookie.name(), sent.as_deref());
    if signed_out && signs_out {
        append(response.headers_mut(), &cookie.removal());
    }
    // The session layer sets no cookie with a 5xx, but the touch is stored, and must find its visitor again.
    if let Some(StartedSession(id)) = started.filter(|_| response.status().is_server_error()) {
        let max_age = Duration::from_secs(MAX_AGE_DAYS.unsigned_abs() * 86_400);
        append(response.headers_mut(), &cookie.set(&id, max_age));
    }
    response
}

/// Leaves other cookies as they are, and the session's where it is unambiguous. Answers that one, as `name=value`.
fn clean_request(headers: &mut HeaderMap, name: &str) -> Option<String> {
    let mut exact = 0;
    let mut changed = false;
    let mut kept: Vec<String> = Vec::new();
    for header in headers.get_all(header::COOKIE) {
        // bytes beyond ASCII: keep what can be read, as the cookie parser would
        let text = String::from_utf8_lossy(header.as_bytes());
        for pair in text.split(';') {
            let pair = pair.trim_matches([' ', '\t']);
            let raw = pair.split('=').next().unwrap_or_default();
            if raw == name {
                exact += 1;
            } else if is_disguised(raw, name) {
                changed = true;
                continue;
            }
            kept.push(pair.to_owned());
        }
    }
    if exact > 1 {
        kept.retain(|pair| pair.split('=').next() != Some(name));
        changed = true;
    }
    if changed {
        headers.remove(header::COOKIE);
        if let Ok(value) = HeaderValue::from_bytes(kept.join("; ").as_bytes()) {
            headers.insert(header::COOKIE, value);
        }
    }
    kept.into_iter().find(|pair| pair.split('=').next() == Some(name))
}

/// Whether a cookie's name would become `name` after decoding and trimming.
fn is_disguised(raw: &str, name: &str) -> bool {
    percent_decode_str(raw).decode_utf8_lossy().trim() == name || raw.trim() == name
}

/// Drops what would undo a sign-in or a sign-out that the request crossed: removals of the session's cookie, which the session
/// layer sends whenever it finds no session, and the cookie that the browser had sent, which it sends whenever a handler
/// changed the session. Answers whether there was a removal.
///
/// So a cookie is as old as its session, not as its last change: [`MAX_AGE_DAYS`] is also the longest that a session lasts.
fn clean_response(headers: &mut HeaderMap, name: &str, sent: Option<&str>) -> bool {
    let removes = |value: &HeaderValue| {
        let text = value.to_str().unwrap_or_default();
        text.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with("=;") || (rest.starts_with('=') && text.contains("Max-Age=0")))
    };
    let repeats = |value: &HeaderValue| {
        let pair = value.to_str().unwrap_or_default().split(';').next();
        sent.is_some() && pair == sent
    };
    let removed = headers.get_all(header::SET_COOKIE).iter().any(removes);
    if !removed && !headers.get_all(header::SET_COOKIE).iter().any(repeats) {
        return false;
    }
    let kept: Vec<HeaderValue> = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter(|value| !removes(value) && !repeats(value))
        .cloned()
        .collect();
    headers.remove(header::SET_COOKIE);
    for value in kept {
        headers.append(header::SET_COOKIE, value);
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(cookies: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, HeaderValue::from_bytes(cookie.as_bytes()).expect("a header value"));
        }
        clean_request(&mut headers, "__Host-waymark");
        let all: Vec<_> = headers
            .get_all(header::COOKIE)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        all.join("|")
    }

    #[test]
    fn ordinary_cookies_pass_untouched() {
        assert_eq!(cleaned(&["a=1; __Host-waymark=x; b=2"]), "a=1; __Host-waymark=x; b=2");
        assert_eq!(cleaned(&["flash=e30"]), "flash=e30");
    }

    #[test]
    fn disguised_names_are_dropped_and_the_real_one_stays() {
        for disguise in [
            "%5F%5FHost-waymark=evil",
            "\u{2000}__Host-waymark=evil",
            "__Host-waymark%20=evil",
            "%5f_Host%2Dwaymark=evil",
        ] {
            assert_eq!(cleaned(&[&format!("{disguise}; __Host-waymark=real")]), "__Host-waymark=real", "{disguise}");
        }
    }

    #[test]
    fn two_of_the_name_are_none() {
        assert_eq!(cleaned(&["__Host-waymark=a; x=1; __Host-waymark=b"]), "x=1");
        assert_eq!(cleaned(&["__Host-waymark=a", "__Host-waymark=b"]), "");
    }

    #[test]
    fn a_removal_is_dropped_and_told() {
        let mut headers = HeaderMap::new();
        for cookie in ["waymark=; Path=/; Max-Age=0", "flash=; Max-Age=0"] {
            headers.append(header::SET_COOKIE, HeaderValue::from_static(cookie));
        }
        assert!(clean_response(&mut headers, "waymark", None));
        assert_eq!(headers.get_all(header::SET_COOKIE).iter().count(), 1);
        assert!(!clean_response(&mut headers, "waymark", None));
    }

    #[test]
    fn the_cookie_that_was_sent_is_not_sent_back() {
        let mut headers = HeaderMap::new();
        headers.append(header::SET_COOKIE, HeaderValue::from_static("waymark=old; Path=/; Max-Age=9"));
        assert!(!clean_response(&mut headers, "waymark", Some("waymark=ol")));
        assert!(headers.contains_key(header::SET_COOKIE), "a new one is sent");
        assert!(!clean_response(&mut headers, "waymark", Some("waymark=old")));
        assert!(!headers.contains_key(header::SET_COOKIE));
    }
}
