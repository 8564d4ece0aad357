//! The state that every request can use. Axum handlers extract the state; pages and server functions take it from the context
//! (`expect_context::<AppState>()`).

use std::{ops::Deref, sync::Arc};

use axum::extract::FromRef;
use leptos::config::LeptosOptions;

use crate::{
    address_limit::AddressLimit,
    attribution::{
        Attribution,
        capture::{beacon::BeaconLimit, consent_form::ConsentLimit},
        facts::keeper::FactsKeeper,
        referral::UnknownLinkLimit,
    },
    auth::{
        Accounts,
        api_tokens::limits::ReportLimits,
        providers::{
            Providers,
            handlers::{Departures, Desk},
        },
    },
    config::Config,
    db::Db,
    jobs::Jobs,
    mail::Mailer,
};

/// The state of the whole application. Cloning is cheap, and layers clone it for each request.
///
/// A handler that needs one part takes that part as its state: `State<Attribution>`.
#[derive(Clone, Debug)]
pub struct AppState(Arc<StateParts>);

/// The parts of [`AppState`].
#[derive(Debug)]
pub struct StateParts {
    pub db: Db,
    pub config: Arc<Config>,
    /// What accounts need.
    pub accounts: Accounts,
    /// Who else tells the site who a person is.
    pub providers: Providers,
    /// Limits how often each address is sent to a provider.
    pub departures: AddressLimit<Departures>,
    /// What the attribution layers need.
    pub attribution: Attribution,
    /// The worker that runs jobs.
    pub jobs: Jobs,
    /// What hands mail over.
    pub mailer: Mailer,
    /// What reports count from.
    pub facts: FactsKeeper,
    /// Limits the beacons of each address.
    pub beacon_limit: BeaconLimit,
    /// Limits how often each address agrees to be remembered.
    pub consent_limit: ConsentLimit,
    /// Limits the unknown referral links that each address asks for.
    pub referral_limit: UnknownLinkLimit,
    /// Limits what programs report.
    pub report_limits: ReportLimits,
    pub options: LeptosOptions,
}

impl AppState {
    pub fn new(parts: StateParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for AppState {
    type Target = StateParts;

    fn deref(&self) -> &StateParts {
        &self.0
    }
}

impl FromRef<AppState> for Db {
    fn from_ref(state: &AppState) -> Self {
        state.db.clone()
    }
}

impl FromRef<AppState> for Accounts {
    fn from_ref(state: &AppState) -> Self {
        state.accounts.clone()
    }
}

impl FromRef<AppState> for Desk {
    fn from_ref(state: &AppState) -> Self {
        let departures = state.departures.clone();
        Self { providers: state.providers.clone(), accounts: state.accounts.clone(), departures }
    }
}

impl FromRef<AppState> for Attribution {
    fn from_ref(state: &AppState) -> Self {
        state.attribution.clone()
    }
}

impl FromRef<AppState> for BeaconLimit {
    fn from_ref(state: &AppState) -> Self {
        state.beacon_limit.clone()
    }
}

impl FromRef<AppState> for ConsentLimit {
    fn from_ref(state: &AppState) -> Self {
        state.consent_limit.clone()
    }
}

impl FromRef<AppState> for UnknownLinkLimit {
    fn from_ref(state: &AppState) -> Self {
        state.referral_limit.clone()
    }
}

impl FromRef<AppState> for ReportLimits {
    fn from_ref(state: &AppState) -> Self {
        state.report_limits.clone()
    }
}

/// `leptos_axum` takes the options from the state.
impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.options.clone()
    }
}
