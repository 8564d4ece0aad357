//! Waymark: the Leptos full-stack starter that knows where every sign-up came from.
//!
//! An Axum layer captures UTM parameters, click ids, referrers and referral links, and stores them as touches of the visitor.
//! Signing up or signing in links the visitor to the user.
//!
//! # Layout
//!
//! The modules below are the map; each line says what a module holds. Imports run one way, and never back:
//!
//! `server → app → admin → pages → privacy, import, demo → config → auth → attribution → mail, jobs, audit → db`.
//! `tests/architecture.rs` has the whole list.
//!
//! # Where to look
//!
//! - A page: its route is in `app`, its file in `pages` or `admin`. `pages` says how to add one.
//! - A request: `server::router` lists the routes, and all layers in their order.
//! - A landing: `attribution::capture` turns a request into a touch.
//! - A report: `attribution::report` computes what the admin pages show.
//!
//! # Server and browser
//!
//! The feature `ssr` builds the server. The feature `hydrate` builds what the browser gets, which is much less: the modules
//! without `cfg(feature = "ssr")`. Pages render on the server and work without a script. In the browser, only islands run: those of
//! [`components::islands`], and [`admin::inspector`].

// The type of a page names all its elements. Computing its layout goes deeper than the compiler's limit of 128.
#![recursion_limit = "256"]

/// Limits by address, counted in memory.
#[cfg(feature = "ssr")]
pub mod address_limit;
/// The dashboard: one file a page, and its CSV files.
#[cfg(feature = "ssr")]
pub mod admin;
/// When the system gets free memory back.
#[cfg(feature = "ssr")]
pub mod allocator;
/// The dashboard. In the browser, only the inspector's island.
#[cfg(not(feature = "ssr"))]
pub mod admin {
    pub mod inspector;
}
/// The HTML document around every page, and the routes.
#[cfg(feature = "ssr")]
pub mod app;
/// Where visitors came from, and the credit for it. The core of Waymark.
pub mod attribution;
/// The audit log: what admins, sign-ins and the command line changed.
#[cfg(feature = "ssr")]
pub mod audit;
/// Accounts, passwords, signed-in sessions, and the server functions of their forms.
#[cfg(feature = "ssr")]
pub mod auth;
/// Backups of the database, and restoring them.
#[cfg(feature = "ssr")]
pub mod backup;
/// Text from an address, made safe to store and to show.
pub mod clean_text;
/// What pages are made of: frames, forms, tables, charts, islands.
pub mod components;
/// The settings of the server, from environment variables.
#[cfg(feature = "ssr")]
pub mod config;
/// The cookies that this site sets: one reader and one writer.
#[cfg(feature = "ssr")]
mod cookie;
/// SQLite and PostgreSQL, used in one way.
#[cfg(feature = "ssr")]
pub mod db;
/// Sample data.
#[cfg(feature = "ssr")]
pub mod demo;
/// Hosts in addresses that browsers send.
mod host;
/// The ids of users, visitors, touches, conversions and API tokens: a type for each.
#[cfg(feature = "ssr")]
pub mod id;
/// Moving in from django-utm-tracker: its leads become touches.
#[cfg(feature = "ssr")]
pub mod import;
/// Work in the background: what a request causes, and what runs on one replica at a time.
#[cfg(feature = "ssr")]
pub mod jobs;
/// A path that cannot lead to another site.
#[cfg(feature = "ssr")]
mod local_path;
/// Sending mail.
#[cfg(feature = "ssr")]
pub mod mail;
/// The query parameters of this site's own pages.
#[cfg(feature = "ssr")]
mod page_parameters;
/// The public pages, one file each.
#[cfg(feature = "ssr")]
pub mod pages;
/// How long data is kept, and exporting and erasing the data of a user.
#[cfg(feature = "ssr")]
pub mod privacy;
/// The example to copy: projects of a user.
#[cfg(feature = "ssr")]
pub mod projects;
/// Random numbers: repeatable ones for samples, the operating system's for secrets.
#[cfg(feature = "ssr")]
pub mod random;
/// Random texts that prove who sends them. The database keeps only their digests.
#[cfg(feature = "ssr")]
pub mod secret_token;
/// The router with all its layers; starting and stopping.
#[cfg(feature = "ssr")]
pub mod server;
/// The site's name.
pub mod site;
/// What every request can reach.
#[cfg(feature = "ssr")]
pub mod state;
/// A moment in time, as a type that is neither a number nor a duration.
pub mod timestamp;
/// The lock on a user's row.
#[cfg(feature = "ssr")]
pub mod user_lock;
/// Finds users by a part of their e-mail address.
#[cfg(feature = "ssr")]
pub mod user_search;
/// Reading environment variables.
#[cfg(feature = "ssr")]
pub mod variables;
/// The visitor that a session knows, and linking a visitor to a user.
#[cfg(feature = "ssr")]
pub mod visitor;
/// Enums whose variants are each written as one fixed text.
#[cfg(feature = "ssr")]
mod word_enum;

/// The browser's entry point. The script of the document calls this function, then starts each island.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
