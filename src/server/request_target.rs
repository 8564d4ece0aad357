//! Refuses requests whose target is not the address of a page, before anything reads them.

use axum::{
    extract::Request,
    http::{Method, StatusCode},
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

/// Returns whether a segment is `.` or `..`, also percent-encoded: `%2e`, `.%2E`.
fn is_dots(segment: &str) -> bool {
    let decoded = percent_decode_str(segment).decode_utf8_lossy();
    decoded == "." || decoded == ".."
}

#[cfg(test)]
mod tests {
    use super::*;

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
