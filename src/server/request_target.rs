//! A request's target: refused if it is not the address of a page, before anything reads it.

use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode, Version, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use percent_encoding::percent_decode_str;

/// Refuses what only proxies are asked for (`CONNECT`, `OPTIONS *`), and paths with `.` or `..` in them: `/login/../admin`.
///
/// The pages' router resolves such segments, so `require_role` would have looked at another path than the one that is served.
pub(super) async fn refuse_odd_targets(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if request.method() == Method::CONNECT {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    if !path.starts_with('/') {
        return StatusCode::BAD_REQUEST.into_response();
    }
    // Most paths have neither a dot nor a percent sign, and need no look at each segment.
    if path.contains(['.', '%']) && path.split(['/', '\\']).any(is_dots) {
        return StatusCode::NOT_FOUND.into_response();
    }
    next.run(request).await
}

/// Gives a request over HTTP/2 the `Host` header of HTTP/1. HTTP/2 has the host in the target.
pub(super) fn add_host(request: &mut Request) {
    if request.version() == Version::HTTP_2 && !request.headers().contains_key(header::HOST) {
        let authority = request.uri().authority();
        let host = authority.and_then(|authority| {
            let host = authority.host();
            match authority.port_u16() {
                Some(port) => HeaderValue::from_str(&format!("{host}:{port}")).ok(),
                None => HeaderValue::from_str(host).ok(),
            }
        });
        if let Some(host) = host {
            request.headers_mut().insert(header::HOST, host);
        }
    }
}

/// Returns whether a segment is `.` or `..`, also percent-encoded: `%2e`, `.%2E`.
fn is_dots(segment: &str) -> bool {
    let decoded = percent_decode_str(segment).decode_utf8_lossy();
    decoded == "." || decoded == ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_over_http2_names_its_host_like_others() {
        for (version, target, host) in [
            (Version::HTTP_2, "http://waymark.example:8080/?a=b", Some("waymark.example:8080")),
            (Version::HTTP_2, "http://someone@waymark.example/", Some("waymark.example")),
            (Version::HTTP_2, "/", None),
            (Version::HTTP_11, "http://waymark.example/", None),
        ] {
            let mut request =
                Request::builder().version(version).uri(target).body(axum::body::Body::empty()).expect("fine");
            add_host(&mut request);
            let found = request.headers().get(header::HOST).map(|host| host.to_str().expect("ASCII"));
            assert_eq!(found, host, "{version:?} {target}");
        }
    }

    #[test]
    fn dots_are_found_however_they_are_written() {
        for dots in [".", "..", "%2e", "%2E%2e", ".%2e"] {
            assert!(is_dots(dots), "{dots}");
        }
        for name in ["", "a.b", "...", "leads.csv", ".well-known", "%20.", "a..b"] {
            assert!(!is_dots(name), "{name}");
        }
    }
}
