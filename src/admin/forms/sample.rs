use leptos::prelude::*;

use super::admins_only;
use crate::{
    admin::sections::OVERVIEW,
    audit::{Action, Entry},
    auth::forms::{Answer, Outcome},
    demo::{self, Demo, DemoError},
    state::AppState,
};

/// Fills an empty database with sample data.
///
/// The form works only in development. In production, one click would add a year of invented sign-ups.
#[server(prefix = "/api", endpoint = "demo")]
pub async fn fill_with_sample_data() -> Result<Outcome, ServerFnError> {
    let admin = match admins_only(OVERVIEW.path) {
        Ok(admin) => admin,
        Err(refused) => return Ok(refused),
    };
    let state = expect_context::<AppState>();
    if !state.config.is_development() {
        return Ok(Answer::forbidden());
    }
    match demo::fill(&state.db, &Demo::default(), |_, _| {}).await {
        // data that is there already is what the click asked for
        Ok(summary) => {
            let entry = Entry::new(Action::SampleDataAdded, &admin).detail(summary.to_string());
            if let Err(error) = entry.write_alone(&state.db).await {
                tracing::error!(%error, "the audit log misses that sample data was added");
            }
            Ok(Answer::done(OVERVIEW.path))
        }
        Err(DemoError::AlreadyFilled | DemoError::RealData { .. }) => Ok(Answer::done(OVERVIEW.path)),
        Err(error) => {
            tracing::error!(%error, "the sample data could not be made");
            Ok(Answer::unavailable())
        }
    }
}
