use leptos::prelude::*;

use super::{LinkPage, LinkWords};
use crate::auth::doors::one_time::Purpose;

/// The page of a link that gives an account another address.
#[component]
pub fn ChangeEmailPage() -> impl IntoView {
    let words = LinkWords {
        title: "Use a new e-mail address",
        before: "Your account gets the address",
        after: "and you sign in with it from then on.",
        action: "/api/email/confirm",
        button: "Use this address",
        again: ("/account", "Go to your account"),
    };
    view! { <LinkPage purpose=Purpose::ChangeEmail words/> }
}
