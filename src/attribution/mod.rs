//! Attribution: where visitors came from, kept from the first moment and tied to the user who signs up.
//!
//! This module knows nothing of pages, forms or HTML. Take it together with its migrations to have attribution elsewhere;
//! delete it to have a starter without.
//!
//! What always holds:
//! - Once a landing is answered, its touch is in the database.
//! - A touch counts once and belongs to one visitor; a visitor belongs to at most one user, for good.
//! - Whatever fails here is logged and counted, and the page is served.
//! - No signal, no row, no cookie, no query.

/// Names of campaigns that reports show as another campaign.
#[cfg(feature = "ssr")]
pub mod campaign_alias;
/// A request becomes a touch: the decision, the recorder, and the layers and forms that use them.
#[cfg(feature = "ssr")]
pub mod capture;
/// One channel for every touch; the rules are data.
#[cfg(feature = "ssr")]
pub mod channel;
/// What a visitor decided about being remembered.
#[cfg(feature = "ssr")]
pub mod consent;
/// What a user did that counts: recorded once, refunded at most once over.
#[cfg(feature = "ssr")]
pub mod conversion;
/// Sharing a conversion's credit among the touches before it.
#[cfg(feature = "ssr")]
pub mod model;
/// Links that bring people: `/r/{token}`.
#[cfg(feature = "ssr")]
pub mod referral;
/// What the admin pages ask.
#[cfg(feature = "ssr")]
pub mod report;
/// What the owner sets: every `ATTRIBUTION_…` variable.
#[cfg(feature = "ssr")]
pub mod settings;
/// What an address and a `Referer` say. The browser shares this module.
pub mod signal;
/// Which platform a source name or a host is; data.
#[cfg(feature = "ssr")]
pub mod source;
/// A touch, its visitor, and storing it once.
#[cfg(feature = "ssr")]
pub mod touch;
/// Reading data files: one row a line, fields separated by tabs.
#[cfg(feature = "ssr")]
mod tsv;

#[cfg(feature = "ssr")]
pub use capture::{Attribution, EndedSession, NewVisitorLimit, SignedInUser, StartedSession};
