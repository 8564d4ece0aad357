use std::borrow::Cow;

use axum::{body::Bytes, response::Response};
use futures::{Stream, stream};

use super::{
    cells::{json, optional, text},
    file::{BoxError, CsvRequest, file, read, write},
};
use crate::{
    attribution::report::{
        Filter,
        leads::{Lead, ScanOrder, leads},
        page::PagePosition,
    },
    components::format::rfc3339,
    db::Db,
};

/// How many leads are read at a time.
pub(super) const ROWS: u32 = 1_000;

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
    file("leads", &filter.clone(), now, pieces(state.db.clone(), filter)).await
}

/// Returns all leads, piece by piece. The first piece begins with the header.
pub(super) fn pieces(db: Db, filter: Filter) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    stream::try_unfold(Some(PagePosition::Newest), move |position| {
        let (db, filter) = (db.clone(), filter.clone());
        async move {
            let Some(position) = position else { return Ok(None) };
            // another connection for each piece: a slow reader would hold one for the whole file
            let page = read(&db, async |conn| leads(conn, &filter, position, ROWS, ScanOrder::ByTime).await).await?;
            let header = (position == PagePosition::Newest).then_some(COLUMNS);
            let bytes = write(header, page.rows.iter().map(record))?;
            Ok(Some((bytes, page.older.map(PagePosition::Before))))
        }
    })
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
