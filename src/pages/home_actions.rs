use leptos::prelude::*;

use crate::auth::{Accounts, current_user};

/// The buttons below the home page's first sentence. They depend on who is signed in, and on whether anybody may make an account.
#[component]
pub fn HomeActions() -> impl IntoView {
    let by_invitation = use_context::<Accounts>().is_some_and(|accounts| !accounts.registration.is_open());
    let actions = match current_user() {
        None => {
            let (href, label) = if by_invitation { ("/login", "Sign in") } else { ("/register", "Create account") };
            view! {
                <a class="button primary large" href=href>{label}</a>
                <a class="button large" href="#how">"How it works"</a>
            }
            .into_any()
        }
        Some(user) if user.is_admin() => view! {
            <a class="button primary large" href="/admin">"Open the dashboard"</a>
            <a class="button large" href="/account">"Open your account"</a>
        }
        .into_any(),
        Some(_) => view! { <a class="button primary large" href="/account">"Open your account"</a> }.into_any(),
    };
    view! { <p class="row">{actions}</p> }
}
