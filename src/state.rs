//! What every request can reach: handlers as axum state, pages as context (`expect_context::<AppState>()`).

use std::sync::Arc;

use axum::extract::FromRef;
use leptos::config::LeptosOptions;

use crate::{
    auth::{password::Hasher, throttle::AddressLimit},
    config::Config,
    db::Db,
};

#[derive(Clone, Debug, FromRef)]
pub struct AppState {
    pub db: Db,
    pub config: Arc<Config>,
    pub hasher: Hasher,
    /// Sign-in attempts of an address, in this process.
    pub sign_in_limit: AddressLimit,
    pub options: LeptosOptions,
}
