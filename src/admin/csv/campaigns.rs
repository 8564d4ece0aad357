use std::borrow::Cow;

use axum::{body::Bytes, response::Response};
use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::{
    cells::{optional, text, values},
    file::{BoxError, CsvRequest, FileSource, file, write},
};
use crate::{
    admin::amounts::exact_credit,
    attribution::{
        facts::Facts,
        model::Model,
        report::{
            Filter, Question,
            campaigns::{CampaignOrder, CampaignRow, campaigns},
            credit::CreditSettings,
        },
    },
    state::AppState,
    timestamp::Timestamp,
};

/// How many campaigns are written at a time.
const ROWS: usize = 10_000;

/// `model` names the model by which `conversions` and `values` are credited. Conversions have six decimals and add up exactly.
/// Values are a JSON object of exact amounts by currency: `{"EUR":"123.45"}`.
const COLUMNS: [&str; 12] = [
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

/// How conversions are credited.
pub struct Crediting {
    pub model: Model,
    pub settings: CreditSettings,
}

/// `GET /admin/campaigns.csv`: the campaigns that the filter in the query finds, by name.
pub async fn campaigns_csv(CsvRequest { state, filter, now, .. }: CsvRequest) -> Response {
    campaigns_file(&state, filter, now).await
}

/// Returns the response with the campaigns that a filter finds, by name. The caller has checked who asks.
pub async fn campaigns_file(state: &AppState, filter: Filter, now: Timestamp) -> Response {
    let settings = &state.config.attribution;
    let model = filter.model.unwrap_or(settings.model);
    let crediting = Crediting { model, settings: settings.credit.clone() };
    file("campaigns", &filter.clone(), now, pieces(FileSource::of(state), filter, crediting)).await
}

/// Returns all campaigns, piece by piece. The first piece begins with the header.
pub(super) fn pieces(
    source: FileSource,
    filter: Filter,
    Crediting { model, settings }: Crediting,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    let counted = async move {
        let count = move |facts: &Facts, question: &Question| {
            campaigns(facts, question, &settings, model, CampaignOrder::BY_SOURCE).rows
        };
        let (rows, ..) = source.count(filter, count).await?;
        let mut pieces: Vec<Vec<CampaignRow>> = rows.chunks(ROWS).map(<[_]>::to_vec).collect();
        if pieces.is_empty() {
            pieces.push(Vec::new());
        }
        Ok::<_, BoxError>(stream::iter(pieces.into_iter().enumerate()).map(move |(number, rows)| {
            write((number == 0).then_some(COLUMNS), rows.iter().map(|row| record(row, model)))
        }))
    };
    stream::once(counted).try_flatten()
}

fn record(row: &CampaignRow, model: Model) -> [Cow<'_, str>; 12] {
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
        exact_credit(row.earned.conversions).into(),
        values(&row.earned).into(),
    ]
}
