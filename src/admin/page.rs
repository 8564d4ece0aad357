//! What every admin page begins with, its request, and what replaces a page that cannot be made.

use std::{future::Future, pin::Pin, time::Duration};

use axum::http::{StatusCode, request::Parts};
use leptos::{either::Either, prelude::*};
use leptos_axum::ResponseOptions;
use leptos_router::hooks::use_params_map;
use uuid::Uuid;

use super::sections::OVERVIEW;
use crate::{
    attribution::{
        model::Model,
        report::{
            Filter, Preset,
            credit::CreditSettings,
            page::{BadCursor, Cursor, PagePosition},
        },
    },
    components::{AdminPage, EmptyState},
    db::Error,
    state::AppState,
    timestamp::Timestamp,
};

/// What a page is made from.
#[derive(Clone, Debug)]
pub struct PageRequest {
    pub state: AppState,
    /// The raw query string.
    pub query: String,
    /// The `:id` of the path, if it is a UUID.
    id: Option<Uuid>,
    pub now: Timestamp,
}

impl PageRequest {
    /// Returns the request whose page is being rendered.
    fn current() -> Self {
        // the server provides the state to every page
        let state = expect_context::<AppState>();
        let query = use_context::<Parts>().and_then(|parts| parts.uri.query().map(str::to_owned)).unwrap_or_default();
        let id = use_params_map().with_untracked(|params| params.get("id")).and_then(|id| Uuid::try_parse(&id).ok());
        let now = state.db.now();
        Self { state, query, id, now }
    }

    /// Returns the id in the path, as the type of id that the page is about. Errors: the path has no id, or the id is not a UUID.
    pub fn id<T: From<Uuid>>(&self) -> Result<T, PageError> {
        self.id.map(T::from).ok_or(PageError::NotFound)
    }

    /// Returns the last value of a parameter that belongs to the page and not to the filter. An empty value counts as missing.
    pub fn parameter(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .filter(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.into_owned())
            .last()
    }

    /// Returns the page of a list by time that the parameters `before` and `after` ask for. `before` wins.
    ///
    /// Errors: the parameter is not a cursor.
    pub fn position(&self) -> Result<PagePosition, BadCursor> {
        let cursor = |name| self.parameter(name).map(|text| text.parse::<Cursor>()).transpose();
        match (cursor("before"), cursor("after")) {
            (Ok(Some(cursor)), _) => Ok(PagePosition::Before(cursor)),
            (Ok(None), Ok(Some(cursor))) => Ok(PagePosition::After(cursor)),
            (Ok(None), Ok(None)) => Ok(PagePosition::Newest),
            _ => Err(BadCursor),
        }
    }

    /// Returns the filter of a page about one lead or user. Such a page uses its time zone and its model.
    pub fn detail_filter(&self) -> Filter {
        Filter::parse(&self.query, Preset::All, self.now).filter
    }

    /// Returns the look-back window before a sign-up.
    pub fn window(&self) -> Duration {
        self.state.config.attribution.signup_window()
    }

    /// Returns what credit depends on beside the model.
    pub fn credit(&self) -> CreditSettings {
        CreditSettings::of(&self.state.config.attribution)
    }

    /// Returns the configured model, which applies if the address names no model.
    pub fn default_model(&self) -> Model {
        self.state.config.attribution.model
    }

    /// Returns the model that the filter asks for, or else the configured one.
    pub fn model(&self, filter: &Filter) -> Model {
        filter.model.unwrap_or(self.default_model())
    }
}

/// Why a page cannot be shown.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PageError {
    /// The path names a lead or a user that does not exist. Status 404.
    #[error("there is no such page")]
    NotFound,
    /// The database does not answer. Status 503.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Renders the page that `make` makes from the request.
pub fn admin_page<F, Fut, V>(make: F) -> AnyView
where
    F: FnOnce(PageRequest) -> Fut,
    Fut: Future<Output = Result<V, PageError>> + Send + 'static,
    V: IntoView + 'static,
{
    let made = make(PageRequest::current());
    // One type for all pages. Otherwise the following code would be compiled for each page, and the type of the router would hold
    // the types of all pages.
    suspended(Box::pin(async { made.await.map(IntoAny::into_any) }))
}

/// Waits for a page and renders it, or renders why it cannot be shown.
///
/// The error boundary is inside the `Suspend`, and not around it. A `Result` finds its boundary through a hook of the thread.
/// After an await a future may continue on another thread, where the error would be lost (leptos 0.8.23).
fn suspended(made: Pin<Box<dyn Future<Output = Result<AnyView, PageError>> + Send>>) -> AnyView {
    let page = async {
        let page = made.await;
        view! { <ErrorBoundary fallback=page_failure>{page}</ErrorBoundary> }
    };
    view! { <Suspense>{Suspend::new(page)}</Suspense> }.into_any()
}

/// Replaces a page that cannot be shown, and sets the status of the response.
fn page_failure(errors: ArcRwSignal<Errors>) -> impl IntoView {
    let error = errors.get_untracked().into_iter().find_map(|(_, error)| error.downcast_ref::<PageError>().cloned());
    let (status, page) = match error {
        Some(PageError::NotFound) => (StatusCode::NOT_FOUND, Either::Left(view! { <NotFound/> })),
        error => {
            tracing::error!(error = error.map(tracing::field::display), "an admin page could not be filled");
            (StatusCode::SERVICE_UNAVAILABLE, Either::Right(view! { <Unavailable/> }))
        }
    };
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status);
    }
    page
}

#[component]
fn NotFound() -> impl IntoView {
    view! {
        <AdminPage title="There is no page here">
            <div class="card">
                <EmptyState title="Nothing is at this address" text="The address may be mistyped, or its data was erased.">
                    <a class="button" href=OVERVIEW.path>"Go to the overview"</a>
                </EmptyState>
            </div>
        </AdminPage>
    }
}

#[component]
fn Unavailable() -> impl IntoView {
    view! {
        <AdminPage title="Not available right now">
            <div class="card">
                <EmptyState title="The database does not answer"
                    text="No data is lost, and the error is in the log. Try again in a moment.">
                    // an empty address leads to this page again, with the same query
                    <a class="button" href="">"Try again"</a>
                </EmptyState>
            </div>
        </AdminPage>
    }
}
