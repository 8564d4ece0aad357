/// What a request says of an arrival, and whether it counts.
pub mod arrival;
/// What pages say of the browser's address: `POST /api/touch`.
pub mod beacon;
/// Which user agents are programs; data.
pub mod bots;
/// The form by which visitors decide: `POST /api/consent`.
pub mod consent_form;
/// A landing's touch on its way through pages, until its visitor decides.
mod consent_handoff;
/// What did not count, by day and reason.
pub mod counters;
/// Touches that wait to be stored.
mod deferred;
/// Why a request is not an arrival.
pub mod exclusion;
/// [`LeadSourceLayer`](lead_source_layer::LeadSourceLayer): linking visitors to users, sentinel values.
pub mod lead_source_layer;
/// [`UtmSessionLayer`](session_layer::UtmSessionLayer): a request becomes a touch under the session's visitor.
pub mod session_layer;
