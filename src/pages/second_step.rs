use leptos::prelude::*;

use super::{next, with_next};
use crate::{
    auth::forms::{second_factor::STEP, take_flash},
    components::{AlertKind, Field, FormAlert, HiddenField, PublicPage, Section, SubmitButton},
};

/// The second step of a sign-in: a code of the user's app, or a recovery code.
#[component]
pub fn SecondStepPage() -> impl IntoView {
    let flash = take_flash(STEP);
    let next = next();
    let again = with_next("/login", next.as_deref());
    view! {
        <PublicPage title="Enter your code" section=Section::Login>
            <div class="narrow-page">
                <header>
                    <h1>"Enter your code"</h1>
                    <p class="muted">"Your authenticator app shows a code of six digits for this site."</p>
                </header>
                <section class="card">
                    <form class="form wide-button" method="post" action="/api/login/code" novalidate>
                        <FormAlert kind=AlertKind::Error message=flash.error("")/>
                        <Field name="code" label="Code" autocomplete="one-time-code" required=true error=flash.error("code")
                            hint="Lost your device? Enter one of your recovery codes instead."/>
                        <HiddenField name="next" value=next/>
                        <SubmitButton label="Sign in"/>
                    </form>
                </section>
                <p class="muted"><a href=again>"Sign in as somebody else"</a></p>
            </div>
        </PublicPage>
    }
}
