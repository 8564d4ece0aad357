//! `POST /api/conversions`: webhooks and other servers report conversions, with a bearer token.
//!
//! What always holds:
//! - Every response is JSON.
//! - 201 and 200 are sent after the commit, and the same report may be sent any number of times.
//! - No cookie is read or set: a page in a browser cannot report by its visitor's session.

/// The body of a report, read field by field.
mod body;
/// Why a report was not recorded.
pub(super) mod refusal;

use std::net::IpAddr;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{FromRequest, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use self::{
    body::{ConversionReport, FieldError, FieldNames, ReportedUser},
    refusal::ReportRefusal,
};
use crate::{
    address_limit::ClientAddress,
    attribution::conversion::{
        Draft, FieldMistake, Name, NewConversion, RecordError, Recorded, erased_owner, record_conversion,
    },
    auth::{
        User,
        api_tokens::{self, Caller, limits::ReportLimits},
        audit,
    },
    db::{Db, Error},
    id::UserId,
    timestamp::Timestamp,
};

pub(super) const PATH: &str = "/api/conversions";

/// Returns whether only programs call a path, so that every error there has a JSON body, even an error from another layer.
pub(super) fn speaks_json(path: &str) -> bool {
    [PATH, "/api/reports"]
        .iter()
        .any(|area| path.strip_prefix(area).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Returns the body of an error that came from another layer, or from a method that is not allowed.
pub(super) fn error_body(status: StatusCode) -> String {
    json!({ "error": status.canonical_reason().unwrap_or("Error") }).to_string()
}

/// Handles a report. Returns 201 for a new conversion, and 200 for a conversion that was reported before.
pub(super) async fn receive(
    State(db): State<Db>,
    State(limits): State<ReportLimits>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    request: Request,
) -> Response {
    let answer = report(&db, &limits, address, request).await;
    let outcome = match &answer {
        Ok(Recorded::New(_)) => "recorded",
        Ok(Recorded::Already(_)) => "already_recorded",
        Err(refusal) => refusal.outcome(),
    };
    metrics::counter!("waymark_conversion_reports_total", "outcome" => outcome).increment(1);
    match answer {
        Ok(recorded) => {
            // Logs hold neither user, value nor external id.
            tracing::info!(conversion = %recorded.id(), outcome, "a conversion was reported");
            let status = if let Recorded::New(_) = recorded { StatusCode::CREATED } else { StatusCode::OK };
            (status, Json(json!({ "id": recorded.id(), "status": outcome }))).into_response()
        }
        Err(refusal) => {
            match &refusal {
                ReportRefusal::Unavailable(error) => tracing::error!(%error, "a conversion could not be recorded"),
                ReportRefusal::WrongToken | ReportRefusal::Source(_) | ReportRefusal::TooMany(_) => {
                    audit::note("token_use", outcome, None, Some(address));
                }
                _ => tracing::info!(outcome, "a conversion was not recorded"),
            }
            refusal.into_response()
        }
    }
}

/// Takes a report from the request to the commit. A wrong token is refused before the body is parsed.
async fn report(db: &Db, limits: &ReportLimits, address: IpAddr, request: Request) -> Result<Recorded, ReportRefusal> {
    let caller = authenticate(db, limits, address, request.headers()).await?;
    let (report, errors) = read(request).await?;
    let now = db.now();
    let conversion = check(db, limits, &report, &caller, errors, now).await?;
    record(db, conversion, report.names(), now).await
}

/// Returns the caller. An address that sent many wrong tokens waits. A right token is looked up all the same, so whoever shares
/// the address is not kept from reporting.
pub(super) async fn authenticate(
    db: &Db,
    limits: &ReportLimits,
    address: IpAddr,
    headers: &HeaderMap,
) -> Result<Caller, ReportRefusal> {
    let token = bearer(headers).ok_or(ReportRefusal::NoToken)?;
    if !api_tokens::is_well_formed(token) {
        return Err(ReportRefusal::WrongToken);
    }
    let Some(caller) = api_tokens::authenticate(db, token).await? else {
        return match limits.wrong_tokens.wait_or_count(address) {
            Some(wait) => Err(ReportRefusal::TooMany(wait)),
            None => Err(ReportRefusal::WrongToken),
        };
    };
    match limits.tokens.wait_or_count(caller.id) {
        Some(wait) => Err(ReportRefusal::TooMany(wait)),
        None => Ok(caller),
    }
}

async fn read(request: Request) -> Result<(ConversionReport, Vec<FieldError>), ReportRefusal> {
    if !is_json(request.headers()) {
        return Err(ReportRefusal::MediaType);
    }
    let body = Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ReportRefusal::TooLarge,
        _ => ReportRefusal::Malformed("The body ended early.".into()),
    })?;
    body::read(&body).map_err(|error| ReportRefusal::Malformed(format!("The body is not a JSON object: {error}.")))
}

/// Checks a report as a whole. `errors` are the errors of fields that could not be read.
async fn check(
    db: &Db,
    limits: &ReportLimits,
    report: &ConversionReport,
    caller: &Caller,
    mut errors: Vec<FieldError>,
    now: Timestamp,
) -> Result<NewConversion, ReportRefusal> {
    let source = report.source.as_deref().unwrap_or(&caller.name);
    // A text that is no source's name is a mistake like others.
    if !caller.scope.allows(source) && Name::of_source(source).is_ok() {
        return Err(ReportRefusal::Source(caller.scope.sources()));
    }
    let user = find_user(db, report, source).await?;
    if user.is_none() && report.user.is_some() {
        limits.tokens.count_unknown_user(caller.id);
        errors.push(FieldError::new("user_email", "No account has this address."));
    }
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
    match NewConversion::parse(draft, now) {
        Ok(conversion) if errors.is_empty() => Ok(conversion),
        parsed => {
            report.add_mistakes(&mut errors, parsed.err().unwrap_or_default());
            Err(ReportRefusal::Invalid(errors))
        }
    }
}

/// Finds the user of the conversion. A refund may leave the user out.
async fn find_user(db: &Db, report: &ConversionReport, source: &str) -> Result<Option<UserId>, Error> {
    let email = match &report.user {
        Some(ReportedUser::Email(email)) => email,
        Some(ReportedUser::Id(id)) => return Ok(Some(*id)),
        None => return Ok(None),
    };
    db.with_deadline(async {
        let mut conn = db.read().await?;
        // An erased user's address is unknown, or another user's by now. So the external id, or the id of the refunded
        // conversion, leads to the user.
        for name in [&report.external_id, &report.refunds].into_iter().flatten() {
            if let Some(owner) = erased_owner(&mut conn, source, name).await? {
                return Ok(Some(owner));
            }
        }
        Ok(User::find_by_email(&mut conn, email).await?.map(|user| user.id))
    })
    .await
}

async fn record(
    db: &Db,
    conversion: NewConversion,
    names: FieldNames,
    now: Timestamp,
) -> Result<Recorded, ReportRefusal> {
    let recorded =
        db.transaction(move |conn| Box::pin(async move { record_conversion(conn, &conversion, now).await })).await;
    recorded.map_err(|error| match error {
        RecordError::Db(error) => error.into(),
        RecordError::Refused(mistakes) => {
            ReportRefusal::Invalid(mistakes.into_iter().map(|mistake| FieldError::of(mistake, names)).collect())
        }
        RecordError::Conflict { field, id } => {
            let differs = FieldMistake::new(field, "This differs from the conversion that was reported before.");
            let error = FieldError::of(differs, names);
            ReportRefusal::Conflict { error, id }
        }
    })
}

/// Returns the token of the `Authorization` header: `Bearer wmk_…` → `wmk_…`; `None` with several such headers.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}
