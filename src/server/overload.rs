//! Refuses requests beyond a limit without delay, so that the other requests are served well.

use axum::{
    BoxError,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

/// How many requests are served at the same time. Further requests get 503.
pub(super) const CONCURRENT: usize = 1024;

/// Returns the response to a request that the limit refused.
pub(super) async fn refuse(error: BoxError) -> Response {
    if error.is::<tower::load_shed::error::Overloaded>() {
        metrics::counter!("waymark_requests_shed_total").increment(1);
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response();
    }
    tracing::error!(%error, "a layer failed");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
