//! What runs the jobs that requests cause: a line for each kind.

use crate::{jobs::Handlers, state::AppState};

/// Returns what runs each kind of job.
pub fn handlers(_state: &AppState) -> Handlers {
    Handlers::default()
}
