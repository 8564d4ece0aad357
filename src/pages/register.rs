use leptos::prelude::*;

use super::{next, providers::ProviderLinks, with_next};
use crate::{
    auth::{Accounts, forms::take_flash, password::NEW_PASSWORD_HINT},
    components::{AlertKind, Field, FormAlert, HiddenField, PublicPage, Section, SubmitButton},
};

/// The form that creates an account.
#[component]
pub fn RegisterPage() -> impl IntoView {
    let flash = take_flash("register");
    let next = next();
    let login = with_next("/login", next.as_deref());
    if !expect_context::<Accounts>().registration.is_open() {
        return view! { <ByInvitation login/> }.into_any();
    }
    view! {
        <PublicPage title="Create account" section=Section::Register>
            <div class="narrow-page">
                <header>
                    <h1>"Create your account"</h1>
                    <p class="muted">"Already have an account? " <a href=login>"Sign in"</a></p>
                </header>
                <section class="card">
                    <form class="form wide-button" method="post" action="/api/register" novalidate>
                        <FormAlert kind=AlertKind::Error message=flash.error("")/>
                        <Field name="email" label="E-mail" kind="email" autocomplete="username" required=true
                            value=flash.value("email") error=flash.error("email")/>
                        <Field name="password" label="Password" kind="password" autocomplete="new-password" required=true
                            hint=NEW_PASSWORD_HINT error=flash.error("password")/>
                        <HiddenField name="next" value=next.clone()/>
                        <SubmitButton label="Create account"/>
                    </form>
                    <ProviderLinks next/>
                </section>
            </div>
        </PublicPage>
    }
    .into_any()
}

/// Stands in place of the form if accounts are by invitation only. A form that was sent nevertheless leads here too.
#[component]
fn ByInvitation(login: String) -> impl IntoView {
    view! {
        <PublicPage title="By invitation only" section=Section::None>
            <div class="narrow-page">
                <header>
                    <h1>"By invitation only"</h1>
                    <p class="muted">
                        "New accounts on this site are by invitation. If you have an invitation, open the link in its mail. If \
                         you have an account, sign in."
                    </p>
                </header>
                <p class="row"><a class="button primary" href=login>"Sign in"</a></p>
            </div>
        </PublicPage>
    }
}
