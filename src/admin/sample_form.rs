//! The server function behind the button in an empty dashboard.

use leptos::prelude::*;

use crate::{
    auth::{
        AuthRejection,
        forms::{Answer, Outcome},
        require_admin,
    },
    demo::{self, Demo},
    state::AppState,
};

/// Fills an empty database with sample data. In development only: elsewhere a year of invented sign-ups is a click too near.
#[server(prefix = "/api", endpoint = "demo")]
pub async fn fill_with_sample_data() -> Result<Outcome, ServerFnError> {
    match require_admin() {
        Ok(_) => {}
        Err(AuthRejection::SignedOut) => return Ok(Answer::sign_in_first("/admin")),
        Err(AuthRejection::Forbidden) => return Ok(Answer::forbidden()),
    }
    let state = expect_context::<AppState>();
    if !state.config.is_development() {
        return Ok(Answer::forbidden());
    }
    match demo::fill(&state.db, &Demo::default(), |_, _| {}).await {
        Ok(_) => Ok(Answer::done("/admin")),
        // there is data already, which is what was wanted
        Err(demo::DemoError::AlreadyFilled | demo::DemoError::RealData { .. }) => Ok(Answer::done("/admin")),
        Err(error) => {
            tracing::error!(%error, "the sample data could not be made");
            Ok(Answer::unavailable())
        }
    }
}
