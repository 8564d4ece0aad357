use leptos::prelude::*;

use super::{AskPage, LinkPage, LinkWords};
use crate::auth::doors::one_time::Purpose;

/// Asks for a link that signs in.
#[component]
pub fn LoginLinkPage() -> impl IntoView {
    view! {
        <AskPage title="Sign in with a link" form="login_link" action="/api/login/link" button="Send a link"
            text="Enter the e-mail address of your account. We send you a link that signs you in, without a password."/>
    }
}

/// The page of a link that signs in.
#[component]
pub fn LoginTokenPage() -> impl IntoView {
    let words = LinkWords {
        title: "Sign in",
        before: "You are about to sign in as",
        after: "in this browser.",
        action: "/api/login/token",
        button: "Sign in",
        again: ("/login/link", "Send a new link"),
    };
    view! { <LinkPage purpose=Purpose::SignIn words/> }
}
