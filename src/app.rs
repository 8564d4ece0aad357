//! The HTML around every page, and which page stands at which path.
//!
//! Pages render on the server, whole (`SsrMode::Async`): status, redirects and cookies are settled before the first byte.
//! An idle browser loads the code of the islands, only where the page has an island. The page is complete without that code.

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

use crate::{
    admin::AdminRoutes,
    auth::current_user,
    components::{FrameContext, Viewer, assets::assets},
    pages::{AccountPage, HomePage, LoginPage, NotFoundPage, PrivacyPage, RegisterPage, consent::ConsentBanner},
    state::AppState,
};

/// The site's name, as the browser's tab shows it.
const SITE: &str = "Waymark";

/// The document around the page.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let assets = assets(&options);
    // for the beacon, which reads addresses as the server does
    let tags = use_context::<AppState>()
        .map(|state| state.config.attribution.custom_tags.names().collect::<Vec<_>>().join(","));
    view! {
        <!DOCTYPE html>
        <html lang="en" data-tags=tags.filter(|tags| !tags.is_empty())>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                // This script blocks and comes first, so that the colours are chosen before anything is painted.
                <script src="/theme.js" nonce=use_nonce()></script>
                <link rel="stylesheet" href=assets.css.as_str()/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <AutoReload options=options/>
                <script type="module" nonce=use_nonce()>{hydration_script(&assets.js, &assets.wasm)}</script>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Starts the islands.
///
/// This function replaces Leptos' `HydrationScripts`. Version 0.8.23 puts the nonce into the `crossorigin` attribute of its
/// preload links, and Firefox then refuses the module. Delete the function when a release has the fix.
///
/// Islands here hold no other islands, so a plain loop replaces Leptos' tree walk. The loop marks each island `data-ready` once
/// the island works.
fn hydration_script(js: &str, wasm: &str) -> String {
    format!(
        r#"const islands = document.querySelectorAll("leptos-island");
const start = async () => {{
  const wasm = fetch({wasm:?});
  const waymark = await import({js:?});
  await waymark.default({{ module_or_path: wasm }});
  waymark.hydrate();
  const ready = async (island) => {{
    await waymark[island.dataset.component](island);
    island.dataset.ready = "";
  }};
  await Promise.all([...islands].map(ready));
}};
if (islands.length) (window.requestIdleCallback ?? setTimeout)(start, {{ timeout: 2000 }});"#
    )
}

/// Returns what the browser's tab shows: `Leads` → `Leads · Waymark`. The function escapes the text, because leptos_meta (0.8.7)
/// does not, and some titles contain text that visitors sent.
fn title(page: String) -> String {
    let page = page.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    if page.is_empty() { SITE.to_owned() } else { format!("{page} · {SITE}") }
}

/// Renders the page at the request's path.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let viewer = current_user().map(|user| Viewer { is_admin: user.is_admin(), email: user.email });
    provide_context(FrameContext { viewer, notice: ConsentBanner.into() });
    view! {
        <Title formatter=title/>
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/") view=HomePage ssr=SsrMode::Async/>
                <Route path=path!("/login") view=LoginPage ssr=SsrMode::Async/>
                <Route path=path!("/register") view=RegisterPage ssr=SsrMode::Async/>
                <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async/>
                <Route path=path!("/privacy") view=PrivacyPage ssr=SsrMode::Async/>
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
    fn addresses_are_strings_in_the_script() {
        let script = hydration_script("/pkg/waymark.js", "/pkg/waymark.wasm");
        assert!(script.contains(r#"import("/pkg/waymark.js")"#), "{script}");
        assert!(script.contains(r#"fetch("/pkg/waymark.wasm")"#), "{script}");
        assert!(script.contains("{ module_or_path: wasm }"), "{script}");
    }
}
