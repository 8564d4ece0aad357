//! The public pages: one file each.
//!
//! A page reads what it needs (who is signed in, the query, a form's flash) and hands it to components. Forms are plain
//! HTML and post to server functions, so every page works without JavaScript.

/// `/account`: the user's own data, referral link and password.
mod account;
/// The banner and the forms by which visitors decide about consent.
pub mod consent;
/// Pages for what went wrong, in the site's looks.
pub mod error;
/// `/`: what Waymark is.
mod home;
/// `/login`.
mod login;
/// `/privacy`: what this configuration stores.
mod privacy;
/// `/register`.
mod register;

pub use self::account::AccountPage;
pub use self::error::{ErrorPage, NotFoundPage};
pub use self::home::HomePage;
pub use self::login::LoginPage;
pub use self::privacy::PrivacyPage;
pub use self::register::RegisterPage;

use leptos::prelude::use_context;

/// Returns where a form leads after success: the parameter `next` of the page. The server function checks the value, not this
/// function.
///
/// The value comes from the request itself. leptos_router (0.8.17) decodes a query twice on the server, and would cut an address
/// at its `%26`.
fn next() -> Option<String> {
    let parts = use_context::<axum::http::request::Parts>()?;
    let pairs = form_urlencoded::parse(parts.uri.query()?.as_bytes());
    pairs
        .into_iter()
        .find(|(name, _)| name == "next")
        .map(|(_, next)| next.into_owned())
        .filter(|next| !next.is_empty())
}

/// Returns the address of the other form with the same `next`: `/login?next=%2Faccount`.
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
