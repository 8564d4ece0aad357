//! The form of the consent banner and of the privacy page: `POST /api/consent`.
//!
//! Agreeing stores the landing's touch, which waited in the form, with the time of the landing. A form that the browser sends
//! again counts as a repeat of the touch. Declining stops capture at once, and removes the touches of a visitor without an account.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Form,
    extract::{Extension, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tower_sessions::Session;
use tracing::error;

use super::{
    Attribution, SignedInUser,
    arrival::asks_for_privacy,
    beacon::{Told, told},
    consent_handoff,
    deferred::{self, DeferredTouch, LANDING_MAX_AGE},
    exclusion::is_machine,
    recorder::{CaptureError, StoredUnder},
};
use crate::{
    address_limit::{AddressLimit, ClientAddress, Limited, too_many},
    attribution::{
        consent::{self, log},
        settings::Settings,
        signal::without_signals,
        touch::{Touch, store::StoreMode},
    },
    cookie::{self, EndedSession, StartedSession},
    local_path::LocalPath,
    timestamp::Timestamp,
    visitor,
};

/// What the form sends.
#[derive(Debug, Deserialize)]
pub struct ConsentForm {
    /// `yes` or `no`.
    choice: String,
    /// The touch that waits, as [`DeferredTouch::encoded`] wrote it into the page.
    #[serde(default)]
    landing: String,
    /// What the page's script read from the address, in the form of a beacon. The query may not have reached the server.
    #[serde(default)]
    beacon: String,
    /// When the page was made.
    #[serde(default)]
    at: Timestamp,
    /// The path to return to.
    #[serde(default)]
    next: String,
}

/// How often one address agrees. Each change of a stored visitor's decision is a row, and many people may share an address.
#[derive(Clone, Copy, Debug)]
pub struct Agreements;

impl Limited for Agreements {
    const MOST: u32 = 60;
    const WINDOW: Duration = Duration::from_mins(5);
}

/// Counts agreements by address.
pub type ConsentLimit = AddressLimit<Agreements>;

/// Stores the decision and returns 303 back to the page. Returns 429 to an address that agrees too often, 400 if the choice is
/// neither yes nor no, and 503 if the touches of a visitor who declined could not be removed.
pub async fn submit(
    (State(attribution), State(limit)): (State<Attribution>, State<ConsentLimit>),
    Extension(session): Extension<Session>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    user: Option<Extension<SignedInUser>>,
    ended: Option<Extension<EndedSession>>,
    headers: HeaderMap,
    Form(form): Form<ConsentForm>,
) -> Response {
    let (now, settings) = (attribution.db.now(), &*attribution.settings);
    let back = || (StatusCode::SEE_OTHER, [(header::LOCATION, back_to(&form.next, settings))]).into_response();
    let waiting = deferred::read(&headers, settings.secure);
    let (granted, left, mut response) = match &*form.choice {
        "yes" => {
            // Declining is always possible. Declining adds a row only after agreeing, so a limit on agreeing limits both.
            if let Some(wait) = limit.wait_or_count(address) {
                return too_many("consent", wait);
            }
            let mut response = back();
            let agreed = agree(&attribution, &session, &form, &headers, address).await;
            agreed.started.map(|started| response.extensions_mut().insert(started));
            (true, waiting.iter().cloned().chain(agreed.left).collect(), response)
        }
        // Touches that wait for the database are dropped.
        "no" => (
            false,
            Vec::new(),
            match withdraw(&attribution, &session, user.is_some(), now).await {
                Ok(session_ended) => {
                    ended.filter(|_| session_ended).iter().for_each(|ended| ended.mark());
                    back()
                }
                // The decision's cookie is set in any case and stops capture. Only the touches stored before are still there.
                Err(error) => {
                    error!(%error, "the touches of a visitor who declined could not be removed");
                    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")]).into_response()
                }
            },
        ),
        _ => return StatusCode::BAD_REQUEST.into_response(),
    };
    cookie::append(response.headers_mut(), &consent::set_cookie(granted, now, settings.secure));
    if left != waiting {
        cookie::append(response.headers_mut(), &deferred::set_cookie(&left, settings.secure).0);
    }
    response
}

/// The outcome of agreeing.
#[derive(Default)]
struct Agreed {
    /// The session that began.
    started: Option<StartedSession>,
    /// The landing's touch, if it could not be stored.
    left: Option<DeferredTouch>,
}

/// Stores the touch that waited, and the visitor's agreement.
async fn agree(
    attribution: &Attribution,
    session: &Session,
    form: &ConsentForm,
    headers: &HeaderMap,
    address: IpAddr,
) -> Agreed {
    let now = attribution.db.now();
    let mut agreed = Agreed::default();
    let counts = !is_machine(headers) && attribution.admits(session, Some(address), 1);
    let touch = if counts { waiting_touch(attribution, form, headers) } else { None };
    if let Some(touch) = touch {
        let touch = Arc::new(touch);
        match attribution.store(session, touch.clone(), StoreMode::Now).await {
            Ok(StoredUnder { started, .. }) => agreed.started = started,
            Err(error) => {
                error!(%error, "a landing's touch could not be stored with its consent, and waits in a cookie");
                agreed.left = Some(DeferredTouch::of(&touch));
            }
        }
    }
    if let Ok(Some(visitor)) = visitor::get(session).await {
        log::note(&attribution.db, visitor.id, true, now).await;
    }
    agreed
}

/// Returns the touch that waited in the form. The page's script may have seen more of the same arrival than the server.
fn waiting_touch(attribution: &Attribution, form: &ConsentForm, headers: &HeaderMap) -> Option<Touch> {
    let (now, settings) = (attribution.db.now(), &*attribution.settings);
    let waiting = deferred::decode(&form.landing).into_iter().next();
    let landing = waiting.and_then(|waiting| waiting.restore_landing(settings, now, asks_for_privacy(headers)));
    let Some(Told { mut touch, seen }) = told(attribution, form.beacon.as_bytes(), headers) else { return landing };
    match landing {
        Some(landing) if seen.is_none_or(|seen| seen == landing.fingerprint()) => {
            touch = Touch { occurred_at: landing.occurred_at, ..touch.with_seed(landing.seed) };
        }
        // The page is a cached copy that was made for another visitor. Only the address is this visitor's.
        _ => touch.occurred_at = form.at.clamp(touch.occurred_at - LANDING_MAX_AGE, touch.occurred_at),
    }
    Some(touch)
}

/// Removes the touches of a visitor who is not linked to a user, and ends the session unless a user is signed in. Touches of a
/// user stay with the account, where the user can erase them. Returns whether the session ended.
async fn withdraw(
    attribution: &Attribution,
    session: &Session,
    signed_in: bool,
    now: Timestamp,
) -> Result<bool, CaptureError> {
    let Some(visitor) = visitor::get(session).await? else { return Ok(false) };
    if !log::forget(&attribution.db, visitor.id).await? {
        log::note(&attribution.db, visitor.id, false, now).await;
        return Ok(false);
    }
    visitor::unset(session).await?;
    // Without a signed-in user, nothing in the session is needed once the visitor is gone.
    if !signed_in {
        session.flush().await?;
    }
    Ok(!signed_in)
}

/// Returns the page's address without its signals and the carried landing, which the redirect would capture again.
fn back_to(next: &str, settings: &Settings) -> String {
    let Some(next) = LocalPath::parse(next) else { return "/".to_owned() };
    let (path, query) = next.as_str().split_once('?').unwrap_or((next.as_str(), ""));
    match without_signals(&consent_handoff::without_parameter(query), &settings.custom_tags) {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}
