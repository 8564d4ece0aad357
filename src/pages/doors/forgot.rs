use leptos::prelude::*;

use super::AskPage;

/// Asks for a link that sets a new password, or the first one.
#[component]
pub fn ForgotPage() -> impl IntoView {
    view! {
        <AskPage title="Set a new password" form="forgot" action="/api/forgot" button="Send a link"
            text="Enter the e-mail address of your account. We send you a link with which you set a new password."/>
    }
}
