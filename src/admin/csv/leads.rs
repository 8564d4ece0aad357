use std::borrow::Cow;

use axum::{body::Bytes, response::Response};
use futures::{Stream, TryStreamExt, stream};

use super::{
    cells::{json, optional, text},
    file::{BoxError, CsvRequest, FileSource, file, write},
};
use crate::{
    attribution::{
        facts::Facts,
        report::{
            Filter, Question,
            leads::{Lead, find_leads, read_leads},
        },
    },
    components::format::rfc3339,
    db::page::Position,
};

/// How many leads are read at a time.
pub(super) const ROWS: usize = 1_000;

const COLUMNS: [&str; 14] = [
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

/// `GET /admin/leads.csv`: the leads that the filter in the query finds, newest first.
pub async fn leads_csv(CsvRequest { state, filter, now, .. }: CsvRequest) -> Response {
    file("leads", &filter.clone(), now, pieces(FileSource::of(&state), filter)).await
}

/// Returns all leads, piece by piece. The first piece begins with the header.
pub(super) fn pieces(
    source: FileSource,
    filter: Filter,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    let found = async move {
        let find =
            |facts: &Facts, question: &Question| find_leads(facts, question, Position::Newest, u32::MAX).parts(ROWS);
        let (parts, facts, question) = source.count(filter, find).await?;
        let db = source.keeper.db().clone();
        Ok::<_, BoxError>(stream::iter(parts.into_iter().enumerate().map(Ok)).and_then(move |(number, part)| {
            let (db, facts, question) = (db.clone(), facts.clone(), question.clone());
            async move {
                // another connection for each piece: a slow reader would hold one for the whole file
                let mut conn = db.read_for_report().await?;
                let page = read_leads(&mut conn, &facts, &question, &part).await?;
                write((number == 0).then_some(COLUMNS), page.rows.iter().map(record))
            }
        }))
    };
    stream::once(found).try_flatten()
}

fn record(lead: &Lead) -> [Cow<'_, str>; 14] {
    [
        lead.id.to_string().into(),
        text(&lead.user_email),
        rfc3339(lead.occurred_at).into(),
        optional(&lead.utm.medium),
        optional(&lead.utm.source),
        optional(&lead.campaign),
        optional(&lead.utm.term),
        optional(&lead.utm.content),
        text(&lead.channel),
        text(&lead.landing_path),
        optional(&lead.referrer),
        json(&lead.click_ids),
        json(&lead.tags),
        lead.hits.to_string().into(),
    ]
}
