//! The response of a server function to a form: a redirect for a plain form, an [`Outcome`] as JSON for a script.

use std::collections::BTreeMap;

use axum::http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use leptos::prelude::{expect_context, use_context};
use leptos_axum::ResponseOptions;
use serde::{Deserialize, Serialize};

use super::flash::{FormState, set_flash};
use crate::{
    auth::{UnknownUser, next::safe_next},
    cookie::EndedSession,
};

/// What a script gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// The action is done. `next` is the page to go to.
    Done { next: String },
    /// Something typed is wrong. Messages are by field; the empty name stands for the form as a whole.
    Invalid { errors: BTreeMap<String, String> },
    /// No user is signed in.
    SignedOut,
    /// The user's role does not allow the action.
    Forbidden,
    /// The site does not offer the action, or the link does not work.
    NotFound,
    /// The server could not act now. Trying again later may work.
    Unavailable,
}

/// Makes the response: knows the form, its page, and what was typed.
#[derive(Clone, Debug)]
pub struct Answer {
    page: String,
    state: FormState,
}

impl Answer {
    /// Begins a response to the form named `form`, whose page is `page`.
    pub fn to(form: &'static str, page: String) -> Self {
        Self { page, state: FormState::new(form) }
    }

    /// Keeps what was typed into a field, for the page to show again. Do not keep a password.
    pub fn keeping(mut self, field: &str, value: &str) -> Self {
        self.state.keep(field, value);
        self
    }

    /// Refuses the form: something is wrong with one field.
    pub fn field(self, field: &'static str, message: &str) -> Outcome {
        self.invalid([(field.to_owned(), message.to_owned())].into())
    }

    /// Refuses the form: something is wrong with each field that has a message.
    pub fn fields<const N: usize>(self, messages: [(&'static str, Option<&str>); N]) -> Outcome {
        let wrong = messages.into_iter().filter_map(|(field, message)| Some((field.to_owned(), message?.to_owned())));
        let errors = wrong.collect();
        self.invalid(errors)
    }

    /// Refuses the form: something is wrong with the form as a whole.
    pub fn form(self, message: &str) -> Outcome {
        self.field("", message)
    }

    /// Refuses the form: the site does not allow what it asks for.
    pub fn not_allowed(self, message: &str) -> Outcome {
        self.refused(StatusCode::FORBIDDEN, [(String::new(), message.to_owned())].into())
    }

    /// Refuses the form after too many tries. The next try has to wait for `seconds`.
    pub fn too_many(self, message: &str, seconds: u64) -> Outcome {
        let outcome = self.refused(StatusCode::TOO_MANY_REQUESTS, [(String::new(), message.to_owned())].into());
        expect_context::<ResponseOptions>().insert_header(header::RETRY_AFTER, HeaderValue::from(seconds));
        outcome
    }

    fn invalid(self, errors: BTreeMap<String, String>) -> Outcome {
        self.refused(StatusCode::UNPROCESSABLE_ENTITY, errors)
    }

    fn refused(mut self, status: StatusCode, errors: BTreeMap<String, String>) -> Outcome {
        self.state.errors = errors.clone();
        respond(status, Some(&self.page), Some(&self.state));
        Outcome::Invalid { errors }
    }

    /// Ends an action that is done. The form's page shows the message.
    pub fn notice(mut self, message: &str) -> Outcome {
        self.state.clear();
        self.end_with(message)
    }

    /// Ends an action that is done. The page shows the message and a value: what a field of its form begins with, or a token that
    /// is shown once. The value travels in the browser's own cookie for a minute at most, and is stored nowhere.
    pub fn notice_keeping(mut self, message: &str, field: &str, value: &str) -> Outcome {
        self.state.clear();
        self.state.keep(field, value);
        self.end_with(message)
    }

    fn end_with(mut self, message: &str) -> Outcome {
        self.state.notice = Some(message.to_owned());
        respond(StatusCode::OK, Some(&self.page), Some(&self.state));
        Outcome::Done { next: self.page }
    }

    /// Ends an action that is done. `next`, a path of this site, is the page to go to.
    pub fn done(next: &str) -> Outcome {
        respond(StatusCode::OK, Some(next), None);
        Outcome::Done { next: next.to_owned() }
    }

    /// Refuses an action because no user is signed in. The sign-in page leads back to `next`. Gives up the action of an
    /// [unknown user](UnknownUser).
    pub fn sign_in_first(next: &str) -> Outcome {
        if use_context::<Parts>().is_some_and(|parts| parts.extensions.get::<UnknownUser>().is_some()) {
            return Self::unavailable();
        }
        respond(StatusCode::UNAUTHORIZED, Some(&form_page("/login", next)), None);
        Outcome::SignedOut
    }

    /// Refuses an action that the user's role does not allow.
    pub fn forbidden() -> Outcome {
        respond(StatusCode::FORBIDDEN, None, None);
        Outcome::Forbidden
    }

    /// Refuses an action that this site does not offer.
    pub fn not_found() -> Outcome {
        respond(StatusCode::NOT_FOUND, None, None);
        Outcome::NotFound
    }

    /// Refuses a link that does not work.
    pub fn gone() -> Outcome {
        respond(StatusCode::GONE, None, None);
        Outcome::NotFound
    }

    /// Gives up an action: the database does not answer, or too many passwords are being checked.
    pub fn unavailable() -> Outcome {
        respond(StatusCode::SERVICE_UNAVAILABLE, None, None);
        expect_context::<ResponseOptions>().insert_header(header::RETRY_AFTER, HeaderValue::from_static("5"));
        Outcome::Unavailable
    }
}

/// Returns a form's page with the `next` that the page was opened with: `/login?next=%2Faccount`.
pub(crate) fn form_page(path: &str, next: &str) -> String {
    match safe_next(next) {
        Some(next) => {
            let mut query = form_urlencoded::Serializer::new(String::new());
            format!("{path}?{}", query.append_pair("next", next.as_str()).finish())
        }
        None => path.to_owned(),
    }
}

/// Responds with a redirect (303) to `page` for a plain form, and with `status` for a script.
fn respond(status: StatusCode, page: Option<&str>, state: Option<&FormState>) {
    let response = expect_context::<ResponseOptions>();
    let Some(page) = page.filter(|_| is_plain_form()) else {
        response.set_status(status);
        return;
    };
    // Pages are paths of this site, made of visible ASCII, so this is always a header.
    let Ok(location) = HeaderValue::from_str(page) else {
        response.set_status(status);
        return;
    };
    response.set_status(StatusCode::SEE_OTHER);
    response.insert_header(header::LOCATION, location);
    if let Some(state) = state {
        set_flash(state);
    }
}

/// Returns whether a plain form was sent. Scripts say that they accept JSON.
fn is_plain_form() -> bool {
    let wants_json = |parts: &Parts| {
        parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|a| a.contains("json"))
    };
    use_context::<Parts>().is_none_or(|parts| !wants_json(&parts))
}

/// Makes the browser forget the account: the session's cookie, caches and storage. A handler that has ended the session calls
/// this function.
pub(crate) fn forget_browser() {
    if let Some(ended) = use_context::<Parts>().and_then(|parts| parts.extensions.get::<EndedSession>().cloned()) {
        ended.mark();
    }
    expect_context::<ResponseOptions>()
        .insert_header(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\", \"storage\""));
}
