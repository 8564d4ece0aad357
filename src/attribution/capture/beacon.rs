//! The beacon: `POST /api/touch`, by which a page's script reports the browser's address.
//!
//! The beacon is for what the server cannot see:
//! - a query that a CDN removed, a page from a cache, and `#utm_…`, which browsers never send,
//! - a page that the browser loaded ahead, and that a person opens: no further request comes,
//! - the touch of a second first tab, whose visitor the browser did not keep.
//!
//! An arrival that the server did see is not counted again, because the page says which touch its request made ([`page_arrival`]).
//! A page that says nothing was made for everybody. For such a page the beacon sends query and fragment apart, so that the server
//! can find the touch of the query, and complete this touch if the fragment says more.
//!
//! [`page_arrival`]: super::page_arrival

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{Extension, RawForm, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use tower_sessions::Session;
use tracing::error;

use super::{
    Attribution,
    arrival::{Arrival, forbids_capture, is_from_our_page, told_arrival},
    deferred::{self, DeferredTouch},
    exclusion::Exclusion,
    page_arrival::{PageSays, TouchToken},
    recorder::StoredUnder,
};
use crate::{
    address_limit::{AddressLimit, ClientAddress, Limited, too_many},
    attribution::{
        consent::{Consent, consent},
        settings::Settings,
        touch::{Landing, Touch, TouchOrigin, complete::of_page, store::StoreMode},
    },
    cookie,
    local_path::LocalPath,
    timestamp::Timestamp,
    visitor,
};

/// What the page sends, as a form. Unknown fields are ignored.
#[derive(Debug, Default)]
struct Beacon {
    /// The path of the address.
    path: String,
    /// What stands after the `?` of the address.
    query: String,
    /// What stands after the `#` of the address.
    fragment: String,
    /// The page that linked here.
    referrer: String,
    /// What the page says about its own request.
    page: PageSays,
}

impl Beacon {
    fn parse(form: &[u8]) -> Self {
        let mut beacon = Self::default();
        for (name, value) in form_urlencoded::parse(form) {
            if name == "arrival" {
                beacon.page = PageSays::parse(&value);
            }
            let field = match &*name {
                "path" => &mut beacon.path,
                "query" => &mut beacon.query,
                "fragment" => &mut beacon.fragment,
                "referrer" => &mut beacon.referrer,
                _ => continue,
            };
            *field = value.into_owned();
        }
        beacon
    }

    /// Returns the touch that the beacon reports at the time `now`, or `None` if the address has no signal.
    ///
    /// Errors: why the arrival does not count.
    fn read(&self, headers: &HeaderMap, settings: &Settings, now: Timestamp) -> Result<Option<Told>, Exclusion> {
        let Some(path) = LocalPath::parse(&self.path) else { return Ok(None) };
        // The server sees referrers itself, so a beacon counts only for what the address says. A page that was loaded ahead did
        // not count for its referrer either.
        let by_referrer = self.page == PageSays::LoadedAhead;
        let link = |query: &str| {
            told_arrival(headers, path.as_str(), query, &self.referrer, settings)
                .filter(|arrival| by_referrer || arrival.landing.origin == TouchOrigin::Link)
        };
        let touch = |landing: Landing| Touch::new(landing, now, &settings.rules);
        let whole = match &*self.fragment {
            "" => link(&self.query),
            fragment => link(&format!("{}&{fragment}", self.query)),
        };
        match whole {
            None => Ok(None),
            Some(Arrival { exclusion: Some(why), .. }) => Err(why),
            Some(Arrival { landing, exclusion: None }) => {
                let seen = link(&self.query).map(|arrival| touch(arrival.landing).fingerprint());
                Ok(Some(Told { touch: touch(landing), seen }))
            }
        }
    }

    fn told(&self, attribution: &Attribution, headers: &HeaderMap) -> Option<Told> {
        self.read(headers, &attribution.settings, attribution.db.now()).unwrap_or_else(|why| {
            attribution.count_excluded(why);
            None
        })
    }
}

/// What a beacon tells.
#[derive(Debug)]
pub struct Told {
    pub touch: Touch,
    /// The fingerprint of the touch that the server may have made of the same arrival.
    pub seen: Option<i64>,
}

/// Returns what a beacon's form tells, and counts an arrival that does not count.
pub fn told(attribution: &Attribution, form: &[u8], headers: &HeaderMap) -> Option<Told> {
    Beacon::parse(form).told(attribution, headers)
}

/// Beacons of one address. Each page sends a beacon, and many people may share an address.
#[derive(Clone, Copy, Debug)]
pub struct Beacons;

impl Limited for Beacons {
    const MOST: u32 = 300;
    const WINDOW: Duration = Duration::from_secs(60);
}

/// Counts beacons by address.
pub type BeaconLimit = AddressLimit<Beacons>;

/// Returns 204 whether a touch was stored or not, 403 to pages of other sites, and 429 to an address over its limit.
pub async fn receive(
    State(attribution): State<Attribution>,
    State(limit): State<BeaconLimit>,
    Extension(session): Extension<Session>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Response {
    if !is_from_our_page(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    if let Some(wait) = limit.wait_or_count(address) {
        return too_many("beacon", wait);
    }
    record(&attribution, &session, address, &headers, &form).await
}

async fn record(
    attribution: &Attribution,
    session: &Session,
    address: IpAddr,
    headers: &HeaderMap,
    form: &Bytes,
) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let settings = &attribution.settings;
    if consent(headers, settings) != Consent::Given || forbids_capture(headers, settings) {
        return response;
    }
    let beacon = Beacon::parse(form);
    let told = beacon.told(attribution, headers);
    let mode = match beacon.page {
        PageSays::Counted(token) => {
            if let Some(token) = token {
                bring(attribution, session, headers, token, told.map(|told| told.touch)).await;
            }
            return response;
        }
        PageSays::LoadedAhead => StoreMode::LoadedAhead,
        PageSays::Nothing => StoreMode::Beacon { seen: told.as_ref().and_then(|told| told.seen) },
    };
    let Some(Told { touch, .. }) = told else { return response };
    if !attribution.admits(session, Some(address), 1) {
        return response;
    }
    let touch = Arc::new(touch);
    match attribution.store(session, touch.clone(), mode).await {
        Ok(StoredUnder { started, .. }) => {
            started.map(|started| response.extensions_mut().insert(started));
        }
        Err(error) => {
            error!(%error, "a beacon's touch could not be stored, and waits in a cookie");
            let mut waiting = deferred::read(headers, settings.secure);
            waiting.push(DeferredTouch::of(&touch));
            let (set_cookie, _) = deferred::set_cookie(&waiting, settings.secure);
            cookie::append(response.headers_mut(), &set_cookie);
        }
    }
    response
}

/// Brings what the beacon tells to the touch of the page's request. An error loses what the address said beyond the request. The
/// touch itself is stored.
async fn bring(
    attribution: &Attribution,
    session: &Session,
    headers: &HeaderMap,
    token: TouchToken,
    told: Option<Touch>,
) {
    // An unreadable session may be another visitor's.
    let Ok(kept) = visitor::get(session).await else { return };
    let proves = |visitor| TouchToken::new(token.touch, visitor, headers) == token;
    let kept = kept.map(|visitor| visitor.id);
    if let Err(error) = of_page(&attribution.db, token.touch, proves, kept, told).await {
        error!(%error, "what a beacon told about a stored touch could not be stored");
    }
}
