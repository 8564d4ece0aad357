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

/// Campaign names that stand for another in reports.
#[cfg(feature = "ssr")]
pub mod aliases;
#[cfg(feature = "ssr")]
/// What a request says of an arrival, and whether it counts.
pub mod arrival;
/// What pages say of the browser's address: `POST /api/touch`.
#[cfg(feature = "ssr")]
pub mod beacon;
/// Which user agents are programs; data.
pub mod bots;
/// [`UtmSessionLayer`](capture::UtmSessionLayer): a request becomes a touch under the session's visitor.
#[cfg(feature = "ssr")]
pub mod capture;
/// A landing's touch on its way through pages, until its visitor decides.
#[cfg(feature = "ssr")]
mod carry;
/// A touch's channel; the rules are data.
pub mod channel;
mod clean;
/// Click ids and what they imply; data.
pub mod click_ids;
/// What a visitor decided about being remembered.
#[cfg(feature = "ssr")]
pub mod consent;
/// Conversions: recorded once, refunded at most once over.
#[cfg(feature = "ssr")]
pub mod conversion;
/// Reading attribution's own cookies.
#[cfg(feature = "ssr")]
mod cookie;
/// What did not count, by day and reason.
#[cfg(feature = "ssr")]
pub mod counters;
/// Credit learnt from many paths: Markov removal effects and Shapley values, over channels.
pub mod data_driven;
/// The form by which visitors decide: `POST /api/consent`.
#[cfg(feature = "ssr")]
pub mod decide;
/// Whether a request is a person's arrival.
#[cfg(feature = "ssr")]
pub mod eligibility;
/// Host patterns: which hosts a data file means.
mod hosts;
#[cfg(feature = "ssr")]
/// [`LeadSourceLayer`](lead_source::LeadSourceLayer), linking visitors to users, sentinel values.
pub mod lead_source;
/// How a conversion's credit is shared among the touches before it, by a rule.
pub mod models;
/// A query string's UTM fields, click ids and tags.
pub mod params;
#[cfg(feature = "ssr")]
/// Touches that wait for the database.
mod pending;
/// Giving stored touches the channel that today's rules say.
#[cfg(feature = "ssr")]
pub mod reclassify;
/// Referral links: `/r/{token}`.
#[cfg(feature = "ssr")]
pub mod referral;
/// The `Referer` header's host and path.
pub mod referrer;
/// What a referrer says of where a visitor came from; data.
pub mod referrer_source;
/// What the admin pages ask.
#[cfg(feature = "ssr")]
pub mod report;
/// The owner's rules, before the built-in ones.
pub mod rules;
/// Source names and hosts by kind; data.
pub mod sources;
/// Keeping touches: once each, under their visitor.
#[cfg(feature = "ssr")]
pub mod store;
/// Custom tags: the parameters that the owner named.
pub mod tags;
/// A touch and its row.
#[cfg(feature = "ssr")]
pub mod touch;
/// A touch's tuple as one number.
pub mod tuple;
/// The visitor, as the session knows it.
#[cfg(feature = "ssr")]
pub mod visitor;

pub use clean::clean;

#[cfg(feature = "ssr")]
mod settings {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::counters::Counters;
    use crate::{address_limit::AddressLimit, config::Config, db::Db};

    /// What the layers need.
    #[derive(Clone, Debug)]
    pub struct Attribution {
        pub db: Db,
        pub config: Arc<Config>,
        /// What did not count, by reason.
        pub counters: Counters,
        /// New visitors of an address, in this process.
        pub new_visitors: AddressLimit,
    }

    /// A request extension: who is signed in. Authentication sets it, outside the attribution layers.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SignedInUser(pub Uuid);

    /// A response extension: the session ended, and its cookie with it.
    #[derive(Clone, Copy, Debug)]
    pub struct EndedSession;

    /// A response extension: the id of a session that attribution began, for the cookie even where the page failed.
    #[derive(Clone, Debug)]
    pub struct StartedSession(pub String);
}

#[cfg(feature = "ssr")]
pub use settings::{Attribution, EndedSession, SignedInUser, StartedSession};
