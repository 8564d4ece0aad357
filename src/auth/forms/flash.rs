//! What a form's page shows once after a submission: what was typed, what was wrong, what was done.
//!
//! This state travels in a cookie for one minute, not in the session: a wrong password is no reason to begin a session. The
//! cookie never holds a password. It may hold what is shown once: a new API token, recovery codes.

use std::{collections::BTreeMap, time::Duration};

use axum::http::{HeaderValue, header, request::Parts};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use leptos::prelude::{expect_context, with_context};
use leptos_axum::ResponseOptions;
use serde::{Deserialize, Serialize};

use crate::{auth::accounts::Accounts, cookie::SiteCookie};

/// How much of a typed value comes back, in bytes. A cookie holds 4 KiB.
const VALUE_BYTES: usize = 512;

/// How long the next page may take to show the state.
const SHOWN_WITHIN: Duration = Duration::from_secs(60);

/// The state of one form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormState {
    form: String,
    /// What was typed, by field.
    pub values: BTreeMap<String, String>,
    /// What is wrong, by field. The empty name stands for the form as a whole.
    pub errors: BTreeMap<String, String>,
    /// What was done.
    pub notice: Option<String>,
}

impl FormState {
    pub(super) fn new(form: &str) -> Self {
        Self { form: form.to_owned(), ..Self::default() }
    }

    pub(super) fn keep(&mut self, field: &str, value: &str) {
        let value = &value[..value.floor_char_boundary(VALUE_BYTES)];
        self.values.insert(field.to_owned(), value.to_owned());
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.errors.clear();
    }

    /// Returns the state of a form that led elsewhere, where something went wrong.
    pub(in crate::auth) fn error_of(form: &str, message: String) -> Self {
        Self { errors: [(String::new(), message)].into(), ..Self::new(form) }
    }

    /// Returns the state of a form that led elsewhere, where something was done.
    pub(in crate::auth) fn notice_of(form: &str, message: String) -> Self {
        Self { notice: Some(message), ..Self::new(form) }
    }

    pub(in crate::auth) fn is_of(&self, form: &str) -> bool {
        self.form == form
    }

    /// Returns the value of the `Set-Cookie` header that hands the state to the next page.
    pub(in crate::auth) fn set_cookie(&self, secure: bool) -> Option<String> {
        let json = serde_json::to_vec(self).ok()?;
        Some(cookie(secure).set(&URL_SAFE_NO_PAD.encode(json), SHOWN_WITHIN))
    }

    /// Returns what was typed into a field, or nothing.
    pub fn value(&self, field: &str) -> String {
        self.values.get(field).cloned().unwrap_or_default()
    }

    /// Returns the message about a field. The empty name stands for the form as a whole.
    pub fn error(&self, field: &str) -> Option<String> {
        self.errors.get(field).cloned()
    }
}

fn cookie(secure: bool) -> SiteCookie {
    SiteCookie::new("__Host-flash", secure)
}

/// Returns whether the cookies of the request's site are bound to TLS.
fn secure() -> bool {
    expect_context::<Accounts>().secure
}

fn send(set_cookie: &str) {
    // The value is base64, so this is always a valid header.
    if let Ok(value) = HeaderValue::from_str(set_cookie) {
        expect_context::<ResponseOptions>().append_header(header::SET_COOKIE, value);
    }
}

/// Hands a form's state to the next page.
pub(super) fn set_flash(state: &FormState) {
    if let Some(cookie) = state.set_cookie(secure()) {
        send(&cookie);
    }
}

/// Returns what the last submission left for this form, and makes the browser forget the state. Call this function while a page
/// renders.
pub fn take_flash(form: &str) -> FormState {
    let found = with_context::<Parts, _>(|parts| read(parts, form)).flatten();
    if found.is_some() {
        send(&cookie(secure()).removal());
    }
    found.unwrap_or_else(|| FormState::new(form))
}

fn read(parts: &Parts, form: &str) -> Option<FormState> {
    let value = cookie(secure()).values(&parts.headers).next()?;
    let state: FormState = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(value).ok()?).ok()?;
    (state.form == form).then_some(state)
}
