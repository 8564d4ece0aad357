use std::{future::Future, time::Duration};

use axum::http::{StatusCode, request::Parts};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_router::hooks::use_params_map;
use uuid::Uuid;

use crate::{
    attribution::{
        model::Model,
        report::{
            Filter,
            credit::CreditSettings,
            page::{Cursor, PagePosition},
        },
    },
    auth::require_admin,
    components::{AdminPage, AdminSection, EmptyState},
    db::Error,
    pages::ErrorPage,
    state::AppState,
    timestamp::Timestamp,
};

/// What a page is made from.
#[derive(Clone, Debug)]
pub struct Asked {
    pub state: AppState,
    /// The raw query string.
    pub query: String,
    /// The `:id` of the path, where there is a valid one.
    pub id: Option<Uuid>,
    pub now: Timestamp,
}

impl Asked {
    /// A parameter of the page itself, which is no part of the filter.
    pub fn parameter(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .filter(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.into_owned())
            .last()
    }

    /// The look-back window.
    pub fn window(&self) -> Duration {
        self.state.config.attribution.signup_window()
    }

    /// What credit depends on beside the model.
    pub fn credit(&self) -> CreditSettings {
        CreditSettings::of(&self.state.config.attribution)
    }

    /// The model that the filter asks for, or the configured one.
    pub fn model(&self, filter: &Filter) -> Model {
        filter.model.unwrap_or(self.state.config.attribution.model)
    }
}

/// Which rows of a list by time are asked for, and whether that could not be understood.
pub fn position(asked: &Asked) -> (PagePosition, bool) {
    let cursor = |name| asked.parameter(name).map(|text| text.parse::<Cursor>());
    match (cursor("before"), cursor("after")) {
        (Some(Ok(cursor)), _) => (PagePosition::Before(cursor), false),
        (None, Some(Ok(cursor))) => (PagePosition::After(cursor), false),
        (None, None) => (PagePosition::Newest, false),
        _ => (PagePosition::Newest, true),
    }
}

/// Why a page cannot be shown.
#[derive(Debug)]
pub enum Failure {
    NotFound,
    Database(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

/// A page for admins: asks for the role, then makes the page, or says why there is none.
pub fn admin_page<F, Fut>(section: AdminSection, make: F) -> AnyView
where
    F: FnOnce(Asked) -> Fut,
    Fut: Future<Output = Result<AnyView, Failure>> + Send + 'static,
{
    if require_admin().is_err() {
        return view! { <ErrorPage status=StatusCode::FORBIDDEN/> }.into_any();
    }
    // the server provides both to every page
    let state = expect_context::<AppState>();
    let query = use_context::<Parts>().and_then(|parts| parts.uri.query().map(str::to_owned)).unwrap_or_default();
    let id = use_params_map().with_untracked(|params| params.get("id")).and_then(|id| Uuid::try_parse(&id).ok());
    let now = state.db.now();
    let made = make(Asked { state, query, id, now });
    let page = async move {
        match made.await {
            Ok(page) => page,
            Err(Failure::NotFound) => view! { <ErrorPage status=StatusCode::NOT_FOUND/> }.into_any(),
            Err(Failure::Database(error)) => {
                tracing::error!(%error, "an admin page could not be filled");
                unavailable(section)
            }
        }
    };
    view! { <Suspense>{Suspend::new(page)}</Suspense> }.into_any()
}

fn unavailable(section: AdminSection) -> AnyView {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(StatusCode::SERVICE_UNAVAILABLE);
    }
    view! {
        <AdminPage title="Not available right now" section>
            <div class="card">
                <EmptyState title="The database does not answer"
                    text="Nothing is lost. It has been noted; try again in a moment.">
                    // an empty address is this page's own, query included
                    <a class="button" href="">"Try again"</a>
                </EmptyState>
            </div>
        </AdminPage>
    }
    .into_any()
}
