//! Too much at once: what cannot be served soon is refused at once, so that the rest is served well.

use axum::{
    BoxError,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

/// Requests that are served at the same time. Beyond, the answer is 503.
pub(super) const CONCURRENT: usize = 1024;

/// What a shed request is told.
pub(super) async fn refuse(error: BoxError) -> Response {
    if error.is::<tower::load_shed::error::Overloaded>() {
        metrics::counter!("waymark_requests_shed_total").increment(1);
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response();
    }
    tracing::error!(%error, "a layer failed");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
