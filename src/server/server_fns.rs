//! What all server functions have in common.

use axum::{
    body::to_bytes,
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// The longest text of a server function's error.
const ERROR_BYTES: usize = 16 * 1024;

/// The header with which Leptos marks the response of a server function that could not run.
const FAILED: &str = "serverfnerror";

/// Responds with a plain 400 or 500 where a server function could not run.
///
/// Leptos would redirect a plain form to the request's `Referer`, whichever site that is, with the error's text in the query.
/// So the `Referer` is removed too.
pub(super) async fn normalize_errors(mut request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/api/") {
        return next.run(request).await;
    }
    request.headers_mut().remove(header::REFERER);
    let response = next.run(request).await;
    if response.headers().contains_key(FAILED) { failure(response).await } else { response }
}

/// Returns the status for a server function's error. The error's text is not shown: it may tell how the server works.
async fn failure(response: Response) -> Response {
    let text = to_bytes(response.into_body(), ERROR_BYTES).await.unwrap_or_default();
    let unreadable = [&b"Args|"[..], b"MissingArg|", b"Deserialization|"].iter().any(|kind| text.starts_with(kind));
    if unreadable {
        return StatusCode::BAD_REQUEST.into_response();
    }
    tracing::error!("a server function failed");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// Responds to `/api/…` addresses that do not exist.
pub(super) async fn not_found() -> StatusCode {
    StatusCode::NOT_FOUND
}
