//! Waymark: the Leptos full-stack starter that knows where every sign-up came from.
//!
//! UTM parameters, click ids, referrers and referral links are captured by an Axum layer, kept for the visitor, and tied to the
//! user at sign-in.
//!
//! # Layout
//!
//! - [`attribution`]: the heart. What a link says, touches, visitors, lead sources, referral links, reports.
#![cfg_attr(
    feature = "ssr",
    doc = "- [`auth`]: accounts, passwords, sessions of signed-in users, the forms' server functions.
- [`privacy`]: how long things are kept, exporting and erasing what is kept about a user.
- [`pages`], [`admin`]: what people see. [`components`]: what pages share; [`app`]: the document and the routes.
- [`server`]: the router with all its layers, the session store, start and stop.
- [`db`]: SQLite and PostgreSQL, one way to use either. [`config`]: environment variables. [`demo`]: sample data.
- [`import`]: leads of django-utm-tracker become touches here."
)]
//!
//! Imports run one way: server → app → pages, admin → privacy → auth → attribution → db, config.
//!
//! # The way of a request
//!
//! Security headers → request id → log → compression → error page → panic → overload → deadline → body limit → cross-origin
//! check → client address → cookie hygiene, then either files and health checks, which know no session, or: session → user →
//! `UtmSessionLayer` → `LeadSourceLayer` → guard → page, server function, referral link or export.
//!
//! The browser's half is [`components`]' islands and nothing else: pages render on the server and are complete without it.

#[cfg(feature = "ssr")]
pub mod address_limit;
#[cfg(feature = "ssr")]
pub mod admin;
/// In the browser, only the inspector's island.
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
/// The ids of users, visitors, touches and conversions: a type for each.
#[cfg(feature = "ssr")]
pub mod id;
/// Moving in: leads of django-utm-tracker become touches here.
#[cfg(feature = "ssr")]
pub mod import;
/// A path of this site and nothing else.
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
/// A moment, which is no number and no span of time.
pub mod timestamp;
/// Reading environment variables.
#[cfg(feature = "ssr")]
pub mod variables;
/// Enums whose variants are each written as one fixed text.
#[cfg(feature = "ssr")]
mod word_enum;

/// The browser's entry point: islands take over from here.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
