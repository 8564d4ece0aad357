//! Waymark: the Leptos full-stack starter that knows where every sign-up came from.
//!
//! An Axum layer captures UTM parameters, click ids, referrers and referral links, and stores them as touches of the visitor.
//! Signing up or signing in links the visitor to the user.
//!
//! # Layout
//!
//! - [`attribution`]: reading links, touches, visitors, lead sources, referral links, conversions, reports.
#![cfg_attr(
    feature = "ssr",
    doc = "- [`auth`]: accounts, passwords, sessions of signed-in users, the forms' server functions.
- [`privacy`]: retention, and the export and erasure of a user's data.
- [`pages`], [`admin`]: the pages. [`components`]: what pages share. [`app`]: the document and the routes.
- [`server`]: the router with all its layers, the session store, start and stop.
- [`db`]: SQLite and PostgreSQL behind one interface. [`config`]: environment variables. [`demo`]: sample data.
- [`import`]: leads of django-utm-tracker become touches here."
)]
//!
//! Imports run one way: server → app → admin → pages → auth → attribution → db. `tests/architecture.rs` has the whole list.
//!
//! # The way of a request
//!
//! Charset → cache control → security headers → request id → log → compression → error page → panic → overload → deadline →
//! body limit → request target → cross-origin check → client address → cookie names → session cookie. Then follow either the
//! routes that know no visitor (files, health checks, reported conversions), or: session → user → `UtmSessionLayer` →
//! `LeadSourceLayer` → required role → page, server function, referral link or export. `server/router.rs` gives the reasons for
//! the order.
//!
//! In the browser only islands run: those of [`components`] and the inspector. Pages render on the server, and are complete
//! without the islands.

#[cfg(feature = "ssr")]
pub mod address_limit;
#[cfg(feature = "ssr")]
pub mod admin;
/// The browser gets only the inspector's island.
#[cfg(not(feature = "ssr"))]
pub mod admin {
    pub mod inspector;
}
#[cfg(feature = "ssr")]
pub mod app;
pub mod attribution;
#[cfg(feature = "ssr")]
pub mod auth;
pub mod components;
#[cfg(feature = "ssr")]
pub mod config;
/// The cookies that this site sets: one reader and one writer.
#[cfg(feature = "ssr")]
mod cookie;
#[cfg(feature = "ssr")]
pub mod db;
#[cfg(feature = "ssr")]
pub mod demo;
/// Hosts in addresses that browsers send.
mod host;
/// The ids of users, visitors, touches, conversions and API tokens: a type for each.
#[cfg(feature = "ssr")]
pub mod id;
/// Imports leads of django-utm-tracker as touches.
#[cfg(feature = "ssr")]
pub mod import;
/// A path that cannot lead to another site.
#[cfg(feature = "ssr")]
mod local_path;
/// The query parameters of this site's own pages.
#[cfg(feature = "ssr")]
mod page_parameters;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod privacy;
/// Random numbers: repeatable ones for samples, the operating system's for secrets.
#[cfg(feature = "ssr")]
pub mod random;
#[cfg(feature = "ssr")]
pub mod server;
#[cfg(feature = "ssr")]
pub mod state;
/// A moment in time, as a type that is neither a number nor a duration.
pub mod timestamp;
/// Reading environment variables.
#[cfg(feature = "ssr")]
pub mod variables;
/// Enums whose variants are each written as one fixed text.
#[cfg(feature = "ssr")]
mod word_enum;

/// Starts the islands in the browser.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
