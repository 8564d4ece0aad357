use leptos::prelude::*;

use super::admins_only;
use crate::{
    admin::sections::JOBS,
    audit::{Action, Entry},
    auth::forms::{Answer, Outcome},
    db::Error,
    id::JobId,
    jobs::list::retry,
    state::AppState,
};

/// The name under which the form leaves its state for the page.
pub const FORM: &str = "jobs";

/// Tries a dead job again.
#[server(prefix = "/api", endpoint = "jobs/retry")]
pub async fn retry_job(#[server(default)] id: String) -> Result<Outcome, ServerFnError> {
    let admin = match admins_only(JOBS.path) {
        Ok(admin) => admin,
        Err(refused) => return Ok(refused),
    };
    let answer = Answer::to(FORM, JOBS.path.to_owned());
    let Ok(id) = id.parse::<JobId>() else { return Ok(answer.form("There is no such dead job.")) };
    let state = expect_context::<AppState>();
    let (now, entry) = (state.db.now(), Entry::new(Action::JobsRetried, &admin));
    let retried = state.db.transaction(move |conn| {
        Box::pin(async move {
            let kind = retry(conn, id, now).await?;
            if let Some(kind) = &kind {
                entry.on(&id.to_string()).detail(kind).write(conn, now).await?;
            }
            Ok::<_, Error>(kind)
        })
    });
    match retried.await {
        Ok(Some(_)) => {
            state.jobs.wake();
            Ok(answer.notice("The job is tried again."))
        }
        Ok(None) => Ok(answer.form("There is no such dead job.")),
        Err(error) => {
            tracing::error!(%error, "a job could not be tried again");
            Ok(answer.form("The job could not be tried again. Try again in a moment."))
        }
    }
}
