use std::borrow::Cow;

use axum::{body::Bytes, response::Response};
use futures::{Stream, TryStreamExt, stream};

use super::{
    cells::{optional, text},
    file::{BoxError, CsvRequest, FileSource, file, write},
};
use crate::{
    admin::amounts::exact_amount,
    attribution::{
        channel::Channel,
        facts::Facts,
        report::{
            Filter, Question,
            conversions::{ListedConversion, find_conversions, read_conversions},
            credit::{CreditSettings, PathEnds, PathTouch, path_ends},
        },
    },
    components::format::rfc3339,
    db::page::Position,
};

/// How many conversions are read at a time, with their paths.
const ROWS: usize = 500;

/// `value` and `refunded` are exact amounts in `currency`, and empty without one. The first and the last touch before the
/// conversion are given by campaign and channel. Without a touch the channel is `Direct`. Refunds have no lines of their own.
const COLUMNS: [&str; 14] = [
    "conversion_id",
    "user_email",
    "kind",
    "occurred_at",
    "value",
    "refunded",
    "currency",
    "source",
    "external_id",
    "first_touch",
    "first_channel",
    "last_touch",
    "last_channel",
    "touches",
];

/// `GET /admin/conversions.csv`: the conversions that the filter in the query finds, newest first.
pub async fn conversions_csv(CsvRequest { state, filter, now, .. }: CsvRequest) -> Response {
    let settings = state.config.attribution.credit.clone();
    file("conversions", &filter.clone(), now, pieces(FileSource::of(&state), filter, settings)).await
}

/// Returns all conversions, piece by piece. The first piece begins with the header.
pub(super) fn pieces(
    source: FileSource,
    filter: Filter,
    settings: CreditSettings,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    let found = async move {
        let asked = settings.clone();
        let find = move |facts: &Facts, question: &Question| {
            find_conversions(facts, question, &asked, Position::Newest, u32::MAX).parts(ROWS)
        };
        let (parts, facts, _) = source.count(filter, find).await?;
        let db = source.keeper.db().clone();
        Ok::<_, BoxError>(stream::iter(parts.into_iter().enumerate().map(Ok)).and_then(move |(number, part)| {
            let (db, facts, settings) = (db.clone(), facts.clone(), settings.clone());
            async move {
                let mut conn = db.read_for_report().await?;
                let rows = read_conversions(&mut conn, &facts, &part).await?.rows;
                let paths = path_ends(&mut conn, &facts, &settings, &rows).await?;
                let records = rows.iter().map(|conversion| record(conversion, paths.get(&conversion.id)));
                write((number == 0).then_some(COLUMNS), records)
            }
        }))
    };
    stream::once(found).try_flatten()
}

fn record<'a>(conversion: &'a ListedConversion, path: Option<&'a PathEnds>) -> [Cow<'a, str>; 14] {
    let amount = |value| conversion.currency.as_deref().map(|currency| exact_amount(value, currency));
    let touch = |touch: &'a PathTouch| (optional(&touch.campaign), text(&touch.channel));
    let (first, last, touches) = match path {
        Some(PathEnds { first, last, touches }) => (touch(first), touch(last), *touches),
        None => {
            let direct = || (Cow::default(), Channel::Direct.as_str().into());
            (direct(), direct(), 0)
        }
    };
    [
        conversion.id.to_string().into(),
        text(&conversion.user_email),
        text(&conversion.kind),
        rfc3339(conversion.occurred_at).into(),
        amount(conversion.value).unwrap_or_default().into(),
        amount(conversion.refunded).unwrap_or_default().into(),
        optional(&conversion.currency),
        text(&conversion.source),
        text(&conversion.external_id),
        first.0,
        first.1,
        last.0,
        last.1,
        touches.to_string().into(),
    ]
}
