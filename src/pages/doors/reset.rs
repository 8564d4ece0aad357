use leptos::prelude::*;

use super::{LinkPage, LinkWords};
use crate::auth::doors::one_time::Purpose;

/// The page of a link that sets a password.
#[component]
pub fn ResetPage() -> impl IntoView {
    let words = LinkWords {
        title: "Set a new password",
        before: "Choose a new password for",
        after: "(you will be signed out everywhere).",
        action: "/api/reset",
        button: "Set the password",
        again: ("/forgot", "Send a new link"),
    };
    view! { <LinkPage purpose=Purpose::Reset words password="New password"/> }
}
