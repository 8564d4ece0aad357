//! The server: one router with all its layers, and how it starts and stops.

mod client_address;
mod conversions;
mod error_pages;
mod headers;
pub mod health;
mod housekeeping;
pub mod logging;
mod overload;
mod request_target;
mod require_role;
pub mod router;
pub mod run;
pub mod serve;
mod server_fns;
mod session_cookie;
pub mod session_store;
mod static_files;
mod well_known;
