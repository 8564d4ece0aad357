//! A page reads what it needs of the request: who is signed in, the query, or the message that a form left. The page passes what
//! it read to components as props. Forms are plain HTML and post to server functions, so that every page works without a script.
//!
//! # Another page
//!
//! Three edits add a page, here `/about`:
//!
//! 1. A file `src/pages/about.rs`:
//!
//!    ```no_run
//!    use leptos::prelude::*;
//!    use waymark::components::{PublicPage, Section}; // in the file itself: crate::components
//!
//!    /// What this site is about.
//!    #[component]
//!    pub fn AboutPage() -> impl IntoView {
//!        view! {
//!            <PublicPage title="About" section=Section::None>
//!                <div class="wrap"><h1>"About"</h1></div>
//!            </PublicPage>
//!        }
//!    }
//!    ```
//!
//! 2. Its module below: `pub mod about;`.
//! 3. Its route in [`crate::app`]: `<Route path=path!("/about") view=AboutPage ssr=SsrMode::Async/>`.
//!
//! The address also belongs into `publicPaths` of `end2end/tests/site.ts`: the browser tests then check the page's layout and its
//! accessibility. Where people should find the page, link it in `components/header.rs` or `components/footer.rs`. A link in the
//! header can be marked as the current page: give the page a [`Section`](crate::components::Section) of its own.

/// `/account`: the signed-in user's journey, referral link, password and data.
pub mod account;
/// The banner and the button by which visitors decide about consent.
pub mod consent;
/// The field that asks for the current password.
mod current_password;
/// The doors that go by mail: `/forgot`, `/reset/{token}` and the like.
pub mod doors;
/// The e-mail address on the account page.
mod email_card;
/// `/erased/{token}`: the confirmation of an erasure.
pub mod erased;
/// Pages for errors.
pub mod error;
/// `/`: what Waymark is.
pub mod home;
/// The buttons of the home page.
mod home_actions;
/// `/login`.
pub mod login;
/// `/privacy`: what the server stores, by its configuration.
pub mod privacy;
/// Ways to sign in beside the password.
mod providers;
/// `/register`.
pub mod register;
/// `/login/code`: the second step of a sign-in.
pub mod second_step;

use leptos::prelude::use_context;

/// Returns the `next` of the query: where a form leads when it succeeds. The server function checks it when the form is sent.
///
/// This function reads the request itself. leptos_router 0.8.17 decodes a query twice on the server, and would cut `next` at a
/// `%26`.
fn next() -> Option<String> {
    let parts = use_context::<axum::http::request::Parts>()?;
    let pairs = form_urlencoded::parse(parts.uri.query()?.as_bytes());
    pairs
        .into_iter()
        .find(|(name, _)| name == "next")
        .map(|(_, next)| next.into_owned())
        .filter(|next| !next.is_empty())
}

/// Returns the address of a form with `next` in its query.
fn with_next(path: &str, next: Option<&str>) -> String {
    match next {
        Some(next) => {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
            format!("{path}?{query}")
        }
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::with_next;

    #[test]
    fn next_is_one_parameter_whatever_it_holds() {
        assert_eq!(with_next("/login", None), "/login");
        assert_eq!(with_next("/login", Some("/admin/leads?q=a&b=c")), "/login?next=%2Fadmin%2Fleads%3Fq%3Da%26b%3Dc");
    }
}
