use leptos::prelude::*;

use super::{LinkPage, LinkWords};
use crate::auth::doors::one_time::Purpose;

/// The page of a link that gives an account another address.
#[component]
pub fn ChangeEmailPage() -> impl IntoView {
    let words = LinkWords {
        title: "Use a new e-mail address",
        before: "Change your account's address to",
        after: "and sign in with it from now on.",
        action: "/api/email/confirm",
        button: "Use this address",
        again: ("/account", "Go to your account"),
    };
    view! { <LinkPage purpose=Purpose::ChangeEmail words/> }
}
