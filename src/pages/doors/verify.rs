use leptos::prelude::*;

use super::{LinkPage, LinkWords};
use crate::auth::doors::one_time::Purpose;

/// The page of a link that confirms an address.
#[component]
pub fn VerifyPage() -> impl IntoView {
    let words = LinkWords {
        title: "Confirm your e-mail address",
        before: "Confirm that you created the account with the address",
        after: "and that the address is yours.",
        action: "/api/verify",
        button: "Confirm the address",
        again: ("/account", "Go to your account"),
    };
    view! { <LinkPage purpose=Purpose::Verify words/> }
}
