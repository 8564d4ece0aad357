//! The server: one router with all its layers, and how it starts and stops.
//!
//! [`router`] holds the routes and, in one function, the order of all layers. Each layer's file is named after what the layer does.

/// No cache keeps what belongs to one person.
mod cache_control;
/// Text says that it is UTF-8.
mod charset;
/// Whose request it is, by its network address.
mod client_address;
/// `POST /api/conversions`.
mod conversions;
/// The content security policy.
mod csp;
/// A body for errors that no page rendered.
mod error_pages;
/// `GET /healthz` and `GET /readyz`.
pub mod health;
/// What has to be done now and then.
mod housekeeping;
/// What is logged, and what never is.
pub mod logging;
/// Too many requests at once are refused at once.
mod overload;
/// Requests whose target is no page's address are refused.
mod request_target;
/// Admin pages are for admins, account pages for members.
mod require_role;
/// Routes and layers.
pub mod router;
/// From the configuration to a running server, and its orderly end.
pub mod run;
/// Headers that tell browsers what to refuse.
mod security_headers;
/// What all server functions have in common.
mod server_fns;
/// The sessions' cookie, and the layer that loads session and user.
mod sessions;
/// Files of the built site.
mod static_files;
/// Addresses that standards fix.
mod well_known;
/// What stands here until a library's release.
mod workarounds;

pub use self::workarounds::serve;
