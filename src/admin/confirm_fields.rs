use leptos::prelude::*;

use crate::{auth::forms::FormState, components::Field};

/// The fields with which admins confirm that they are at the browser: the password, and a code if they have a second factor.
#[component]
pub fn ConfirmFields(
    /// Tells the fields apart from those of other forms on the page.
    prefix: &'static str,
    /// Whether the admin has a second factor.
    code: bool,
    flash: FormState,
) -> impl IntoView {
    let code_field = code.then(|| {
        view! {
            <Field name="code" id=format!("{prefix}-code") label="Your code" autocomplete="one-time-code" required=true
                error=flash.error("code")/>
        }
    });
    view! {
        <Field name="current_password" id=format!("{prefix}-password") label="Your password" kind="password"
            autocomplete="current-password" required=true error=flash.error("current_password")/>
        {code_field}
    }
}
