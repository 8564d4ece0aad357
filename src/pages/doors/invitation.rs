use leptos::prelude::*;

use super::{Button, Gone, LinkWords, opened_link};
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
};

/// The page of a link that accepts an invitation.
#[component]
pub fn InvitationPage() -> impl IntoView {
    opened_link(async |db, token| {
        let Some((token, invitation)) = find(&db, token).await? else {
            let lasts = Purpose::Invite.lasts_in_words();
            let why = format!(
                "An invitation works once, for {lasts}, and until it is withdrawn. If you have no account yet, ask the person who \
                 invited you for a new one."
            );
            return Ok(view! { <Gone why again=AGAIN/> }.into_any());
        };
        if User::find_by_email(&mut db.read().await?, &invitation.email).await?.is_some() {
            return Ok(view! { <HasAccount email=invitation.email/> }.into_any());
        }
        let words = LinkWords {
            title: "Create your account",
            before: "You are invited. Choose a password for your account:",
            after: "",
            action: "/api/invitation",
            button: "Create account",
            again: AGAIN,
        };
        let (purpose, email) = (Purpose::Invite, invitation.email);
        Ok(view! { <Button purpose words token email password=Some("Password")/> }.into_any())
    })
}

const AGAIN: (&str, &str) = ("/login", "Sign in");

async fn find(db: &Db, token: Option<SecretToken>) -> Result<Option<(SecretToken, Invitation)>, Error> {
    let Some(token) = token else { return Ok(None) };
    Ok(look(db, &token).await?.map(|invitation| (token, invitation)))
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
