use axum::http::StatusCode;
use jiff::tz::TimeZone;
use leptos::{either::Either, prelude::*};
use leptos_router::hooks::{use_params_map, use_query_map};

use super::{
    forms::{FORM, LIST},
    store::{self, NAME_LENGTH, NOTE_LENGTH, Project},
};
use crate::{
    auth::{
        current_user,
        forms::{FormState, take_flash},
    },
    components::{
        AlertKind, Card, DataTable, EmptyState, Field, FormAlert, HiddenField, Pagination, PublicPage, Section,
        SubmitButton, Th, TwoLines, format,
    },
    db::Error,
    id::ProjectId,
    pages::error::ErrorPage,
    state::AppState,
};

/// The projects of the signed-in user, newest first.
#[component]
pub fn ProjectsPage() -> impl IntoView {
    let (db, user, flash) = (expect_context::<AppState>().db.clone(), current_user(), take_flash(FORM));
    let before: Option<ProjectId> = use_query_map().with_untracked(|query| query.get("before")?.parse().ok());
    shown(async move {
        // the layer in front of the pages sends everybody else to the sign-in page
        let Some(user) = user else { return Ok(None) };
        let (projects, older) = store::list(&db, user.id, before).await?;
        let table = match projects.is_empty() {
            true => {
                Either::Left(view! { <EmptyState title="No projects here" text="A project is a name and a note."/> })
            }
            false => Either::Right(view! {
                <DataTable caption="Your projects, newest first">
                    <thead><tr><Th label="Project"/><Th label="Made"/></tr></thead>
                    <tbody>{projects.into_iter().map(row).collect_view()}</tbody>
                </DataTable>
            }),
        };
        let newest = before.map(|_| LIST.to_owned());
        let older = older.map(|id| format!("{LIST}?before={id}"));
        Ok(Some(
            view! {
                <PublicPage title="Projects" section=Section::Projects>
                    <div class="wrap account">
                        <div class="spread">
                            <h1>"Projects"</h1>
                            <a class="button primary" href="/projects/new">"New project"</a>
                        </div>
                        <FormAlert kind=AlertKind::Success message=flash.notice.clone()/>
                        <FormAlert kind=AlertKind::Error message=flash.error("")/>
                        <Card>{table}<Pagination newer=newest newer_label="Newest" older/></Card>
                    </div>
                </PublicPage>
            }
            .into_any(),
        ))
    })
}

fn row(Project { id, name, note, created_at }: Project) -> impl IntoView {
    let note = Some(note).filter(|note| !note.is_empty());
    view! {
        <tr>
            <th scope="row"><TwoLines title=name subtitle=note href=format!("{LIST}/{id}")/></th>
            <td class="nowrap">{format::date(created_at, &TimeZone::UTC)}</td>
        </tr>
    }
}

/// The form for a new project.
#[component]
pub fn NewProjectPage() -> impl IntoView {
    form(None, take_flash(FORM))
}

/// The form to change or delete a project.
#[component]
pub fn ProjectPage() -> impl IntoView {
    let (db, user, flash) = (expect_context::<AppState>().db.clone(), current_user(), take_flash(FORM));
    let id = use_params_map().with_untracked(|path| path.get("id")?.parse().ok());
    shown(async move {
        let (Some(user), Some(id)) = (user, id) else { return Ok(None) };
        Ok(store::find(&db, user.id, id).await?.map(|project| form(Some(project), flash)))
    })
}

fn form(project: Option<Project>, flash: FormState) -> AnyView {
    let title = if project.is_some() { "Change the project" } else { "New project" };
    let id = project.as_ref().map(|project| project.id.to_string());
    let (name, note) = project.map(|project| (project.name, project.note)).unwrap_or_default();
    // what was typed and refused wins over what is stored
    let value = |field: &str, stored: String| flash.values.get(field).cloned().unwrap_or(stored);
    let (name, note) = (value("name", name), value("note", note));
    let delete = id.is_some().then(|| {
        view! {
            <button class="button danger" type="submit" formaction="/api/projects/delete">"Delete the project"</button>
        }
    });
    view! {
        <PublicPage title section=Section::Projects>
            <div class="wrap account">
                <a class="back-link" href=LIST>"Projects"</a>
                <h1>{title}</h1>
                <Card>
                    <form class="form" method="post" action="/api/projects" novalidate>
                        <FormAlert kind=AlertKind::Error message=flash.error("")/>
                        <HiddenField name="id" value=id/>
                        <Field name="name" label="Name" value=name error=flash.error("name") required=true
                            maxlength=NAME_LENGTH/>
                        <Field name="note" label="Note" value=note error=flash.error("note") maxlength=NOTE_LENGTH
                            hint="What it is about. You can leave this empty."/>
                        <div class="row"><SubmitButton label="Save"/>{delete}</div>
                    </form>
                </Card>
            </div>
        </PublicPage>
    }
    .into_any()
}

/// Shows the page when it is made. `None`: there is no such page.
fn shown(page: impl Future<Output = Result<Option<AnyView>, Error>> + Send + 'static) -> AnyView {
    let page = async move {
        let status = match page.await {
            Ok(Some(page)) => return page,
            Ok(None) => StatusCode::NOT_FOUND,
            Err(error) => {
                tracing::error!(%error, "a page of projects could not be made");
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        view! { <ErrorPage status/> }.into_any()
    };
    view! { <Suspense>{Suspend::new(page)}</Suspense> }.into_any()
}
