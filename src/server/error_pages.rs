//! Errors that no page rendered get a body: a page in the site's design, with the request's id.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_http::request_id::RequestId;

use super::conversions;
use crate::pages::error::static_error_page;

/// Replaces the body of an error. A browser gets a page, and a program gets the status in words. Addresses that only programs
/// call give JSON. HTML and CSV that a handler made stay, and so does JSON for a script.
pub(super) async fn render(request: Request, next: Next) -> Response {
    let html = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let json = conversions::speaks_json(request.uri().path());
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).map(str::to_owned);
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // A script gets a server function's outcome as JSON; a browser's plain form gets a page.
    if kind.starts_with("text/html") || (kind.contains("json") && (json || !html)) || kind.starts_with("text/csv") {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_ENCODING);
    // A failed server function would redirect a browser, with the error's text in the address.
    parts.headers.remove(header::LOCATION);
    let (kind, body) = if json {
        ("application/json; charset=utf-8", conversions::error_body(status))
    } else if html {
        ("text/html; charset=utf-8", static_error_page(status, id.as_deref()))
    } else {
        ("text/plain; charset=utf-8", format!("{}\n", status.canonical_reason().unwrap_or("Error")))
    };
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Response::from_parts(parts, Body::from(body))
}

/// Returns the response of a handler that panicked. The panic hook logs the panic itself.
pub(super) fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    metrics::counter!("waymark_panics_total").increment(1);
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
