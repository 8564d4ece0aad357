//! Refuses requests beyond a limit without delay, so that the other requests are served well.
//!
//! A request waits for its body first ([`body`]), then takes a place ([`places`]), and has the place until its response begins.
//! The response has a place of its own until it is sent ([`sending`]). How many places there are depends on how busy the processor is ([`pace`]).

use std::sync::{Arc, LazyLock};

use axum::{
    body::Bytes,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use self::{
    pace::Pace,
    places::{Place, Places},
};
use super::error_pages::{self, Wanted};
use crate::{
    address_limit::{ClientAddress, UNKNOWN},
    pages::error::static_error_page,
};

/// Reads small bodies before a request takes a place.
mod body;
/// How many places there are.
mod pace;
/// Which addresses have the places.
mod places;
/// Responses that are being sent.
mod sending;

/// How many requests may wait for their bodies at the same time, in all and of one address.
const BODIES: usize = 2_048;
const BODIES_OF_AN_ADDRESS: usize = 128;
/// The fewest places of requests that write. Many of these requests wait for a password's hash and cost the processor nothing
/// meanwhile. `auth::hasher` lets 256 sign-ins and 64 new passwords wait, 320 in all.
const FEWEST_WRITES: usize = 320;
/// How many of them one address may have. Few people at one address send a form in the same second.
const WRITES_OF_AN_ADDRESS: usize = 40;
/// How many files of the built site may be open at the same time, in all and for one address. A file stays open until it is sent.
const FILES: usize = 192;
const FILES_OF_AN_ADDRESS: usize = 48;
/// How many responses may be sent at the same time, in all and to one address.
const RESPONSES: usize = 4_096;
const RESPONSES_OF_AN_ADDRESS: usize = 256;

/// The places of all requests.
#[derive(Debug)]
pub(super) struct Overload {
    pace: Arc<Pace>,
    bodies: Places,
    /// Requests that only read, such as pages. They have places of their own, so that sign-ins that wait for their hashes leave
    /// places to pages.
    reads: Places,
    /// All other requests.
    writes: Places,
    files: Places,
    /// Responses that are being sent.
    responses: Places,
}

impl Overload {
    pub(super) fn new() -> Self {
        Self {
            pace: Pace::start(),
            bodies: Places::default(),
            reads: Places::default(),
            writes: Places::default(),
            files: Places::default(),
            responses: Places::default(),
        }
    }
}

/// The places of a request that is served.
#[derive(Debug)]
pub(super) struct Admission {
    /// The request's place, and the place of its response. Health checks need none.
    places: Option<(Place, Place)>,
    is_file: bool,
}

impl Overload {
    /// Returns the request, with its whole body, if there is a place for it. An address has a share of the places, if the address
    /// is one client's.
    ///
    /// Errors: the response to a request that is not served.
    pub(super) async fn admit(&self, request: Request) -> Result<(Request, Admission), Response> {
        let path = request.uri().path();
        if matches!(path, "/healthz" | "/readyz") {
            // A busy server is still healthy, so a health check needs no place.
            return Ok((request, Admission { places: None, is_file: false }));
        }
        let address = request.extensions().get().map_or(UNKNOWN, |ClientAddress(address)| *address);
        let take = |places: &Places, most: usize, share: usize| {
            places.take(address, most, if address == UNKNOWN { most } else { share })
        };
        let wanted = Wanted::by(&request);
        let (is_file, writes) = (path.starts_with("/pkg/"), !request.method().is_safe());
        let late_body = || take(&self.bodies, BODIES, BODIES_OF_AN_ADDRESS);
        let request = body::read(request, late_body).await.map_err(|status| refuse(wanted, status))?;
        let most = self.pace.places();
        let place = match (writes, is_file) {
            (true, _) => take(&self.writes, most.max(FEWEST_WRITES), WRITES_OF_AN_ADDRESS),
            (false, true) => take(&self.files, FILES, FILES_OF_AN_ADDRESS),
            (false, false) => take(&self.reads, most, most.div_ceil(2)),
        };
        let places = place.zip(take(&self.responses, RESPONSES, RESPONSES_OF_AN_ADDRESS));
        if places.is_none() {
            return Err(refuse(wanted, StatusCode::SERVICE_UNAVAILABLE));
        }
        // Other requests that have arrived are looked at first. A page renders without waiting for anything, so without this line
        // a request would give its place back before the next one asks, and the requests would wait unseen in the runtime's
        // queue.
        tokio::task::yield_now().await;
        Ok((request, Admission { places, is_file }))
    }
}

impl Admission {
    /// Returns the response, which has its place until it is sent. The place of the request is free again, except for a file.
    pub(super) fn until_sent(self, response: Response) -> Response {
        let Some((place, sending)) = self.places else { return response };
        let response = sending::until_sent(response, sending);
        if self.is_file { sending::until_sent(response, place) } else { response }
    }
}

/// Returns the response to a request that is not served. The log has no line for it: a flood would fill the disk.
fn refuse(wanted: Wanted, status: StatusCode) -> Response {
    if status == StatusCode::SERVICE_UNAVAILABLE { busy(wanted) } else { error_pages::page(wanted, status, None) }
}

/// Returns the response to a request for which there is no place. The page is rendered once, because an overloaded server has no
/// time to render a page for each request.
fn busy(wanted: Wanted) -> Response {
    static PAGE: LazyLock<Bytes> =
        LazyLock::new(|| static_error_page(StatusCode::SERVICE_UNAVAILABLE, None).into_bytes().into());
    metrics::counter!("waymark_requests_shed_total").increment(1);
    let mut response = match wanted {
        Wanted::Html => error_pages::html(StatusCode::SERVICE_UNAVAILABLE, PAGE.clone()),
        wanted => error_pages::page(wanted, StatusCode::SERVICE_UNAVAILABLE, None),
    };
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
