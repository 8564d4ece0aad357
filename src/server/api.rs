//! What all server functions have in common, before they run.

use axum::{
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::Response,
};

/// The largest form. Nothing that is posted here is long.
pub(super) const BODY_BYTES: usize = 16 * 1024;

/// Takes the `Referer` away from `/api`: a server function sends a plain form back to it, wherever it leads, with its error in the
/// query. Ours say themselves where to go.
pub(super) async fn without_referer(mut request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/api/") {
        request.headers_mut().remove(header::REFERER);
    }
    next.run(request).await
}

/// An `/api` address that is none.
pub(super) async fn not_found() -> StatusCode {
    StatusCode::NOT_FOUND
}
