//! Why a report was not recorded, and the response that says so.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::body::FieldError;
use crate::{db::Error, id::ConversionId};

/// How many seconds a reporter should wait while the database cannot be reached.
const RETRY_AFTER: &str = "5";

/// Why a report was not recorded.
#[derive(Debug)]
pub(in crate::server) enum ReportRefusal {
    /// The request has no bearer token, or more than one.
    NoToken,
    /// The token is unknown or revoked, or has ended. The response does not say which.
    WrongToken,
    /// The token may not report as this source, but as the named ones.
    Source(Vec<String>),
    /// The token reports conversions, and may not read reports.
    MayNotRead,
    /// The token reported too often, or the address sent too many wrong tokens. The next report has to wait for this time.
    TooMany(Duration),
    /// The body is not declared as JSON.
    MediaType,
    /// The body is longer than any request may be.
    TooLarge,
    /// The body is not a JSON object, or ended early: why, with line and column.
    Malformed(String),
    /// Fields are wrong, each named once.
    Invalid(Vec<FieldError>),
    /// Another conversion has the external id. `error` names a field that differs, `id` is the other conversion's.
    Conflict { error: FieldError, id: ConversionId },
    /// The database cannot be reached.
    Unavailable(Error),
}

impl From<Error> for ReportRefusal {
    fn from(error: Error) -> Self {
        Self::Unavailable(error)
    }
}

impl ReportRefusal {
    /// Returns the word for the counter and the log.
    pub(in crate::server) fn outcome(&self) -> &'static str {
        match self {
            Self::NoToken | Self::WrongToken => "unauthorized",
            Self::Source(_) => "wrong_source",
            Self::MayNotRead => "wrong_scope",
            Self::TooMany(_) => "too_many",
            Self::MediaType | Self::TooLarge | Self::Malformed(_) => "malformed",
            Self::Invalid(_) => "invalid",
            Self::Conflict { .. } => "conflict",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

impl IntoResponse for ReportRefusal {
    fn into_response(self) -> Response {
        let error = |text: &str| json!({ "error": text });
        let with = |name, value| Some((name, HeaderValue::from_static(value)));
        let (status, header, body): (_, _, Value) = match self {
            Self::NoToken => (
                StatusCode::UNAUTHORIZED,
                with(header::WWW_AUTHENTICATE, r#"Bearer realm="waymark""#),
                error("Send a token, as in: Authorization: Bearer wmk_…"),
            ),
            Self::WrongToken => (
                StatusCode::UNAUTHORIZED,
                with(header::WWW_AUTHENTICATE, r#"Bearer realm="waymark", error="invalid_token""#),
                error("The token is unknown or revoked, or has ended."),
            ),
            Self::Source(sources) => (
                StatusCode::FORBIDDEN,
                None,
                error(&format!("This token may only report as the source {}.", sources.join(" or "))),
            ),
            Self::MayNotRead => (
                StatusCode::FORBIDDEN,
                None,
                error(
                    "This token reports conversions, and may not read reports. Create one that may: waymark token create --read",
                ),
            ),
            Self::TooMany(wait) => (
                StatusCode::TOO_MANY_REQUESTS,
                Some((header::RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1))),
                error("Too many requests. Send this again later."),
            ),
            Self::MediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                with(header::ACCEPT, "application/json"),
                error("Send JSON, with Content-Type: application/json."),
            ),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, None, error("The body is too large.")),
            Self::Malformed(why) => (StatusCode::BAD_REQUEST, None, error(&why)),
            Self::Invalid(errors) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                None,
                json!({ "error": "The conversion was not recorded.", "errors": errors }),
            ),
            Self::Conflict { error, id } => (
                StatusCode::CONFLICT,
                None,
                json!({ "error": "Another conversion has this external id.", "errors": [error], "id": id }),
            ),
            Self::Unavailable(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                with(header::RETRY_AFTER, RETRY_AFTER),
                error("The database cannot be reached. Send this again later."),
            ),
        };
        let mut response = (status, Json(body)).into_response();
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
