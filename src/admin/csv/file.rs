use std::{borrow::Cow, error::Error as StdError, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::FromRequestParts,
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use csv::{Terminator, WriterBuilder};
use futures::{Stream, StreamExt, TryStreamExt, stream};

use crate::{
    attribution::{
        facts::{Facts, keeper::FactsKeeper},
        report::{Filter, ParsedFilter, Preset, Problem, Question},
    },
    audit::{Action, Actor, Entry, Origin},
    auth::AuthSession,
    state::AppState,
    timestamp::Timestamp,
};

pub type BoxError = Box<dyn StdError + Send + Sync>;

/// What each file begins with. Without the mark, Excel on Windows takes UTF-8 for the system's code page: `été` → `Ã©tÃ©`.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Why there is no file.
pub enum CsvRefusal {
    /// The role is not admin. Status 403.
    Forbidden,
    /// Parameters cannot be understood. Status 400, with a line for each.
    NotUnderstood(Vec<Problem>),
    /// The audit log cannot be written, so that the export would leave no trace. Status 503.
    NotNoted,
}

impl IntoResponse for CsvRefusal {
    fn into_response(self) -> Response {
        match self {
            Self::Forbidden => StatusCode::FORBIDDEN.into_response(),
            Self::NotNoted => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")]).into_response(),
            Self::NotUnderstood(problems) => {
                let lines: String =
                    problems.iter().map(|problem| format!("{}: {}\n", problem.name, problem.message)).collect();
                // CSV, because a layer replaces errors of other kinds by pages, which name no parameter
                (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "text/csv; charset=utf-8")], lines).into_response()
            }
        }
    }
}

/// An admin's request for a file.
pub struct CsvRequest {
    pub state: AppState,
    /// The raw query string.
    pub query: String,
    pub filter: Filter,
    pub now: Timestamp,
}

/// Errors: the sender is not an admin, or a parameter of the filter cannot be understood.
impl FromRequestParts<AppState> for CsvRequest {
    type Rejection = CsvRefusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, CsvRefusal> {
        let user = parts.extensions.get::<AuthSession>().and_then(|auth| auth.user.as_ref());
        let admin = user.filter(|user| user.is_admin()).ok_or(CsvRefusal::Forbidden)?;
        let admin = Actor::user(admin.id, &admin.email, Origin::of(&parts.extensions));
        let (query, now) = (parts.uri.query().unwrap_or_default().to_owned(), state.db.now());
        let ParsedFilter { filter, problems } = Filter::parse(&query, Preset::All, now);
        // A page leaves out what it does not understand and says so. A file cannot say so.
        if !problems.is_empty() {
            return Err(CsvRefusal::NotUnderstood(problems));
        }
        let entry = Entry::new(Action::DataExported, &admin).on(parts.uri.path()).detail(filter.href("", &[]));
        entry.write_alone(&state.db).await.map_err(|error| {
            tracing::error!(%error, "an export could not be noted in the audit log, and is refused");
            CsvRefusal::NotNoted
        })?;
        Ok(Self { state: state.clone(), query, filter, now })
    }
}

/// Returns the response with a file. The function waits for the first piece. So the status is 503 if the database does not
/// answer.
pub async fn file(
    name: &str,
    filter: &Filter,
    now: Timestamp,
    pieces: impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
) -> Response {
    let mut pieces = Box::pin(pieces.inspect_err(|error| tracing::error!(%error, "a CSV file was cut off")));
    let Ok(first) = pieces.try_next().await else {
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")]).into_response();
    };
    let beginning = first.into_iter().flat_map(|first| [Bytes::from_static(BYTE_ORDER_MARK.as_bytes()), first]);
    let body = Body::from_stream(stream::iter(beginning.map(Ok)).chain(pieces));
    let disposition = format!("attachment; filename=\"{name}-{}.csv\"", filter.period.day_of(now));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, body).into_response()
}

/// How long a file waits for facts that are being loaded. A request ends after 30 seconds.
const PATIENCE: Duration = Duration::from_secs(25);

/// What files are made from.
#[derive(Clone, Debug)]
pub struct FileSource {
    pub keeper: FactsKeeper,
    /// The look-back window before a sign-up.
    pub window: Duration,
}

impl FileSource {
    pub fn of(state: &AppState) -> Self {
        Self { keeper: state.facts.clone(), window: state.config.attribution.signup_window() }
    }

    /// Counts with facts. Returns the result, the facts, and the question that the filter asks.
    pub async fn count<T: Send + 'static>(
        &self,
        filter: Filter,
        count: impl FnOnce(&Facts, &Question) -> T + Send + 'static,
    ) -> Result<(T, Arc<Facts>, Question), BoxError> {
        let facts = self.keeper.facts_within(PATIENCE).await?;
        let question = Question::new(self.keeper.db(), filter, self.window).await?;
        let asked = question.clone();
        let counted = self.keeper.count(facts.clone(), move |facts| count(facts, &asked)).await?;
        Ok((counted, facts, question))
    }
}

/// Writes rows as in RFC 4180: cells are quoted where needed, and lines end with CR LF.
pub fn write<'a, const N: usize>(
    header: Option<[&'static str; N]>,
    records: impl Iterator<Item = [Cow<'a, str>; N]>,
) -> Result<Bytes, BoxError> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    if let Some(header) = header {
        writer.write_record(header)?;
    }
    for record in records {
        writer.write_record(record.iter().map(|cell| cell.as_bytes()))?;
    }
    Ok(writer.into_inner()?.into())
}
