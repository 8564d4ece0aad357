use leptos::prelude::*;

use crate::site::TAGLINE;

/// The foot of every page.
#[component]
pub fn SiteFooter() -> impl IntoView {
    view! {
        <footer class="site-footer">
            <div class="wrap spread">
                <p>{TAGLINE}</p>
                <p class="row"><a href="/privacy">"Privacy"</a><span>"Version " {env!("CARGO_PKG_VERSION")}</span></p>
            </div>
        </footer>
    }
}
