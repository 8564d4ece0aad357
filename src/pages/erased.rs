use axum::http::StatusCode;
use jiff::tz::TimeZone;
use leptos::prelude::*;
use leptos_meta::Meta;
use leptos_router::hooks::use_params_map;

use super::{doors::keep_address_secret, error::ErrorPage};
use crate::{
    components::{Card, Marker, PublicPage, Section, Trail, TrailStep, format},
    db::Dialect,
    privacy::erase::confirmation::{ErasureStatus, FILES_WITHIN, KEPT, status},
    state::AppState,
    timestamp::{Timestamp, whole_days},
};

/// The confirmation of an erasure: what is done, and by when the rest will be. The page needs no session, and its address cannot
/// be guessed. Anybody who has the address can reload the page.
#[component]
pub fn ErasedPage() -> impl IntoView {
    // the server provides the state to every page
    let state = expect_context::<AppState>();
    let token = use_params_map().with_untracked(|params| params.get("token")).unwrap_or_default();
    let shown = async move {
        let dialect = state.db.dialect();
        match status(&state.db, &token).await {
            Ok(Some(status)) => view! { <Erased status dialect/> }.into_any(),
            Ok(None) => view! { <ErrorPage status=StatusCode::NOT_FOUND/> }.into_any(),
            Err(error) => {
                tracing::error!(%error, "the state of an erasure could not be read");
                view! { <ErrorPage status=StatusCode::SERVICE_UNAVAILABLE/> }.into_any()
            }
        }
    };
    view! { <Suspense>{Suspend::new(shown)}</Suspense> }
}

#[component]
fn Erased(status: ErasureStatus, dialect: Dialect) -> impl IntoView {
    keep_address_secret();
    let ErasureStatus { requested_at, rows_cleaned_at, files_cleaned_at } = status;
    let done = files_cleaned_at.is_some();
    let (heading, in_short) = match done {
        true => ("Your data is erased", "Nothing in this site's database identifies you any more."),
        false => (
            "Your account is closed",
            "You are signed out everywhere. The site now erases what is left of you, which usually takes a few minutes.",
        ),
    };
    let files = match dialect {
        Dialect::Sqlite => {
            "Free space in the database's files is overwritten, so that no old copy of your data stays in it"
        }
        Dialect::Postgres => {
            "The space that your data took is given back to the database server, which overwrites it with new data"
        }
    };
    let reload = (!done).then(|| {
        view! { <p class="row"><a class="button" href="">"Reload this page"</a></p> }
    });
    view! {
        <PublicPage title=heading section=Section::None>
            <Meta name="robots" content="noindex"/>
            <div class="wrap account">
                <h1>{heading}</h1>
                <p>{in_short}</p>
                <Card title="What happens">
                    <Trail label="Steps of the erasure">
                        <Step title="Account closed" at=Some(requested_at) by=requested_at
                            text="Your e-mail address, password, sessions and click ids are removed"/>
                        <Step title="All visits looked through" at=rows_cleaned_at by=requested_at + FILES_WITHIN
                            text="Your e-mail address is removed wherever a link contained it, and so is what only your links said"/>
                        <Step title="Files cleaned" at=files_cleaned_at by=requested_at + FILES_WITHIN text=files/>
                    </Trail>
                    {reload}
                </Card>
                <p class="muted">
                    "Keep the address of this page if you want to look again. It does not say who you were, and it works for "
                    {whole_days(KEPT)} " days after the last step. Backups that the owner of this site keeps are not changed: they
                    still hold your data until the owner deletes them."
                </p>
            </div>
        </PublicPage>
    }
}

/// A step that is done, or that will be done at the latest at the time `by`.
#[component]
fn Step(title: &'static str, text: &'static str, at: Option<Timestamp>, by: Timestamp) -> impl IntoView {
    let time = |at| format::date_time(at, &TimeZone::UTC);
    let (marker, aside) = match at {
        Some(at) => (Marker::Blaze, format!("Done {} UTC", time(at))),
        None => (Marker::Hollow, format!("In progress, done by {} UTC", time(by))),
    };
    view! { <TrailStep marker title subtitle=text aside/> }
}
