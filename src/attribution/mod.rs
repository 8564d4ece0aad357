//! Attribution records where visitors came from, from the first request on, and links each visitor to the user who signs up.
//!
//! This module writes no HTML and imports nothing from pages. To use attribution in another application, take the module with
//! its migrations and the small modules that it imports (`tests/architecture.rs` lists them).
//!
//! What always holds:
//! - A landing is answered after its touch is stored. If the database is down, the touch waits in a cookie.
//! - A touch counts once and belongs to one visitor. The first sign-in links the visitor to a user, and the link never changes.
//! - A failure here is logged, and the page is served.
//! - A visit without a signal leaves no row and no cookie, and costs no query.

/// Merged campaign names: reports show an alias as its campaign.
#[cfg(feature = "ssr")]
pub mod campaign_alias;
/// A request becomes a touch: the decision, the recorder, and the layers and endpoints that use them.
#[cfg(feature = "ssr")]
pub mod capture;
/// The channel of a touch, decided by a table of rules.
#[cfg(feature = "ssr")]
pub mod channel;
/// What a visitor decided about consent.
#[cfg(feature = "ssr")]
pub mod consent;
/// Conversions: each is recorded once, and its refunds never exceed its value.
#[cfg(feature = "ssr")]
pub mod conversion;
/// A narrow copy of touches, links and conversions in memory, from which reports count.
#[cfg(feature = "ssr")]
pub mod facts;
/// The models that share a conversion's credit among the touches before the conversion.
#[cfg(feature = "ssr")]
pub mod model;
/// Referral links: `/r/{token}`.
#[cfg(feature = "ssr")]
pub mod referral;
/// The queries behind the admin pages.
#[cfg(feature = "ssr")]
pub mod report;
/// The owner's settings: every `ATTRIBUTION_…` variable, and `REFERRAL_CREDIT`.
#[cfg(feature = "ssr")]
pub mod settings;
/// Reads signals from an address and a `Referer` header. The browser uses this module too.
pub mod signal;
/// Finds the platform of a source name or a host; the lists are data files.
#[cfg(feature = "ssr")]
pub mod source;
/// A touch, its visitor, and how each touch is stored once.
#[cfg(feature = "ssr")]
pub mod touch;
/// Reads data files: one row per line, fields separated by tabs.
#[cfg(feature = "ssr")]
mod tsv;

#[cfg(feature = "ssr")]
pub use capture::{Attribution, CaptureLimits, SignedInUser};
