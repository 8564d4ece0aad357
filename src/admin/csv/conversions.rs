use std::borrow::Cow;

use axum::{body::Bytes, response::Response};
use futures::{Stream, stream};

use super::{
    cells::{optional, text},
    file::{BoxError, CsvRequest, file, read, write},
};
use crate::{
    admin::{
        amounts::exact_amount,
        conversions::{PathEnds, path_ends},
    },
    attribution::{
        channel::Channel,
        report::{
            Filter,
            conversions::{ListedConversion, conversions},
            credit::{CreditSettings, PathTouch},
            page::PagePosition,
        },
    },
    components::format::rfc3339,
    db::Db,
};

/// How many conversions are read at a time, with their paths.
const ROWS: u32 = 500;

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
    let settings = CreditSettings::of(&state.config.attribution);
    file("conversions", &filter.clone(), now, pieces(state.db.clone(), filter, settings)).await
}

/// Returns all conversions, piece by piece. The first piece begins with the header.
pub(super) fn pieces(
    db: Db,
    filter: Filter,
    settings: CreditSettings,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    stream::try_unfold(Some(PagePosition::Newest), move |position| {
        let (db, filter, settings) = (db.clone(), filter.clone(), settings.clone());
        async move {
            let Some(position) = position else { return Ok(None) };
            let (page, paths) = read(&db, async |conn| {
                let page = conversions(conn, &filter, &settings, position, ROWS).await?;
                let paths = path_ends(conn, &settings, &page.rows).await?;
                Ok((page, paths))
            })
            .await?;
            let header = (position == PagePosition::Newest).then_some(COLUMNS);
            let bytes =
                write(header, page.rows.iter().map(|conversion| record(conversion, paths.get(&conversion.id))))?;
            Ok(Some((bytes, page.older.map(PagePosition::Before))))
        }
    })
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
