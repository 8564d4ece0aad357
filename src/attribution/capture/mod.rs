//! A request becomes a touch.
//!
//! 1. The [`session_layer`] makes a [`plan`], which decides once, from the request's head, what to do.
//! 2. The plan reads the [`arrival`]: signals or a referrer, and whether there is an [`exclusion`].
//! 3. The [`recorder`] stores the touch under the session's visitor. If the database fails, the touch is [`deferred`].
//!
//! Three more ways lead to the recorder: values that a handler seeds ([`lead_source_layer`]), the [`beacon`] and the
//! [`consent_form`].

/// What a request says about where its visitor came from, and whether that counts.
pub mod arrival;
/// The beacon, by which a page's script reports the browser's address: `POST /api/touch`.
pub mod beacon;
/// Which user agents are programs; the list is a data file.
pub mod bots;
/// The form by which visitors decide about consent: `POST /api/consent`.
pub mod consent_form;
/// Before consent: the landing travels in the address of the next page.
pub mod consent_handoff;
/// Counts of arrivals that did not become a touch, and of parts of links that were left out, by day and reason.
pub mod counters;
/// A touch that waits in a cookie, a form or an address.
mod deferred;
/// Why a request is not an arrival.
pub mod exclusion;
/// [`LeadSourceLayer`](lead_source_layer::LeadSourceLayer): links visitors to users, and stores what handlers seed.
pub mod lead_source_layer;
/// Parts of links that are left out, and their counters.
pub mod left_out;
/// How much one network address may store.
mod limits;
/// What a page says about its own arrival, for the page's beacon.
pub mod page_arrival;
/// Decides once what a request means for attribution.
mod plan;
/// [`Attribution`]: stores touches under the session's visitor, and counts what was not stored.
mod recorder;
/// [`UtmSessionLayer`](session_layer::UtmSessionLayer): carries out the plan before the handler runs.
pub mod session_layer;
/// Recognizes the answer of an identity provider by the parameters of a request.
mod sign_in_answer;

pub use self::{limits::CaptureLimits, recorder::Attribution};
use crate::id::UserId;

/// A request extension: the signed-in user. Authentication sets this extension, outside the attribution layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedInUser(pub UserId);
