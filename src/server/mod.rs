//! The server: one router with all its layers, and how it starts and stops.
//!
//! [`router`] holds the routes and, in one function, the order of all layers. Each layer's file is named after what the layer does.

/// What runs the jobs that requests cause.
pub mod background;
/// No cache keeps what belongs to one person.
mod cache_control;
/// Declares text as UTF-8.
mod charset;
/// The network address of the client.
mod client_address;
/// Accepting connections, with deadlines and a limit for each client; stopping.
pub mod connections;
/// `POST /api/conversions`.
mod conversions;
/// The content security policy.
mod csp;
/// `GET /dev/mail`, in development builds only.
#[cfg(debug_assertions)]
mod dev_mail;
/// A body for errors that no page rendered.
mod error_pages;
/// The steps of every request and every response outside the routes.
mod front;
/// A response's body that holds something until it is sent.
mod guarded_body;
/// `GET /healthz` and `GET /readyz`.
pub mod health;
/// Work that the server repeats while it serves.
mod housekeeping;
/// Bounds how many lines an event writes to the log.
mod log_flood;
/// What is logged, and what never is.
pub mod logging;
/// Counts and times requests.
mod measure;
/// Refuses requests beyond a limit.
mod overload;
/// `GET /api/reports/campaigns.csv`.
mod reports;
/// The id of a request.
mod request_id;
/// Refuses requests whose target is not the address of a page.
mod request_target;
/// Lets only admins open admin pages, and only signed-in users account pages.
mod require_role;
/// Routes and layers.
pub mod router;
/// From the configuration to a running server.
pub mod run;
/// Headers that tell browsers what to refuse.
mod security_headers;
/// What all server functions have in common.
mod server_fns;
/// The sessions' cookie, and the layer that loads session and user.
mod sessions;
/// Shares a service among requests.
mod shared;
/// A short way for pages that need no session and store nothing.
mod short_way;
/// Files of the built site.
mod static_files;
/// The server's orderly end.
mod stop;
/// Starts background work again after it failed.
mod supervise;
/// Traces for OpenTelemetry.
mod traces;
/// Addresses that standards fix.
mod well_known;
/// Code that a library's release will make unnecessary.
mod workarounds;
