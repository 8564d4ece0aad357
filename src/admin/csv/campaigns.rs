use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{body::Bytes, response::Response};
use futures::{Stream, stream};

use super::{
    cells::{optional, text, values},
    file::{BoxError, CsvRequest, file, read, write},
};
use crate::{
    admin::amounts::exact_credit,
    attribution::{
        model::Model,
        report::{
            Filter,
            campaigns::{CampaignRow, campaigns_after},
            credit::{CampaignCredit, CreditSettings, Revenue, credit_by_campaign},
        },
    },
    db::Db,
};

/// How many campaigns are read at a time. Each read groups all touches, so the number is large.
const ROWS: u32 = 10_000;

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

/// What the numbers of a campaign depend on.
pub struct Counting {
    /// The look-back window before a sign-up.
    pub window: Duration,
    pub model: Model,
    pub settings: CreditSettings,
}

/// `GET /admin/campaigns.csv`: the campaigns that the filter in the query finds, by name.
pub async fn campaigns_csv(CsvRequest { state, filter, now, .. }: CsvRequest) -> Response {
    let settings = &state.config.attribution;
    let counting = Counting {
        window: settings.signup_window(),
        model: filter.model.unwrap_or(settings.model),
        settings: CreditSettings::of(settings),
    };
    file("campaigns", &filter.clone(), now, pieces(state.db.clone(), filter, counting)).await
}

/// Returns all campaigns, piece by piece. The first piece begins with the header.
pub(super) fn pieces(
    db: Db,
    filter: Filter,
    counting: Counting,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    enum NextRows {
        First,
        After(Box<CampaignRow>, CampaignCredit),
        Done,
    }
    let asked = Arc::new((db, filter, counting));
    stream::try_unfold(NextRows::First, move |next| {
        let asked = asked.clone();
        async move {
            let (db, filter, Counting { window, model, settings }) = &*asked;
            let (header, last, credit) = match next {
                NextRows::First => {
                    let credit =
                        read(db, async |conn| credit_by_campaign(conn, filter, settings, *model).await).await?;
                    (Some(COLUMNS), None, credit)
                }
                NextRows::After(last, credit) => (None, Some(last), credit),
                NextRows::Done => return Ok(None),
            };
            let rows =
                read(db, async |conn| campaigns_after(conn, filter, *window, &credit, last.as_deref(), ROWS).await)
                    .await?;
            let bytes = write(header, rows.iter().map(|row| record(row, *model, &credit.of(&row.key()))))?;
            let full = rows.len() == ROWS as usize;
            let next = rows
                .into_iter()
                .next_back()
                .filter(|_| full)
                .map_or(NextRows::Done, |row| NextRows::After(Box::new(row), credit));
            Ok(Some((bytes, next)))
        }
    })
}

fn record<'a>(row: &'a CampaignRow, model: Model, earned: &Revenue) -> [Cow<'a, str>; 12] {
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
