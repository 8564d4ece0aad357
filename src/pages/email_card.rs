use leptos::prelude::*;

use super::current_password::CurrentPassword;
use crate::{
    auth::{
        Accounts, User,
        forms::{FormState, take_flash},
    },
    components::{AlertKind, Card, Field, FormAlert, SubmitButton, Tag, Tone},
};

/// The e-mail address of the account: whether it is confirmed, and a form for another one. Without mail nothing is rendered.
#[component]
pub fn EmailCard(user: User) -> impl IntoView {
    if !expect_context::<Accounts>().doors.are_open() {
        return ().into_any();
    }
    let flash: FormState = take_flash("email");
    let (confirmed, typed) = (user.email_verified_at.is_some(), !flash.values.is_empty());
    let state = match confirmed {
        true => view! { <Tag label="Confirmed" tone=Tone::Good/> }.into_any(),
        false => view! { <Tag label="Not confirmed" tone=Tone::Mark/> }.into_any(),
    };
    let ask = (!confirmed).then(|| {
        view! {
            <form class="form" method="post" action="/api/verify/send">
                <p class="muted">
                    "Confirm that this address is yours: open the link in the message that we send you."
                </p>
                <button class="button" type="submit">"Send the message"</button>
            </form>
        }
    });
    let code = user.second_factor.then(|| {
        view! {
            <Field name="code" id="email-code" label="Your code" autocomplete="one-time-code" required=true
                error=flash.error("code")/>
        }
    });
    view! {
        <Card title="Your e-mail address">
            <FormAlert kind=AlertKind::Success message=flash.notice.clone()/>
            <FormAlert kind=AlertKind::Error message=flash.error("")/>
            <p class="row"><span>{user.email}</span> {state}</p>
            {ask}
            <details open=typed>
                <summary>"Use another address"</summary>
                <form class="form" method="post" action="/api/email" novalidate>
                    <Field name="email" id="new-email" label="New e-mail address" kind="email" autocomplete="email" required=true
                        value=flash.value("email") error=flash.error("email")
                        hint="We send a link to the new address. Your account keeps its old address until you use the link."/>
                    <CurrentPassword id="email-password" error=flash.error("current_password")/>
                    {code}
                    <SubmitButton label="Send the link"/>
                </form>
            </details>
        </Card>
    }
    .into_any()
}
