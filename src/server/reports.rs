//! `GET /api/reports/campaigns.csv`: programs read the totals of campaigns, with a token that may read reports.
//!
//! What always holds:
//! - The file has numbers by campaign and nothing about single people. `q` is refused, because it searches e-mail addresses:
//!   whoever could ask with it would learn who has an account.
//! - No cookie is read or set.

use axum::{
    Extension,
    extract::{Request, State},
    response::{IntoResponse, Response},
};

use super::conversions::{authenticate, refusal::ReportRefusal};
use crate::{
    address_limit::ClientAddress,
    admin::csv::{CsvRefusal, campaigns_file},
    attribution::report::{Filter, ParsedFilter, Preset, Problem},
    auth::audit,
    state::AppState,
};

pub(super) const PATH: &str = "/api/reports/campaigns.csv";

/// Responds with the file that `/admin/campaigns.csv` has with the same filter.
pub(super) async fn campaigns(
    State(state): State<AppState>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    request: Request,
) -> Response {
    let caller = authenticate(&state.db, &state.report_limits, address, request.headers()).await;
    let caller = caller.and_then(|caller| match caller.scope.reads_reports() {
        true => Ok(caller),
        false => Err(ReportRefusal::MayNotRead),
    });
    let caller = match caller {
        Ok(caller) => caller,
        Err(refusal) => {
            audit::note("token_use", refusal.outcome(), None, Some(address));
            return refusal.into_response();
        }
    };
    // A report counts all touches, which takes longer than recording a conversion.
    state.report_limits.tokens.count_report_read(caller.id);
    let now = state.db.now();
    let ParsedFilter { filter, mut problems } =
        Filter::parse(request.uri().query().unwrap_or_default(), Preset::All, now);
    if let Some(value) = &filter.q {
        let message = "Programs cannot search, because a search also looks in e-mail addresses.".to_owned();
        problems.push(Problem { name: "q", value: value.clone(), message });
    }
    match problems.is_empty() {
        true => campaigns_file(&state, filter, now).await,
        false => CsvRefusal::NotUnderstood(problems).into_response(),
    }
}
