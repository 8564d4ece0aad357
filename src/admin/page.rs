//! What every admin page begins with, its request, and what replaces a page that cannot be made.

use std::{future::Future, pin::Pin, str::FromStr, sync::Arc, time::Duration};

use axum::http::{HeaderValue, StatusCode, header, request::Parts};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_router::hooks::use_params_map;
use uuid::Uuid;

use super::sections::OVERVIEW;
use crate::{
    attribution::{
        facts::{Facts, NoFacts},
        model::Model,
        report::{Filter, Preset, Question, credit::CreditSettings},
    },
    components::{AdminPage, EmptyState, format},
    db::{Error, page::Position},
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

    /// Returns the page of a list that the parameters `before` and `after` ask for. `before` wins.
    ///
    /// Errors: the parameter is no key of the list.
    pub fn position<K: FromStr>(&self) -> Result<Position<K>, K::Err> {
        if let Some(key) = self.parameter("before") {
            return key.parse().map(Position::Before);
        }
        self.parameter("after").map_or(Ok(Position::Newest), |key| key.parse().map(Position::After))
    }

    /// Returns the filter of a page about one lead or user. Such a page uses its time zone and its model.
    pub fn detail_filter(&self) -> Filter {
        Filter::parse(&self.query, Preset::All, self.now).filter
    }

    /// Returns the look-back window before a sign-up.
    pub fn window(&self) -> Duration {
        self.state.config.attribution.signup_window()
    }

    /// Returns the question that a filter asks.
    pub async fn question(&self, filter: &Filter) -> Result<Question, PageError> {
        Ok(Question::new(&self.state.db, filter.clone(), self.window()).await?)
    }

    /// Returns facts with every change so far.
    pub async fn facts(&self) -> Result<Arc<Facts>, PageError> {
        Ok(self.state.facts.facts().await?)
    }

    /// Counts with facts, on a thread where counting keeps no request waiting.
    pub async fn count<T: Send + 'static>(
        &self,
        facts: &Arc<Facts>,
        count: impl FnOnce(&Facts) -> T + Send + 'static,
    ) -> Result<T, PageError> {
        Ok(self.state.facts.count(facts.clone(), count).await?)
    }

    /// Returns what credit depends on beside the model.
    pub fn credit(&self) -> CreditSettings {
        self.state.config.attribution.credit.clone()
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
    /// The database does not respond, or there are no facts yet. Status 503.
    #[error(transparent)]
    NoFacts(#[from] NoFacts),
}

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        Self::NoFacts(error.into())
    }
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
    let response = use_context::<ResponseOptions>();
    if let Some(response) = &response {
        response.set_status(match error {
            Some(PageError::NotFound) => StatusCode::NOT_FOUND,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        });
    }
    match error {
        Some(PageError::NotFound) => view! { <NotFound/> }.into_any(),
        Some(PageError::NoFacts(NoFacts::Loading { read, total })) => {
            if let Some(response) = response {
                // The browser asks again by itself.
                response.insert_header(header::REFRESH, HeaderValue::from_static("1"));
            }
            view! { <FactsAreLoading read total/> }.into_any()
        }
        Some(PageError::NoFacts(NoFacts::TooLarge { touches, limit })) => {
            view! { <FactsAreTooLarge touches limit/> }.into_any()
        }
        error => {
            tracing::error!(error = error.map(tracing::field::display), "an admin page could not be filled");
            view! { <Unavailable/> }.into_any()
        }
    }
}

/// Stands in for a page while the facts are being read.
#[component]
fn FactsAreLoading(read: usize, total: usize) -> impl IntoView {
    let progress = match total {
        0 => "The touches are being read. This page goes on by itself.".to_owned(),
        _ => format!(
            "{} of about {} touches are read. This page goes on by itself.",
            format::count(read as i64),
            format::count(total as i64)
        ),
    };
    view! {
        <AdminPage title="Reading the touches">
            <div class="card">
                <EmptyState title="The numbers will be here in a moment" text=progress>
                    <progress max=total.to_string() value=read.to_string() aria-label="Touches read"></progress>
                </EmptyState>
            </div>
        </AdminPage>
    }
}

#[component]
fn FactsAreTooLarge(touches: usize, limit: usize) -> impl IntoView {
    let text = format!(
        "Reports count about {} touches in memory, and these need more than the {} MiB that FACTS_MEMORY allows. Raise \
         FACTS_MEMORY, or let retention remove old touches. Capturing goes on as before.",
        format::count(touches as i64),
        format::count((limit >> 20) as i64),
    );
    view! {
        <AdminPage title="Too many touches for the memory">
            <div class="card"><EmptyState title="The reports need more memory" text><span></span></EmptyState></div>
        </AdminPage>
    }
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
