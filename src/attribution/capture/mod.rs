//! A request becomes a touch.
//!
//! 1. [`session_layer`] asks for a [`plan`]: what the request means, decided once from its head.
//! 2. The plan reads the [`arrival`]: signals or a referrer, and whether there is an [`exclusion`].
//! 3. The [`recorder`] stores the touch under the session's visitor. A touch that the database does not take is [`deferred`].
//!
//! Three more ways lead to the recorder: values that a handler seeds ([`lead_source_layer`]), the [`beacon`] and the
//! [`consent_form`].

/// What a request says about where its visitor came from, and whether that counts.
pub mod arrival;
/// What pages say of the browser's address: `POST /api/touch`.
pub mod beacon;
/// Which user agents are programs; data.
pub mod bots;
/// The form by which visitors decide: `POST /api/consent`.
pub mod consent_form;
/// Before consent: the landing travels in the address of the next page.
pub mod consent_handoff;
/// What did not become a touch, by day and reason.
pub mod counters;
/// A touch that waits in a cookie, a form or an address.
mod deferred;
/// Why a request is not an arrival.
pub mod exclusion;
/// [`LeadSourceLayer`](lead_source_layer::LeadSourceLayer): links visitors to users, and stores what handlers seed.
pub mod lead_source_layer;
/// What a request means for attribution, decided once.
mod plan;
/// [`Attribution`]: stores touches under the session's visitor, and counts what was not stored.
mod recorder;
/// [`UtmSessionLayer`](session_layer::UtmSessionLayer): carries out the plan before the handler runs.
pub mod session_layer;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

pub use self::recorder::{Attribution, NewVisitorLimit};
use crate::id::UserId;

/// A request extension: who is signed in. Authentication sets it, outside the attribution layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedInUser(pub UserId);

/// A request extension: a handler marks it where it ends the session. The session's cookie is then removed with the response.
#[derive(Clone, Debug, Default)]
pub struct EndedSession(Arc<AtomicBool>);

impl EndedSession {
    pub fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_marked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A response extension: the id of a session that attribution began. The cookie is then set even where the page failed.
#[derive(Clone, Debug)]
pub struct StartedSession(pub String);
