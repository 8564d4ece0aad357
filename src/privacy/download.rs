use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::export::export;
use crate::{auth::AuthSession, state::AppState};

/// `GET /account/export.json`: everything stored about the signed-in user.
pub async fn export_json(State(state): State<AppState>, auth: AuthSession) -> Response {
    // the layer before this handler sends everybody else to the sign-in page
    let Some(user) = auth.user else { return StatusCode::UNAUTHORIZED.into_response() };
    let read = async { export(&mut state.db.read_for_report().await?, &user, state.db.now()).await };
    // indented for people who read the document
    let document = match read.await.map(|export| serde_json::to_vec_pretty(&export)) {
        Ok(Ok(document)) => document,
        Ok(Err(error)) => {
            tracing::error!(%error, "an export could not be written");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        Err(error) => {
            tracing::error!(%error, "an export could not be read");
            return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")]).into_response();
        }
    };
    tracing::info!(user = %user.id, "data exported");
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"waymark-export.json\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, document).into_response()
}
