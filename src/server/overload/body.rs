//! Reads a request's body before the request takes a place. Otherwise a client that sends bodies byte by byte would hold places
//! for as long as it likes.

use std::{pin::pin, time::Duration};

use axum::{
    body::{Body, HttpBody, to_bytes},
    extract::Request,
    http::{StatusCode, header},
};
use tokio::time::timeout;

/// The longest body of a request. No form here is long.
const BODY_BYTES: usize = 16 * 1024;
/// A browser's form arrives with its head. Clients who are slower than this must leave places to each other.
const SOON: Duration = Duration::from_millis(250);
/// How much longer a client may take to send the whole body.
const PATIENCE: Duration = Duration::from_secs(5);

/// Returns the request with its whole body. A body that does not come soon needs what `late` returns.
///
/// Errors: 413 if the body is too long, 408 if it does not come in time, 400 if the client breaks off, 503 if too many bodies are
/// late.
pub(super) async fn read<Place>(request: Request, late: impl FnOnce() -> Option<Place>) -> Result<Request, StatusCode> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    let told = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if told.is_some_and(|length: usize| length > BODY_BYTES) {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let (parts, body) = request.into_parts();
    let mut bytes = pin!(to_bytes(body, BODY_BYTES));
    let bytes = match timeout(SOON, &mut bytes).await {
        Ok(bytes) => bytes,
        Err(_) => {
            let _place = late().ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
            timeout(PATIENCE, bytes).await.map_err(|_| StatusCode::REQUEST_TIMEOUT)?
        }
    };
    Ok(Request::from_parts(parts, Body::from(bytes.map_err(|error| status_of(&error))?)))
}

fn status_of(error: &axum::Error) -> StatusCode {
    let too_long =
        std::error::Error::source(error).is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
    if too_long { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST }
}
