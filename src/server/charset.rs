//! Declares text and JSON as UTF-8, so that no browser guesses another encoding in which harmless bytes become a script.

use axum::http::{HeaderMap, HeaderValue, header};

/// Completes the content type of text and JSON: `text/css` → `text/css; charset=utf-8`.
pub(super) fn add(headers: &mut HeaderMap) {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let complete = kind
        .filter(|kind| (kind.starts_with("text/") || *kind == "application/json") && !kind.contains("charset"))
        .and_then(|kind| HeaderValue::from_str(&format!("{kind}; charset=utf-8")).ok());
    if let Some(complete) = complete {
        headers.insert(header::CONTENT_TYPE, complete);
    }
}
