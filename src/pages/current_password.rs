use leptos::prelude::*;

use crate::{auth::current_user, components::Field};

/// The field with which users confirm that they are at the browser. Users without a password are told what stands for it.
#[component]
pub(super) fn CurrentPassword(#[prop(into)] id: String, error: Option<String>) -> impl IntoView {
    if current_user().is_none_or(|user| user.has_password()) {
        return view! {
            <Field name="current_password" id label="Current password" kind="password" autocomplete="current-password"
                required=true error/>
        }
        .into_any();
    }
    view! {
        <div class="field">
            <p class="field-hint">"Your account has no password yet. This works for 15 minutes after you sign in."</p>
            {error.map(|error| view! { <p class="field-error">{error}</p> })}
        </div>
    }
    .into_any()
}
