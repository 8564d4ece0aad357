//! The beacon: `POST /api/touch`, by which a page says what stands in the browser's address.
//!
//! It is for what the server cannot see: a query that a CDN took away or whose page came from a cache, and `#utm_…`, which browsers
//! never send. What the server did see is not counted again: the beacon says what it read from the query and what from the
//! fragment, so that the touch of the page itself is found, and completed where the fragment said more.

use std::{net::IpAddr, time::Duration};

use axum::{
    Form,
    extract::{Extension, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tower_sessions::Session;
use tracing::error;

use super::{
    arrival::{Head, is_page_of},
    deferred::{self, Waiting},
    session_layer::Storing,
};
use crate::{
    address_limit::{AddressLimit, ClientAddress, Limited},
    attribution::{
        Attribution,
        consent::{Consent, consent},
        touch::{Origin, Touch},
    },
};

/// What the page sends, as a form.
#[derive(Debug, Default, Deserialize)]
pub struct Beacon {
    /// The address' path.
    #[serde(default)]
    path: String,
    /// What stands after its `?`.
    #[serde(default)]
    query: String,
    /// What stands after its `#`.
    #[serde(default)]
    fragment: String,
    /// The page that linked here.
    #[serde(default)]
    referrer: String,
}

impl Beacon {
    /// Reads one that waited in a form. What makes no sense says nothing.
    pub(crate) fn parse(text: &str) -> Self {
        let mut beacon = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
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
}

/// Beacons of one address. A page sends one, and many people may share an address.
#[derive(Clone, Copy, Debug)]
pub struct Beacons;

impl Limited for Beacons {
    const MOST: u32 = 300;
    const WINDOW: Duration = Duration::from_secs(60);
}

/// Counts beacons by address.
pub type BeaconLimit = AddressLimit<Beacons>;

/// Answers 204 whether there was something to count or not, 403 to other sites' pages and 429 to a flood.
pub async fn receive(
    State(attribution): State<Attribution>,
    State(limit): State<BeaconLimit>,
    Extension(session): Extension<Session>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    headers: HeaderMap,
    Form(beacon): Form<Beacon>,
) -> Response {
    if !is_from_our_page(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    if !limit.admits(address) {
        let seconds = limit.wait_of(address).map_or(1, |wait| wait.as_secs() + 1);
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())]).into_response();
    }
    attribution.receive(&session, address, &headers, &beacon).await
}

/// Whether a page of this very origin sent it. A browser says so; what is no browser has no business here.
fn is_from_our_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => is_page_of(origin, text("host").unwrap_or_default()),
        (None, None) => false,
    }
}

impl Attribution {
    /// The touch that a beacon says, and the fingerprint of what the server may have seen of it. `None` where it says nothing.
    pub(crate) fn read_beacon(&self, headers: &HeaderMap, beacon: &Beacon) -> Option<(Touch, Option<i64>)> {
        if !beacon.path.starts_with('/') || !beacon.path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let whole = match (beacon.query.as_str(), beacon.fragment.as_str()) {
            (query, "") => query.to_owned(),
            (query, fragment) => format!("{query}&{fragment}"),
        };
        // a page that linked here is the server's to see: a beacon is sent for what an address says
        let said = |query: &str| {
            self.said(headers, &beacon.path, query, &beacon.referrer).filter(|examined| examined.origin == Origin::Link)
        };
        let examined = said(&whole)?;
        if let Some(why) = examined.ignored {
            self.count_ignored(why);
            return None;
        }
        let seen = said(&beacon.query).map(|seen| self.touch(&seen, &beacon.path).fingerprint());
        Some((self.touch(&examined, &beacon.path), seen))
    }

    async fn receive(&self, session: &Session, address: IpAddr, headers: &HeaderMap, beacon: &Beacon) -> Response {
        let mut response = StatusCode::NO_CONTENT.into_response();
        if consent(headers, &self.settings) != Consent::Given {
            return response;
        }
        let Some((touch, seen)) = self.read_beacon(headers, beacon) else { return response };
        if session.id().is_none() && !self.admits(Some(address)) {
            return response;
        }
        let waiting = Waiting::of(&touch);
        match self.try_capture(session, touch, Storing::Beacon { seen }).await {
            Ok((_, Some(started))) => {
                response.extensions_mut().insert(started);
            }
            Ok((_, None)) => {}
            Err(error) => {
                error!(%error, "a beacon's touch could not be stored, and waits in a cookie");
                let mut all = deferred::read(headers, self.settings.secure);
                all.push(waiting);
                // base64 and our own words
                if let Ok(cookie) = HeaderValue::from_str(&deferred::set_cookie(&all, self.settings.secure).0) {
                    response.headers_mut().append(header::SET_COOKIE, cookie);
                }
            }
        }
        response
    }

    /// What an address says, as if the browser had asked for it with that query.
    pub(crate) fn said(
        &self,
        headers: &HeaderMap,
        path: &str,
        query: &str,
        referrer: &str,
    ) -> Option<super::arrival::Examined> {
        let mut asked = HeaderMap::new();
        for name in [header::HOST, header::USER_AGENT] {
            if let Some(value) = headers.get(&name) {
                asked.insert(name, value.clone());
            }
        }
        if let Some(value) = headers.get("sec-gpc") {
            asked.insert("sec-gpc", value.clone());
        }
        asked.insert(header::ACCEPT, HeaderValue::from_static("text/html"));
        if let Ok(value) = HeaderValue::from_str(referrer) {
            asked.insert(header::REFERER, value);
        }
        self.examine(Head { method: &Method::GET, path, query: Some(query), headers: &asked })
    }
}
