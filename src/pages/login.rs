use leptos::{either::Either, prelude::*};

use super::{next, providers::ProviderLinks, with_next};
use crate::{
    auth::{Accounts, forms::take_flash},
    components::{AlertKind, Field, FormAlert, HiddenField, PublicPage, Section, SubmitButton},
};

/// The sign-in form.
#[component]
pub fn LoginPage() -> impl IntoView {
    let flash = take_flash("login");
    let next = next();
    let accounts = expect_context::<Accounts>();
    let (by_mail, open) = (accounts.doors.are_open(), accounts.registration.is_open());
    let register = with_next("/register", next.as_deref());
    view! {
        <PublicPage title="Sign in" section=Section::Login>
            <div class="narrow-page">
                <header>
                    <h1>"Sign in"</h1>
                    {match open {
                        true => Either::Left(view! {
                            <p class="muted">"No account yet? " <a href=register>"Create an account"</a></p>
                        }),
                        false => Either::Right(view! { <p class="muted">"New accounts are by invitation only."</p> }),
                    }}
                </header>
                <section class="card">
                    <form class="form wide-button" method="post" action="/api/login" novalidate>
                        <FormAlert kind=AlertKind::Success message=flash.notice.clone()/>
                        <FormAlert kind=AlertKind::Error message=flash.error("")/>
                        <Field name="email" label="E-mail" kind="email" autocomplete="username" required=true
                            value=flash.value("email") error=flash.error("email")/>
                        <Field name="password" label="Password" kind="password" autocomplete="current-password" required=true
                            error=flash.error("password")/>
                        <HiddenField name="next" value=next.clone()/>
                        <SubmitButton label="Sign in"/>
                    </form>
                    {by_mail.then(|| view! {
                        <p class="row small">
                            <a href="/forgot">"Forgot your password?"</a>
                            <a href="/login/link">"Sign in with a link"</a>
                        </p>
                    })}
                    <ProviderLinks next/>
                </section>
            </div>
        </PublicPage>
    }
}
