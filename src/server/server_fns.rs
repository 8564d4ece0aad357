//! What all server functions have in common, before they run.

use axum::{
    body::to_bytes,
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// The largest form. Nothing that is posted here is long.
pub(super) const BODY_BYTES: usize = 16 * 1024;

/// The framework's header on the answer of a server function that could not run.
const FAILED: &str = "serverfnerror";

/// Keeps server functions to what they say themselves.
///
/// It takes the `Referer` away from `/api`: a server function sends a plain form back to it, wherever it leads, with its error in
/// the query. And one that could not even run is an error to a browser too, not a redirect.
pub(super) async fn tame(mut request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/api/") {
        return next.run(request).await;
    }
    request.headers_mut().remove(header::REFERER);
    let response = next.run(request).await;
    if response.headers().contains_key(FAILED) { failure(response).await } else { response }
}

/// The status of a server function's error; its text is for nobody.
async fn failure(response: Response) -> Response {
    let text = to_bytes(response.into_body(), BODY_BYTES).await.unwrap_or_default();
    // what was sent could not be read; all else is our fault
    let theirs = [&b"Args|"[..], b"MissingArg|", b"Deserialization|"].iter().any(|kind| text.starts_with(kind));
    if theirs {
        return StatusCode::BAD_REQUEST.into_response();
    }
    tracing::error!("a server function failed");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// An `/api` address that is none.
pub(super) async fn not_found() -> StatusCode {
    StatusCode::NOT_FOUND
}
