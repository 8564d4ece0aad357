//! What the site tells programs about itself, at addresses that standards fix.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{attribution::settings::Gpc, state::AppState};

/// The day on which this site last changed what it does with `Sec-GPC`.
const GPC_LAST_UPDATE: &str = "2026-11-23";

/// Whether the site supports Global Privacy Control: <https://www.w3.org/TR/gpc/>, "GPC Support Resource".
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GpcSupport {
    /// Whether the site abides by the signal.
    gpc: bool,
    last_update: &'static str,
}

/// `GET /.well-known/gpc.json`.
pub(super) async fn gpc(State(state): State<AppState>) -> Response {
    let support = GpcSupport { gpc: state.config.attribution.gpc != Gpc::Ignore, last_update: GPC_LAST_UPDATE };
    ([(header::CACHE_CONTROL, "public, max-age=86400")], Json(support)).into_response()
}
