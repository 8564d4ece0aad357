use axum::http::StatusCode;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{super::error::ErrorPage, Button, Gone, LinkWords, keep_address_secret, not_looked_up};
use crate::{
    auth::{
        User,
        doors::{
            invitation::{Invitation, look},
            one_time::Purpose,
        },
    },
    components::SecretPage,
    db::{Db, Error},
    secret_token::SecretToken,
    state::AppState,
};

/// What is in the place of a link.
enum Found {
    /// The person chooses a password.
    Open(SecretToken, Invitation),
    /// The address has an account meanwhile.
    HasAccount(String),
    Gone,
}

/// The page of a link that accepts an invitation. Opening it changes nothing.
#[component]
pub fn InvitationPage() -> impl IntoView {
    let state = expect_context::<AppState>();
    if !state.accounts.doors.are_open() {
        return view! { <ErrorPage status=StatusCode::NOT_FOUND/> }.into_any();
    }
    keep_address_secret();
    let token = use_params_map().with_untracked(|params| params.get("token")).unwrap_or_default();
    let shown = async move {
        match find(&state.db, &token).await {
            Ok(Found::Open(token, invitation)) => {
                let words = LinkWords {
                    title: "Create your account",
                    before: "You are invited. Choose a password for your account:",
                    after: "",
                    action: "/api/invitation",
                    button: "Create account",
                    again: AGAIN,
                };
                view! { <Button purpose=Purpose::Invite words token email=invitation.email password=Some("Password")/> }
                    .into_any()
            }
            Ok(Found::HasAccount(email)) => view! { <HasAccount email/> }.into_any(),
            Ok(Found::Gone) => view! { <Gone why=ENDED again=AGAIN/> }.into_any(),
            Err(error) => not_looked_up(error).into_any(),
        }
    };
    view! { <Suspense>{Suspend::new(shown)}</Suspense> }.into_any()
}

const ENDED: &str = "An invitation works once, for 7 days, and until it is withdrawn. If you have no account yet, ask the person who \
                     invited you for a new one.";
const AGAIN: (&str, &str) = ("/login", "Sign in");

async fn find(db: &Db, token: &str) -> Result<Found, Error> {
    let Some(token) = SecretToken::parse(token) else { return Ok(Found::Gone) };
    let Some(invitation) = look(db, &token).await? else { return Ok(Found::Gone) };
    Ok(match User::find_by_email(&mut db.read().await?, &invitation.email).await? {
        Some(_) => Found::HasAccount(invitation.email),
        None => Found::Open(token, invitation),
    })
}

/// The page for a person whose address has an account meanwhile.
#[component]
fn HasAccount(email: String) -> impl IntoView {
    view! {
        <SecretPage title="You have an account">
            <div class="narrow-page">
                <header>
                    <h1>"You have an account"</h1>
                    <p class="muted">
                        "There is an account with the address "<strong>{email}</strong>" already, so you need no invitation. Sign \
                         in to it. If you do not know its password, set a new one."
                    </p>
                </header>
                <p class="row">
                    <a class="button primary" href="/login">"Sign in"</a>
                    <a class="button" href="/forgot">"Set a new password"</a>
                </p>
            </div>
        </SecretPage>
    }
}
