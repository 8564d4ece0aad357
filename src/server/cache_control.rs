//! No cache keeps what belongs to one person.

use axum::{
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};

use crate::attribution::SignedInUser;

/// A response extension: a signed-in user asked for this response.
#[derive(Clone, Copy, Debug)]
struct Personal;

/// Marks the responses to signed-in users as personal. This layer stands inside authentication, which
/// knows the user.
pub(super) async fn mark_personal(request: Request, next: Next) -> Response {
    let signed_in = request.extensions().get::<SignedInUser>().is_some();
    let mut response = next.run(request).await;
    if signed_in {
        response.extensions_mut().insert(Personal);
    }
    response
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
