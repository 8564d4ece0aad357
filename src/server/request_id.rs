//! Each request has an id of its own, by which an error page names its lines in the log.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue},
};
use tower_http::request_id::RequestId;
use uuid::Uuid;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives a request a new id, as a request extension. An id from outside could be any text, and is removed.
pub(super) fn add(request: &mut Request) -> Option<HeaderValue> {
    request.headers_mut().remove(X_REQUEST_ID);
    let id = HeaderValue::from_str(Uuid::new_v4().hyphenated().encode_lower(&mut Uuid::encode_buffer())).ok()?;
    request.extensions_mut().insert(RequestId::new(id.clone()));
    Some(id)
}

/// Tells the client the id.
pub(super) fn tell(headers: &mut HeaderMap, id: Option<HeaderValue>) {
    if let Some(id) = id {
        headers.insert(X_REQUEST_ID, id);
    }
}
