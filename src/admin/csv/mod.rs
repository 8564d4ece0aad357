//! Leads, campaigns, conversions and models as CSV files.
//!
//! What always holds: a file has all rows that its filter finds, not a page of them; without days in the address it is about
//! all of time; it is read and sent in pieces, so that a large one does not stand in memory; it is RFC 4180, UTF-8; and no cell
//! of text is a formula to a spreadsheet ([`text`]).

use std::{borrow::Cow, collections::BTreeMap, error::Error as StdError, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use csv::{Terminator, WriterBuilder};
use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::amounts::{exact_amount, exact_credit};
use crate::{
    attribution::{
        channel::Channel,
        model::{Minor, Model},
        report::{
            Filter, Preset, Problem,
            campaigns::{CampaignRow, campaigns_after},
            credit::{
                CampaignCredit, CreditSettings, Revenue,
                compare::{Comparison, Group, GroupBy, compare},
                credit_by_campaign,
            },
            leads::{Lead, ScanOrder, leads},
            page::PagePosition,
        },
    },
    auth::AuthSession,
    components::format::rfc3339,
    db::{Db, Error},
    state::AppState,
    timestamp::Timestamp,
};

/// The file of conversions.
mod conversions;

pub use self::conversions::conversions_csv;

/// How many leads are read at a time.
const LEADS: u32 = 1_000;
/// How many campaigns are read at a time. Each time all touches are grouped, so it is large.
const CAMPAIGNS: u32 = 10_000;

const LEAD_COLUMNS: [&str; 14] = [
    "lead_id",
    "user_email",
    "occurred_at",
    "medium",
    "source",
    "campaign",
    "term",
    "content",
    "channel",
    "landing_path",
    "referrer",
    "click_ids",
    "custom_tags",
    "hits",
];

/// `model` says by which model `conversions` and `values` are credited. Conversions have six decimals and add up exactly; values
/// are a JSON object of exact amounts by currency: `{"EUR":"123.45"}`.
const CAMPAIGN_COLUMNS: [&str; 12] = [
    "source",
    "medium",
    "campaign",
    "channel",
    "touches",
    "visitors",
    "leads",
    "users",
    "signups",
    "model",
    "conversions",
    "values",
];

/// One line for each row and model, so that a table program can turn it. The data-driven models `markov` and `shapley` are
/// there by channel, where nothing is asked of the touches.
const MODEL_COLUMNS: [&str; 5] = ["by", "value", "model", "conversions", "values"];

type BoxError = Box<dyn StdError + Send + Sync>;

/// `GET /admin/leads.csv`: the leads that the filter in the query finds, newest first.
pub async fn leads_csv(State(state): State<AppState>, auth: AuthSession, RawQuery(query): RawQuery) -> Response {
    match filter(&auth, query, state.db.now()) {
        Ok(filter) => file("leads", &filter.clone(), state.db.now(), lead_pieces(state.db.clone(), filter)).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// `GET /admin/campaigns.csv`: the campaigns that the filter in the query finds, by name.
pub async fn campaigns_csv(State(state): State<AppState>, auth: AuthSession, RawQuery(query): RawQuery) -> Response {
    match filter(&auth, query, state.db.now()) {
        Ok(filter) => {
            let counting = Counting {
                window: state.config.attribution.signup_window(),
                model: filter.model.unwrap_or(state.config.attribution.model),
                settings: CreditSettings::of(&state.config.attribution),
            };
            file("campaigns", &filter.clone(), state.db.now(), campaign_pieces(state.db.clone(), filter, counting))
                .await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// What campaigns are counted by.
struct Counting {
    /// Before a sign-up.
    window: Duration,
    model: Model,
    settings: CreditSettings,
}

/// `GET /admin/models.csv`: the conversions that the filter in the query finds, credited by all models, by channel, source or
/// campaign (`by`).
pub async fn models_csv(State(state): State<AppState>, auth: AuthSession, RawQuery(query): RawQuery) -> Response {
    let now = state.db.now();
    let by = match by(query.as_deref().unwrap_or_default()) {
        Ok(by) => by,
        Err(problem) => return Refusal::NotUnderstood(vec![problem]).into_response(),
    };
    match filter(&auth, query, now) {
        Ok(filter) => {
            let settings = CreditSettings::of(&state.config.attribution);
            let dated = filter.clone();
            let piece = async move {
                let comparison = read(&state.db, async |conn| compare(conn, &filter, &settings, by).await).await?;
                write(Some(MODEL_COLUMNS), model_records(by, &comparison))
            };
            file("models", &dated, now, stream::once(piece)).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// What the rows of a comparison are asked to be.
fn by(query: &str) -> Result<GroupBy, Problem> {
    let last = form_urlencoded::parse(query.as_bytes()).filter(|(key, value)| key == "by" && !value.is_empty()).last();
    let Some((_, typed)) = last else { return Ok(GroupBy::default()) };
    GroupBy::parse(&typed).ok_or_else(|| Problem {
        name: "by",
        message: format!("“{typed}” is none of these: it can be channel, source or campaign."),
        value: typed.into_owned(),
    })
}

/// Why there is no file.
enum Refusal {
    Forbidden,
    NotUnderstood(Vec<Problem>),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Forbidden => StatusCode::FORBIDDEN.into_response(),
            Self::NotUnderstood(problems) => {
                let lines: String =
                    problems.iter().map(|problem| format!("{}: {}\n", problem.name, problem.message)).collect();
                // As the kind of file that was asked for: an error page in its place would not say which value is wrong.
                (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "text/csv; charset=utf-8")], lines).into_response()
            }
        }
    }
}

/// The filter of an admin's request.
fn filter(auth: &AuthSession, query: Option<String>, now: Timestamp) -> Result<Filter, Refusal> {
    if !auth.user.as_ref().is_some_and(|user| user.is_admin()) {
        return Err(Refusal::Forbidden);
    }
    let parsed = Filter::parse(&query.unwrap_or_default(), Preset::All, now);
    // A page can leave out what it does not understand and say so. A file would be taken for what was asked for.
    if parsed.problems.is_empty() { Ok(parsed.filter) } else { Err(Refusal::NotUnderstood(parsed.problems)) }
}

/// The file's response. Its first piece is read before it begins, so that a database that does not answer is a 503.
async fn file(
    name: &str,
    filter: &Filter,
    now: Timestamp,
    pieces: impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
) -> Response {
    let mut pieces = Box::pin(pieces.inspect_err(|error| tracing::error!(%error, "a CSV file was cut off")));
    let Ok(first) = pieces.try_next().await else {
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")]).into_response();
    };
    let body = Body::from_stream(stream::iter(first.map(Ok)).chain(pieces));
    let disposition = format!("attachment; filename=\"{name}-{}.csv\"", filter.period.day_of(now));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, body).into_response()
}

/// All leads, piece by piece, the columns' names first.
fn lead_pieces(db: Db, filter: Filter) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    stream::try_unfold(Some(PagePosition::Newest), move |position| {
        let (db, filter) = (db.clone(), filter.clone());
        async move {
            let Some(position) = position else { return Ok(None) };
            // not the same connection from piece to piece: whoever reads slowly would hold it
            let page = read(&db, async |conn| leads(conn, &filter, position, LEADS, ScanOrder::ByTime).await).await?;
            let header = (position == PagePosition::Newest).then_some(LEAD_COLUMNS);
            let bytes = write(header, page.rows.iter().map(lead_record))?;
            Ok(Some((bytes, page.older.map(PagePosition::Before))))
        }
    })
}

/// All campaigns, piece by piece, the columns' names first.
fn campaign_pieces(
    db: Db,
    filter: Filter,
    counting: Counting,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    enum Next {
        First,
        After(Box<CampaignRow>, CampaignCredit),
        Done,
    }
    let asked = Arc::new((db, filter, counting));
    stream::try_unfold(Next::First, move |next| {
        let asked = asked.clone();
        async move {
            let (db, filter, Counting { window, model, settings }) = &*asked;
            let (header, last, credit) = match next {
                Next::First => {
                    let credit =
                        read(db, async |conn| credit_by_campaign(conn, filter, settings, *model).await).await?;
                    (Some(CAMPAIGN_COLUMNS), None, credit)
                }
                Next::After(last, credit) => (None, Some(last), credit),
                Next::Done => return Ok(None),
            };
            let rows = read(db, async |conn| {
                campaigns_after(conn, filter, *window, &credit, last.as_deref(), CAMPAIGNS).await
            })
            .await?;
            let bytes = write(header, rows.iter().map(|row| campaign_record(row, *model, &credit.of(&row.key()))))?;
            let full = rows.len() == CAMPAIGNS as usize;
            let next = rows
                .into_iter()
                .next_back()
                .filter(|_| full)
                .map_or(Next::Done, |row| Next::After(Box::new(row), credit));
            Ok(Some((bytes, next)))
        }
    })
}

async fn read<T>(db: &Db, ask: impl AsyncFnOnce(&mut crate::db::Conn) -> Result<T, Error>) -> Result<T, BoxError> {
    let mut conn = db.read().await?;
    Ok(ask(&mut conn).await?)
}

fn lead_record(lead: &Lead) -> [Cow<'_, str>; 14] {
    [
        lead.id.to_string().into(),
        text(&lead.user_email),
        rfc3339(lead.occurred_at).into(),
        optional(&lead.medium),
        optional(&lead.source),
        optional(&lead.campaign),
        optional(&lead.term),
        optional(&lead.content),
        text(&lead.channel),
        text(&lead.landing_path),
        optional(&lead.referrer),
        json(&lead.click_ids),
        json(&lead.tags),
        lead.hits.to_string().into(),
    ]
}

fn campaign_record<'a>(row: &'a CampaignRow, model: Model, earned: &Revenue) -> [Cow<'a, str>; 12] {
    [
        optional(&row.source),
        optional(&row.medium),
        optional(&row.campaign),
        text(&row.channel),
        row.touches.to_string().into(),
        row.visitors.to_string().into(),
        row.leads.to_string().into(),
        row.users.to_string().into(),
        row.signups.to_string().into(),
        model.as_str().into(),
        exact_credit(row.credit).into(),
        values(earned).into(),
    ]
}

fn model_records(by: GroupBy, comparison: &Comparison) -> impl Iterator<Item = [Cow<'_, str>; 5]> {
    let learnt = comparison.learnt.is_some();
    comparison.rows.iter().flat_map(move |(group, row)| {
        let value = match group {
            Group::Direct => Cow::from(Channel::Direct.as_str()),
            Group::Value(value) => optional(value),
        };
        let models = Model::ALL.into_iter().map(Model::as_str).zip(&row.models);
        let data_driven = [("markov", &row.markov), ("shapley", &row.shapley)].into_iter().filter(move |_| learnt);
        models.chain(data_driven).map(move |(model, earned)| {
            [
                by.as_str().into(),
                value.clone(),
                model.into(),
                exact_credit(earned.conversions).into(),
                values(earned).into(),
            ]
        })
    })
}

/// `{"EUR":"123.45"}`: amounts as text, which no program rounds.
fn values(earned: &Revenue) -> String {
    let exact = |(currency, value): (&String, &Minor)| (currency.clone(), exact_amount(*value, currency));
    let values: BTreeMap<String, String> = earned.by_currency.iter().map(exact).collect();
    // text is always JSON
    serde_json::to_string(&values).unwrap_or_else(|_| "{}".to_owned())
}

/// Rows as RFC 4180 has them: quoted where needed, lines ended by CR LF.
fn write<'a, const N: usize>(
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

/// A cell that a spreadsheet takes for text: `'` goes before what would begin a formula (OWASP, CSV injection). It is the
/// price of opening a file with a double click; a program takes it off again.
fn text(value: &str) -> Cow<'_, str> {
    const FORMULA: [char; 13] = ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠', '\u{feff}'];
    let mut safe = if value.starts_with(FORMULA) { Cow::from(format!("'{value}")) } else { Cow::from(value) };
    // where a spreadsheet's language separates by semicolon, a cell begins there, too
    for sign in FORMULA {
        let begin = format!(";{sign}");
        if safe.contains(&begin) {
            safe = safe.replace(&begin, &format!(";'{sign}")).into();
        }
    }
    safe
}

/// A JSON object. A semicolon, at which some spreadsheets part cells, is escaped as JSON may: to a program it is the same.
fn json(value: &str) -> Cow<'_, str> {
    if value.contains(';') { value.replace(';', "\\u003b").into() } else { value.into() }
}

/// What is not set is an empty cell.
fn optional(value: &Option<String>) -> Cow<'_, str> {
    text(value.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests;
