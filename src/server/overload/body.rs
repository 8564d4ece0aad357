//! Reads a request's body before the request takes a place. Otherwise a client that sends bodies byte by byte would hold places
//! for as long as it likes.

use std::time::Duration;

use axum::{
    body::{Body, HttpBody, to_bytes},
    extract::Request,
    http::{StatusCode, header},
};

/// The longest body of a request. No form here is long.
const BODY_BYTES: usize = 16 * 1024;
/// How long a client may take to send the whole body.
const PATIENCE: Duration = Duration::from_secs(5);

/// Returns whether a request has no body to wait for.
pub(super) fn is_empty(request: &Request) -> bool {
    request.body().is_end_stream()
}

/// Returns the request with its whole body. Errors: 413 if the body is too long, 408 if it does not come in time, 400 if the client
/// breaks off.
pub(super) async fn read(request: Request) -> Result<Request, StatusCode> {
    let told = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if told.is_some_and(|length: usize| length > BODY_BYTES) {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let (parts, body) = request.into_parts();
    let bytes = tokio::time::timeout(PATIENCE, to_bytes(body, BODY_BYTES)).await;
    let bytes = bytes.map_err(|_| StatusCode::REQUEST_TIMEOUT)?.map_err(|error| status_of(&error))?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

fn status_of(error: &axum::Error) -> StatusCode {
    let too_long =
        std::error::Error::source(error).is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
    if too_long { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST }
}
