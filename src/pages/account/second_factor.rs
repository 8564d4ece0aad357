use axum::http::StatusCode;
use leptos::{either::EitherOf3, prelude::*};

use crate::{
    auth::{
        User,
        accounts::Accounts,
        current_user,
        forms::{FormState, second_factor::FORM, take_flash},
        second_factor::{Setup, recovery_codes_left, setup},
    },
    components::{AlertKind, Card, Field, FormAlert, PublicPage, QrCode, Section, SubmitButton},
    db::Error,
    pages::current_password::CurrentPassword,
    pages::error::ErrorPage,
};

/// Turns the second factor of the signed-in user on and off. The layer in front of `/account` sends everybody else to the sign-in
/// page.
#[component]
pub fn SecondFactorPage() -> impl IntoView {
    let Some(user) = current_user() else {
        return view! { <ErrorPage status=StatusCode::FORBIDDEN/> }.into_any();
    };
    let accounts = expect_context::<Accounts>();
    let flash = take_flash(FORM);
    let required = accounts.admins_need_second_factor && user.is_admin() && !user.second_factor;
    let required = required.then_some("Admins of this site need a second factor. Set yours up to open the dashboard.");
    let (notice, error) = (flash.notice.clone(), flash.error(""));
    let content = async move {
        match load(&accounts, &user).await {
            Ok(State::Off) => EitherOf3::A(view! { <Off flash/> }.into_any()),
            Ok(State::SettingUp(setup)) => EitherOf3::B(view! { <SettingUp setup flash/> }.into_any()),
            Ok(State::On { codes_left }) => EitherOf3::C(view! { <On codes_left flash/> }.into_any()),
            Err(error) => {
                tracing::error!(%error, "the page of the second factor could not be filled");
                let message = "This cannot be shown right now. Please try again in a moment.";
                EitherOf3::A(view! { <FormAlert kind=AlertKind::Error message/> }.into_any())
            }
        }
    };
    view! {
        <PublicPage title="Second factor" section=Section::Account>
            <div class="wrap account">
                <div>
                    <a class="back-link" href="/account#security">"Your account"</a>
                    <h1>"Second factor"</h1>
                </div>
                <FormAlert kind=AlertKind::Info message=required/>
                <FormAlert kind=AlertKind::Success message=notice/>
                <FormAlert kind=AlertKind::Error message=error/>
                <Suspense>{Suspend::new(content)}</Suspense>
            </div>
        </PublicPage>
    }
    .into_any()
}

/// How far the second factor is.
enum State {
    Off,
    SettingUp(Setup),
    On { codes_left: i64 },
}

async fn load(accounts: &Accounts, user: &User) -> Result<State, Error> {
    let mut conn = accounts.db.read().await?;
    if user.second_factor {
        return Ok(State::On { codes_left: recovery_codes_left(&mut conn, user.id).await? });
    }
    Ok(setup(&mut conn, user.id, &user.email, accounts.db.now()).await?.map_or(State::Off, State::SettingUp))
}

#[component]
fn Off(flash: FormState) -> impl IntoView {
    view! {
        <Card title="Protect your account">
            <p>
                "With a second factor, signing in takes your password and a code from an app on your phone. Somebody who learns your
                password cannot sign in without your phone."
            </p>
            <form class="form" method="post" action="/api/second-factor/begin" novalidate>
                <CurrentPassword id="current_password" error=flash.error("current_password")/>
                <SubmitButton label="Set up"/>
            </form>
        </Card>
    }
}

#[component]
fn SettingUp(setup: Setup, flash: FormState) -> impl IntoView {
    let Setup { key, uri } = setup;
    let grouped = key.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
    view! {
        <Card title="1. Add the account to your app">
            <p>"Scan this code with an authenticator app. It works for 15 minutes."</p>
            <QrCode text=uri label="QR code for an authenticator app"/>
            <p>"Or type this key into the app: " <code class="breakable">{grouped}</code></p>
        </Card>
        <Card title="2. Enter the code that the app shows">
            <form class="form" method="post" action="/api/second-factor/on" novalidate>
                <Field name="code" label="Code" autocomplete="one-time-code" required=true error=flash.error("code")
                    hint="Six digits. All your other sessions end, because they began without a code."/>
                <SubmitButton label="Turn on"/>
            </form>
        </Card>
    }
}

#[component]
fn On(codes_left: i64, flash: FormState) -> impl IntoView {
    let codes = Some(flash.value("codes")).filter(|codes| !codes.is_empty());
    let fresh = codes.map(|codes| {
        let codes = codes.split(' ').map(|code| view! { <li><code>{code.to_owned()}</code></li> }).collect_view();
        view! {
            <Card title="Your recovery codes">
                <p>"Keep these codes where you find them without your device. Each signs you in once. They are shown only now."</p>
                <ul class="recovery-codes">{codes}</ul>
            </Card>
        }
    });
    let codes_flash = flash.clone();
    let left = match codes_left {
        0 => "No recovery code is left. Make new ones.".to_owned(),
        1 => "1 recovery code is left.".to_owned(),
        left => format!("{left} recovery codes are left."),
    };
    view! {
        {fresh}
        <Card title="Recovery codes">
            <p>{left}</p>
            <BothForm form="codes" label="Make new recovery codes" flash=codes_flash/>
        </Card>
        <Card title="Turn off">
            <p class="muted">"Signing in then takes your password only."</p>
            <BothForm form="off" label="Turn off" danger=true flash/>
        </Card>
    }
}

/// A form that asks for the password and for a code.
#[component]
fn BothForm(
    form: &'static str,
    label: &'static str,
    #[prop(optional)] danger: bool,
    flash: FormState,
) -> impl IntoView {
    let error = |field| (flash.value("form") == form).then(|| flash.error(field)).flatten();
    let class = if danger { "button danger" } else { "button" };
    view! {
        <form class="form" method="post" action=format!("/api/second-factor/{form}") novalidate>
            <CurrentPassword id=format!("{form}-password") error=error("current_password")/>
            <Field name="code" id=format!("{form}-code") label="Code" autocomplete="one-time-code" required=true
                error=error("code")/>
            <button class=class type="submit">{label}</button>
        </form>
    }
}
