//! The server: one router with all its layers, and how it starts and stops.

mod api;
mod client_address;
mod conversions;
mod cookies;
mod error_pages;
mod guard;
mod headers;
pub mod health;
mod housekeeping;
pub mod logging;
mod overload;
pub mod router;
pub mod run;
pub mod serve;
pub mod session_store;
mod static_files;
mod targets;
mod well_known;
