//! No cache keeps what belongs to one person.

use axum::{
    http::{HeaderValue, header},
    response::Response,
};

/// A response extension: a signed-in user asked for this response.
#[derive(Clone, Copy, Debug)]
struct Personal;

/// Marks a response to a signed-in user as personal.
pub(super) fn mark_personal(response: &mut Response) {
    response.extensions_mut().insert(Personal);
}

/// Sets `Cache-Control`. A response that is personal or sets a cookie gets `no-store`, for proxies and browsers. Other responses
/// keep the handler's own value, or get `no-cache`, with which a cache asks again each time.
pub(super) fn restrict(response: &mut Response) {
    let personal = response.extensions().get::<Personal>().is_some();
    let headers = response.headers_mut();
    if personal || headers.contains_key(header::SET_COOKIE) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    } else {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    }
}
