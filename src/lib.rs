//! Waymark: the Leptos full-stack starter that knows where every sign-up came from.
#[cfg(feature = "ssr")]
pub mod admin {
    // temporary, until src/admin exists
    use leptos::prelude::*;
    macro_rules! page { ($($name:ident)+) => { $(#[component] pub fn $name() -> impl IntoView { view! { <p>"soon"</p> } })+ } }
    page! { OverviewPage CampaignsPage LeadsPage LeadPage JourneyPage ReferralsPage }
    pub mod csv {
        pub async fn leads_csv() -> &'static str { "" }
        pub async fn campaigns_csv() -> &'static str { "" }
    }
}
#[cfg(feature = "ssr")]
pub mod app;
pub mod attribution;
#[cfg(feature = "ssr")]
pub mod auth;
pub mod components;
#[cfg(feature = "ssr")]
pub mod config;
#[cfg(feature = "ssr")]
pub mod db;
#[cfg(feature = "ssr")]
pub mod demo {
    // temporary, until src/demo exists: replace by `pub mod demo;`
    pub struct Demo { pub users: u32, pub days: u32, pub seed: u64, pub mix: bool, pub replace: bool }
    pub async fn fill(_: &crate::db::Db, _: &Demo, _: impl FnMut(u64, u64)) -> Result<String, String> { Err("soon".into()) }
    pub async fn remove(_: &crate::db::Db) -> Result<String, String> { Err("soon".into()) }
}
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod server;
#[cfg(feature = "ssr")]
pub mod state;

/// The browser's entry point: islands take over from here.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
