use leptos::prelude::*;

use super::store::{self, SaveError};
use crate::{
    auth::{
        current_user,
        forms::{Answer, Outcome},
    },
    id::ProjectId,
    state::AppState,
};

/// The name under which the forms leave their state for the page.
pub const FORM: &str = "projects";
/// The list.
pub const LIST: &str = "/projects";

/// Adds a project, or changes the one with this id.
#[server(prefix = "/api", endpoint = "projects")]
pub async fn save_project(
    #[server(default)] id: String,
    #[server(default)] name: String,
    #[server(default)] note: String,
) -> Result<Outcome, ServerFnError> {
    let Some(user) = current_user() else { return Ok(Answer::sign_in_first(LIST)) };
    let db = expect_context::<AppState>().db.clone();
    let (page, saved) = match id.parse::<ProjectId>() {
        Ok(id) => (format!("{LIST}/{id}"), store::update(&db, user.id, id, &name, &note).await),
        Err(_) if id.is_empty() => {
            (format!("{LIST}/new"), store::create(&db, user.id, &name, &note).await.map(|()| true))
        }
        Err(_) => (LIST.to_owned(), Ok(false)),
    };
    let again = Answer::to(FORM, page).keeping("name", &name).keeping("note", &note);
    Ok(match saved {
        Ok(true) => Answer::to(FORM, LIST.into()).notice("The project is saved."),
        Ok(false) => Answer::to(FORM, LIST.into()).form("There is no such project."),
        Err(SaveError::Field(field, message)) => again.field(field, &message),
        Err(error) => {
            tracing::error!(%error, "a project could not be saved");
            again.form("The project could not be saved. Try again in a moment.")
        }
    })
}

/// Deletes a project.
#[server(prefix = "/api", endpoint = "projects/delete")]
pub async fn delete_project(#[server(default)] id: String) -> Result<Outcome, ServerFnError> {
    let Some(user) = current_user() else { return Ok(Answer::sign_in_first(LIST)) };
    let answer = Answer::to(FORM, LIST.into());
    let Ok(id) = id.parse::<ProjectId>() else { return Ok(answer.form("There is no such project.")) };
    Ok(match store::delete(&expect_context::<AppState>().db, user.id, id).await {
        Ok(true) => answer.notice("The project is deleted."),
        Ok(false) => answer.form("There is no such project."),
        Err(error) => {
            tracing::error!(%error, "a project could not be deleted");
            answer.form("The project could not be deleted. Try again in a moment.")
        }
    })
}
