use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use self::counters::Counters;
use super::settings::Settings;
use crate::{
    address_limit::{AddressLimit, Limited},
    db::Db,
    id::UserId,
};

/// What a request says of an arrival, and whether it counts.
pub mod arrival;
/// What pages say of the browser's address: `POST /api/touch`.
pub mod beacon;
/// Which user agents are programs; data.
pub mod bots;
/// The form by which visitors decide: `POST /api/consent`.
pub mod consent_form;
/// A landing's touch on its way through pages, until its visitor decides.
pub(crate) mod consent_handoff;
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

/// What the layers need.
#[derive(Clone, Debug)]
pub struct Attribution {
    pub db: Db,
    pub settings: Arc<Settings>,
    /// What did not count, by reason.
    pub counters: Counters,
    /// New visitors of an address, counted in this process.
    pub new_visitors: NewVisitorLimit,
}

/// New visitors of one address, each of whom is a row: more than people bring together, fewer than fill a disk.
#[derive(Clone, Copy, Debug)]
pub struct NewVisitors;

impl Limited for NewVisitors {
    const MOST: u32 = 1_000;
    const WINDOW: Duration = Duration::from_secs(10 * 60);
}

/// Counts new visitors by address.
pub type NewVisitorLimit = AddressLimit<NewVisitors>;

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
