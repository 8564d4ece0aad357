//! `POST /api/conversions`: webhooks and other servers report conversions, with a bearer token.
//!
//! What always holds: every answer is JSON; 201 and 200 are said after the commit; the same report may be sent any number of
//! times; nothing here reads or sets a cookie, so that a page in a browser can report nothing by its visitor's session.

mod body;

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use self::body::{FieldError, Report, Who};
use crate::{
    attribution::conversion::{Draft, NewConversion, RecordError, Recorded, erased_owner, record_conversion},
    auth::{User, api_tokens},
    db::{Db, Error},
    id::{ConversionId, UserId},
    state::AppState,
};

pub(super) const PATH: &str = "/api/conversions";

/// How many seconds a reporter should wait while the database cannot be reached.
const RETRY_AFTER: &str = "5";

/// Whether a path is answered in JSON, whatever goes wrong and wherever: for the layer that gives errors their bodies.
pub(super) fn speaks_json(path: &str) -> bool {
    path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The body of an error that came from elsewhere: another layer, another method.
pub(super) fn error_body(status: StatusCode) -> String {
    json!({ "error": status.canonical_reason().unwrap_or("Error") }).to_string()
}

/// Why a report was not recorded.
#[derive(Debug)]
enum Refusal {
    NoToken,
    /// Unknown or revoked: which, is not told.
    WrongToken,
    MediaType,
    TooLarge,
    /// Not JSON, with the line and the column; or a body that broke off.
    Malformed(String),
    Invalid(Vec<FieldError>),
    Conflict {
        error: FieldError,
        id: ConversionId,
    },
    Unavailable(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Unavailable(error)
    }
}

/// The handler.
pub(super) async fn record(State(state): State<AppState>, request: Request) -> Response {
    let answer = receive(&state.db, request).await;
    let outcome = match &answer {
        Ok(Recorded::New(_)) => "recorded",
        Ok(Recorded::Already(_)) => "already_recorded",
        Err(refusal) => refusal.outcome(),
    };
    metrics::counter!("waymark_conversion_reports_total", "outcome" => outcome).increment(1);
    match answer {
        Ok(recorded) => {
            // neither user, value nor external id
            tracing::info!(conversion = %recorded.id(), outcome, "a conversion was reported");
            let status = if let Recorded::New(_) = recorded { StatusCode::CREATED } else { StatusCode::OK };
            (status, Json(json!({ "id": recorded.id(), "status": outcome }))).into_response()
        }
        Err(refusal) => {
            match &refusal {
                Refusal::Unavailable(error) => tracing::error!(%error, "a conversion could not be recorded"),
                _ => tracing::info!(outcome, "a conversion was not recorded"),
            }
            refusal.into_response()
        }
    }
}

/// From the request to the commit. The token is looked at first: nobody else's body is read.
async fn receive(db: &Db, request: Request) -> Result<Recorded, Refusal> {
    let token = bearer(request.headers())?;
    let caller = api_tokens::authenticate(db, token).await?.ok_or(Refusal::WrongToken)?;
    if !is_json(request.headers()) {
        return Err(Refusal::MediaType);
    }
    let body = Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge,
        _ => Refusal::Malformed("The body broke off.".into()),
    })?;
    let (report, mut errors) =
        body::read(&body).map_err(|error| Refusal::Malformed(format!("This is no JSON object: {error}.")))?;

    let source = report.source.as_deref().unwrap_or(&caller.name);
    let user = find_user(db, &report, source, &mut errors).await?;
    let now = db.now();
    let draft = Draft {
        user,
        kind: report.kind.as_deref(),
        value: report.value.unwrap_or_default(),
        currency: report.currency.as_deref(),
        occurred_at: report.occurred_at,
        source,
        external_id: report.external_id.as_deref().unwrap_or_default(),
        refunds: report.refunds.as_deref(),
        refund_of: None,
    };
    let user_field = report.user_field();
    let conversion = match NewConversion::parse(draft, now) {
        Ok(conversion) if errors.is_empty() => conversion,
        parsed => {
            let mistakes = parsed.err().unwrap_or_default();
            // of a field that could not even be read, what was read is not the matter
            for error in mistakes.into_iter().map(|mistake| FieldError::of(mistake, user_field)) {
                if errors.iter().all(|known| known.field != error.field) {
                    errors.push(error);
                }
            }
            return Err(Refusal::Invalid(errors));
        }
    };
    let recorded =
        db.transaction(move |conn| Box::pin(async move { record_conversion(conn, &conversion, now).await })).await;
    recorded.map_err(|error| match error {
        RecordError::Db(error) => error.into(),
        RecordError::Refused(mistakes) => {
            Refusal::Invalid(mistakes.into_iter().map(|mistake| FieldError::of(mistake, user_field)).collect())
        }
        RecordError::Conflict { field, id } => {
            let field = if field == "user" { user_field } else { field };
            let message = "This conversion was reported before, and differed here.".to_owned();
            Refusal::Conflict { error: FieldError { field: field.into(), message }, id }
        }
    })
}

/// Whose conversion it is. A refund may leave it open.
async fn find_user(
    db: &Db,
    report: &Report,
    source: &str,
    errors: &mut Vec<FieldError>,
) -> Result<Option<UserId>, Error> {
    let email = match &report.user {
        Some(Who::Email(email)) => email,
        Some(Who::Id(id)) => return Ok(Some(*id)),
        None => return Ok(None),
    };
    let found = db
        .with_deadline(async {
            let mut conn = db.read().await?;
            // The address of who was erased is nobody's, or somebody else's by now. What they did goes by its own name.
            for name in [&report.external_id, &report.refunds].into_iter().flatten() {
                if let Some(owner) = erased_owner(&mut conn, source, name).await? {
                    return Ok::<_, Error>(Some(owner));
                }
            }
            Ok(User::find_by_email(&mut conn, email).await?.map(|user| user.id))
        })
        .await?;
    if found.is_none() {
        errors.push(FieldError::new("user_email", "Nobody with this address has an account."));
    }
    Ok(found)
}

/// The token of an `Authorization` header.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else {
        return Err(Refusal::NoToken);
    };
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Refusal::NoToken)?;
    match scheme.eq_ignore_ascii_case("bearer") {
        true => Ok(token.trim()),
        false => Err(Refusal::NoToken),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

impl Refusal {
    /// For the counter and the log.
    fn outcome(&self) -> &'static str {
        match self {
            Self::NoToken | Self::WrongToken => "unauthorized",
            Self::MediaType | Self::TooLarge | Self::Malformed(_) => "malformed",
            Self::Invalid(_) => "invalid",
            Self::Conflict { .. } => "conflict",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

impl IntoResponse for Refusal {
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
                error("This token is unknown or revoked."),
            ),
            Self::MediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                with(header::ACCEPT, "application/json"),
                error("Send JSON, with Content-Type: application/json."),
            ),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, None, error("The body is too long.")),
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
