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

/// The form in which a client wants an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A browser wants a page.
    Html,
    /// Addresses that only programs call give JSON.
    Json,
    /// Any other program gets the status in words.
    Text,
}

impl Wanted {
    pub(super) fn by(request: &Request) -> Self {
        let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        if conversions::speaks_json(request.uri().path()) {
            Self::Json
        } else if accept.is_some_and(|accept| accept.contains("text/html")) {
            Self::Html
        } else {
            Self::Text
        }
    }
}

/// Returns an error in the form that the client wants.
pub(super) fn page(wanted: Wanted, status: StatusCode, id: Option<&str>) -> Response {
    let (kind, body) = match wanted {
        Wanted::Html => return html(status, static_error_page(status, id)),
        Wanted::Json => ("application/json; charset=utf-8", conversions::error_body(status)),
        Wanted::Text => ("text/plain; charset=utf-8", format!("{}\n", status.canonical_reason().unwrap_or("Error"))),
    };
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response()
}

/// Returns a rendered page with this status.
pub(super) fn html(status: StatusCode, page: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))], page.into())
        .into_response()
}

/// Replaces the body of an error. HTML and CSV that a handler made stay, and so does JSON for a script.
pub(super) async fn render(request: Request, next: Next) -> Response {
    let wanted = Wanted::by(&request);
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).map(str::to_owned);
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // A script gets a server function's outcome as JSON; a browser's plain form gets a page.
    if kind.starts_with("text/html")
        || (kind.contains("json") && wanted != Wanted::Html)
        || kind.starts_with("text/csv")
    {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_ENCODING);
    // A failed server function would redirect a browser, with the error's text in the address.
    parts.headers.remove(header::LOCATION);
    let (rendered, body) = page(wanted, status, id.as_deref()).into_parts();
    parts.headers.extend(rendered.headers);
    Response::from_parts(parts, body)
}

/// Returns the response of a handler that panicked. The panic hook logs the panic itself.
pub(super) fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    metrics::counter!("waymark_panics_total").increment(1);
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
