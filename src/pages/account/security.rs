use jiff::tz::TimeZone;
use leptos::prelude::*;

use crate::{
    auth::{forms::FormState, own_sessions::OwnSession, password::LENGTH_HINT},
    components::{AlertKind, Card, DataTable, Field, FormAlert, HiddenField, SubmitButton, Tag, Th, Tone, format},
    pages::current_password::CurrentPassword,
};

/// Changes the password.
#[component]
pub fn ChangePassword(email: String, flash: FormState) -> impl IntoView {
    view! {
        <Card title="Password">
            <form class="form" method="post" action="/api/password" novalidate>
                <FormAlert kind=AlertKind::Error message=flash.error("")/>
                // without a name, so it is not sent: it tells password managers whose password changes
                <input type="text" autocomplete="username" value=email readonly hidden/>
                <CurrentPassword id="current_password" error=flash.error("current_password")/>
                <Field name="new_password" label="New password" kind="password" autocomplete="new-password" required=true
                    hint=format!("{LENGTH_HINT} A new password signs you out on all other devices.")
                    error=flash.error("new_password")/>
                <SubmitButton label="Change password"/>
            </form>
        </Card>
    }
}

/// Whether the user has a second factor, and the way to the page that changes it.
#[component]
pub fn SecondFactorCard(on: bool) -> impl IntoView {
    let (state, tone, text, label) = match on {
        true => ("On", Tone::Good, "Signing in takes your password and a code from your app.", "Change"),
        false => (
            "Off",
            Tone::Plain,
            "Signing in takes your password only. A code from an app protects you better.",
            "Set up",
        ),
    };
    view! {
        <Card title="Second factor" aside=view! { <Tag label=state tone/> }.into_any()>
            <p class="muted">{text}</p>
            <p><a class="button" href="/account/second-factor">{label}</a></p>
        </Card>
    }
}

/// Where the user is signed in, with buttons that end sessions. This session ends by signing out.
#[component]
pub fn Sessions(sessions: Vec<OwnSession>, flash: FormState) -> impl IntoView {
    let others = sessions.iter().filter(|session| !session.current).count();
    let rows = sessions.into_iter().map(|session| view! { <SessionRow session/> }).collect_view();
    let end_others = (others > 1).then(|| {
        view! {
            <form method="post" action="/api/sessions/end-others">
                <button class="button" type="submit">"End all other sessions"</button>
            </form>
        }
    });
    view! {
        <Card title="Sessions">
            <FormAlert kind=AlertKind::Success message=flash.notice.clone()/>
            <FormAlert kind=AlertKind::Error message=flash.error("")/>
            <p class="muted">"Where you are signed in. If you do not know one of these, end it and change your password."</p>
            <DataTable caption="Sessions">
                <thead>
                    <tr>
                        <Th label="Browser"/><Th label="Signed in"/><Th label="Last used"/>
                        <th scope="col"><span class="visually-hidden">"Action"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </DataTable>
            {end_others}
        </Card>
    }
}

#[component]
fn SessionRow(session: OwnSession) -> impl IntoView {
    let OwnSession { key, browser, since, seen, current } = session;
    let label = format!("End the session in {browser}");
    let end = (!current).then(|| {
        view! {
            <form method="post" action="/api/sessions/end">
                <HiddenField name="key" value=key/>
                <button class="button small" type="submit" aria-label=label>"End"</button>
            </form>
        }
    });
    view! {
        <tr>
            <th scope="row">{browser}{current.then(|| view! { " " <Tag label="This one" tone=Tone::Mark/> })}</th>
            <td>{format::date(since, &TimeZone::UTC)}</td>
            <td>{format::date(seen, &TimeZone::UTC)}</td>
            <td class="fit">{end}</td>
        </tr>
    }
}
