//! What every request can reach: handlers as axum state, pages as context (`expect_context::<AppState>()`).

use std::{ops::Deref, sync::Arc};

use axum::extract::FromRef;
use leptos::config::LeptosOptions;

use crate::{address_limit::AddressLimit, attribution::Attribution, auth::password::Hasher, config::Config, db::Db};

/// Cheap to clone: every layer of a request does.
#[derive(Clone, Debug)]
pub struct AppState(Arc<Shared>);

#[derive(Debug)]
pub struct Shared {
    pub db: Db,
    pub config: Arc<Config>,
    pub hasher: Hasher,
    /// Failed sign-ins of an address, in this process.
    pub sign_in_limit: AddressLimit,
    /// What the attribution layers need.
    pub attribution: Attribution,
    /// Beacons of an address, in this process.
    pub beacon_limit: AddressLimit,
    pub options: LeptosOptions,
}

impl AppState {
    pub fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl FromRef<AppState> for Db {
    fn from_ref(state: &AppState) -> Self {
        state.db.clone()
    }
}

/// The beacon asks for it.
impl FromRef<AppState> for AddressLimit {
    fn from_ref(state: &AppState) -> Self {
        state.beacon_limit.clone()
    }
}

/// Leptos asks for it.
impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.options.clone()
    }
}

impl FromRef<AppState> for Attribution {
    fn from_ref(state: &AppState) -> Self {
        state.attribution.clone()
    }
}
