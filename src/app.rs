//! The HTML document around every page, and the routes.
//!
//! A page is complete before its first byte leaves (`SsrMode::Async`), so it can still set its status, redirect, or set a cookie.
//!
//! Pages need no `Resource`. A `Resource` writes its value into the page so that the browser can hydrate the components that read
//! it. Here only islands run in the browser, and they get their data as props. A page awaits its data in `Suspend`, and may query
//! the database for it. `docs/decisions.md` says more.
//!
//! The browser loads the islands' code when it is idle, and only if the page has an island. Every page works without it.

use std::sync::OnceLock;

use axum::http::request::Parts;
use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

use crate::{
    admin::AdminRoutes,
    attribution::capture::page_arrival::PageArrival,
    auth::current_user,
    components::{
        FrameContext, Viewer,
        assets::{Assets, assets},
    },
    pages::{
        account::{AccountPage, second_factor::SecondFactorPage},
        consent::ConsentBanner,
        doors::{
            change_email::ChangeEmailPage,
            forgot::ForgotPage,
            invitation::InvitationPage,
            login_link::{LoginLinkPage, LoginTokenPage},
            reset::ResetPage,
            verify::VerifyPage,
        },
        erased::ErasedPage,
        error::NotFoundPage,
        home::HomePage,
        login::LoginPage,
        privacy::PrivacyPage,
        register::RegisterPage,
        second_step::SecondStepPage,
    },
    projects::pages::{NewProjectPage, ProjectPage, ProjectsPage},
    site::NAME,
    state::AppState,
};

/// Returns the document around every page.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let assets = assets(&options);
    // the beacon reads the names of the custom tags here, and what the page says about its own arrival
    let arrival = with_context::<Parts, _>(|parts| parts.extensions.get::<PageArrival>().cloned()).flatten();
    let tags =
        with_context::<AppState, _>(|state| state.config.attribution.custom_tags.names().collect::<Vec<_>>().join(","));
    view! {
        <!DOCTYPE html>
        <html
            lang="en"
            data-tags=tags.filter(|tags| !tags.is_empty())
            data-arrival=arrival.as_ref().map(PageArrival::attribute)
            data-tell=arrival.as_ref().and_then(PageArrival::tell)
        >
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                // first, and blocking: it sets the colours before the first paint
                <script src="/theme.js" nonce=use_nonce()></script>
                <link rel="stylesheet" href=assets.css.as_str()/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <AutoReload options=options/>
                <script type="module" nonce=use_nonce()>{start_script(assets)}</script>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Returns the script of every page, which is made once.
fn start_script(assets: &Assets) -> &'static str {
    static SCRIPT: OnceLock<String> = OnceLock::new();
    SCRIPT.get_or_init(|| hydration_script(&assets.js, &assets.wasm))
}

/// Returns the script that starts the islands and marks each as `data-ready` once it works.
///
/// The script replaces Leptos' `HydrationScripts`. leptos 0.8.23 writes the nonce into the `crossorigin` attribute of its preload
/// links, and Firefox may then start no island (<https://github.com/leptos-rs/leptos/issues/4843>). Leptos walks the tree of
/// islands. Here a loop is enough, because no island of this site contains another one.
///
/// The beacon starts when a person sees the page. A page that the browser renders ahead, and a tab in the background, are hidden
/// until then. The wait stands here, because a listener in an island would add a third to the WebAssembly of every page.
fn hydration_script(js: &str, wasm: &str) -> String {
    format!(
        r#"const islands = document.querySelectorAll("leptos-island");
const seen = new Promise((resolve) => {{
  const look = () => document.hidden || resolve();
  document.addEventListener("visibilitychange", look);
  look();
}});
const start = async () => {{
  const wasm = fetch({wasm:?});
  const code = await import({js:?});
  await code.default({{ module_or_path: wasm }});
  code.hydrate();
  const ready = async (island) => {{
    if (island.dataset.component.startsWith("Beacon_")) await seen;
    await code[island.dataset.component](island);
    island.dataset.ready = "";
  }};
  await Promise.all([...islands].map(ready));
}};
if (islands.length) (window.requestIdleCallback ?? setTimeout)(start, {{ timeout: 2000 }});"#
    )
}

/// Returns the text in the browser's tab: the page's title and the site's name.
///
/// Some titles hold text from visitors, such as a campaign's name, and leptos_meta 0.8.7 does not escape titles. So this function
/// escapes them.
fn title(page: String) -> String {
    let page = page.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    if page.is_empty() { NAME.to_owned() } else { format!("{page} · {NAME}") }
}

/// The frame's context, and the page at the request's path.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let viewer = current_user().map(|user| Viewer { is_admin: user.is_admin(), email: user.email });
    // there is no state while Leptos lists the routes
    let sign_up = use_context::<AppState>().is_none_or(|state| state.config.registration.is_open());
    provide_context(FrameContext { viewer, sign_up, notice: ConsentBanner.into() });
    view! {
        <Title formatter=title/>
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/") view=HomePage ssr=SsrMode::Async/>
                <Route path=path!("/login") view=LoginPage ssr=SsrMode::Async/>
                <Route path=path!("/login/link") view=LoginLinkPage ssr=SsrMode::Async/>
                <Route path=path!("/forgot") view=ForgotPage ssr=SsrMode::Async/>
                <Route path=path!("/reset/:token") view=ResetPage ssr=SsrMode::Async/>
                <Route path=path!("/verify/:token") view=VerifyPage ssr=SsrMode::Async/>
                <Route path=path!("/email/:token") view=ChangeEmailPage ssr=SsrMode::Async/>
                <Route path=path!("/invitation/:token") view=InvitationPage ssr=SsrMode::Async/>
                <Route path=path!("/register") view=RegisterPage ssr=SsrMode::Async/>
                <Route path=path!("/login/code") view=SecondStepPage ssr=SsrMode::Async/>
                // after the other pages below /login, because the first route that fits is taken
                <Route path=path!("/login/:token") view=LoginTokenPage ssr=SsrMode::Async/>
                <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async/>
                <Route path=path!("/account/second-factor") view=SecondFactorPage ssr=SsrMode::Async/>
                <Route path=path!("/privacy") view=PrivacyPage ssr=SsrMode::Async/>
                <Route path=path!("/erased/:token") view=ErasedPage ssr=SsrMode::Async/>
                <Route path=path!("/projects") view=ProjectsPage ssr=SsrMode::Async/>
                <Route path=path!("/projects/new") view=NewProjectPage ssr=SsrMode::Async/>
                <Route path=path!("/projects/:id") view=ProjectPage ssr=SsrMode::Async/>
                <AdminRoutes/>
            </Routes>
        </Router>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_text() {
        assert_eq!(title("</title><b> & co".into()), "&lt;/title&gt;&lt;b&gt; &amp; co · Waymark");
        assert_eq!(title(String::new()), "Waymark");
    }

    #[test]
    fn the_script_is_looked_at_again_when_leptos_changes() {
        // After an update: is issue 4843 fixed in HydrationScripts, and does this script still do the same as the script of
        // Leptos? Compare with src/hydration/ of the leptos crate, then write the new version here.
        let lock = include_str!("../Cargo.lock").replace("\r\n", "\n");
        assert!(lock.contains("name = \"leptos\"\nversion = \"0.8.23\"\n"), "see hydration_script");
    }

    #[test]
    fn addresses_are_strings_in_the_script() {
        let script = hydration_script("/pkg/waymark.js", "/pkg/waymark.wasm");
        assert!(script.contains(r#"import("/pkg/waymark.js")"#), "{script}");
        assert!(script.contains(r#"fetch("/pkg/waymark.wasm")"#), "{script}");
        assert!(script.contains("{ module_or_path: wasm }"), "{script}");
    }
}
