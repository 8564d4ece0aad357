//! The session layer of tower-sessions 0.14 sets and removes its cookie at the wrong times:
//! - The layer sends a removal whenever it finds no session, also in a request that crossed a sign-in. The browser would lose the
//!   new cookie.
//! - The layer sends the cookie again whenever a handler changed the session, also in a request that crossed a sign-out.
//! - The layer's removal has neither `Secure` nor `HttpOnly`, so browsers keep a `__Host-` cookie.
//! - The layer sends no cookie with a 5xx. A landing's touch is stored by then and must find its visitor again.
//!
//! So here the cookie is sent once, when its session begins, and removed only by a handler that ends the session. As a result
//! the cookie is as old as its session, not as the session's last change.
//!
//! Upstream: maxcountryman/tower-sessions#268 (merged in 2026, after 0.14.0) adds `Secure` to the removal; no issue is known for
//! the others. Delete when a release that axum-login takes sends the cookie as the paragraph above says.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use super::cookie_names;
use crate::{
    auth::session_lifetime::LIFETIME,
    cookie::{self, EndedSession, SiteCookie, StartedSession},
};

/// Removes cookies that only pass for the session's, and corrects the cookies that the session layer sets. Stands around that layer.
pub(in crate::server) async fn correct(State(cookie): State<SiteCookie>, mut request: Request, next: Next) -> Response {
    cookie_names::sanitize(request.headers_mut(), cookie.name());
    let sent = cookie.values(request.headers()).next().map(str::to_owned);
    let ended = EndedSession::default();
    request.extensions_mut().insert(ended.clone());
    let mut response = next.run(request).await;
    let removed = drop_untimely(response.headers_mut(), cookie.name(), sent.as_deref());
    if removed && ended.is_marked() {
        cookie::append(response.headers_mut(), &cookie.removal());
    }
    let started = response.extensions_mut().remove::<StartedSession>();
    if let Some(StartedSession(id)) = started.filter(|_| response.status().is_server_error()) {
        cookie::append(response.headers_mut(), &cookie.set(&id, LIFETIME));
    }
    response
}

/// Drops the session layer's removals of the cookie `name`, and cookies with the value that the browser has `sent`. Returns
/// whether there was a removal.
fn drop_untimely(headers: &mut HeaderMap, name: &str, sent: Option<&str>) -> bool {
    let value = |set_cookie: &HeaderValue| {
        let pair = set_cookie.to_str().ok()?.split(';').next()?;
        Some(pair.strip_prefix(name)?.strip_prefix('=')?.to_owned())
    };
    let removes = |set_cookie: &HeaderValue| value(set_cookie).is_some_and(|value| value.is_empty());
    let repeats = |set_cookie: &HeaderValue| sent.is_some() && value(set_cookie).as_deref() == sent;
    let all: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    let removed = all.iter().any(removes);
    if removed || all.iter().any(repeats) {
        headers.remove(header::SET_COOKIE);
        for set_cookie in all.into_iter().filter(|set_cookie| !removes(set_cookie) && !repeats(set_cookie)) {
            headers.append(header::SET_COOKIE, set_cookie);
        }
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removal_is_dropped_and_told() {
        let mut headers = HeaderMap::new();
        for cookie in ["waymark=; Path=/; Max-Age=0", "flash=; Max-Age=0"] {
            headers.append(header::SET_COOKIE, HeaderValue::from_static(cookie));
        }
        assert!(drop_untimely(&mut headers, "waymark", None));
        assert_eq!(headers.get_all(header::SET_COOKIE).iter().count(), 1);
        assert!(!drop_untimely(&mut headers, "waymark", None));
    }

    #[test]
    fn the_cookie_that_was_sent_is_not_sent_back() {
        let mut headers = HeaderMap::new();
        headers.append(header::SET_COOKIE, HeaderValue::from_static("waymark=old; Path=/; Max-Age=9"));
        assert!(!drop_untimely(&mut headers, "waymark", Some("ol")));
        assert!(headers.contains_key(header::SET_COOKIE), "a new one is sent");
        assert!(!drop_untimely(&mut headers, "waymark", Some("old")));
        assert!(!headers.contains_key(header::SET_COOKIE));
    }
}
