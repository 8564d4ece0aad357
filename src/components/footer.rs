use leptos::prelude::*;

/// The foot of every page.
#[component]
pub fn SiteFooter() -> impl IntoView {
    view! {
        <footer class="site-footer">
            <div class="wrap spread">
                <p>"Waymark knows where every sign-up came from."</p>
                <p class="row"><a href="/privacy">"Privacy"</a><span>"Version " {env!("CARGO_PKG_VERSION")}</span></p>
            </div>
        </footer>
    }
}
