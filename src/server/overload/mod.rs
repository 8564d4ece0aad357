//! Refuses requests beyond a limit without delay, so that the other requests are served well.
//!
//! A request waits for its body first ([`body`]), then takes a place ([`places`]), and has the place until its response begins.
//! How many places there are depends on how busy the processor is ([`pace`]).

use std::{
    net::IpAddr,
    sync::{Arc, LazyLock},
};

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

use self::{pace::Pace, places::Places};
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

/// How many requests may wait for their bodies at the same time, in all and of one address.
const BODIES: usize = 2_048;
const BODIES_OF_AN_ADDRESS: usize = 128;
/// The fewest places of requests that write. Many of these requests wait for a password's hash and cost the processor nothing
/// meanwhile. `auth::hasher` lets 256 sign-ins and 64 new passwords wait, 320 in all.
const FEWEST_WRITES: usize = 320;
/// How many files of the built site may be opened at the same time.
const FILES: usize = 256;

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
}

impl Overload {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            pace: Pace::start(),
            bodies: Places::default(),
            reads: Places::default(),
            writes: Places::default(),
            files: Places::default(),
        })
    }
}

/// Serves a request if there is a place for it. An address has at most half of the places, if the address is one client's.
///
/// Health checks need no place: a server that has much to do is not ill.
pub(super) async fn admit(State(overload): State<Arc<Overload>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if matches!(path, "/healthz" | "/readyz") {
        return next.run(request).await;
    }
    let places = overload.pace.places();
    let (lane, most) = match request.method().is_safe() {
        true if path.starts_with("/pkg/") => (&overload.files, FILES),
        true => (&overload.reads, places),
        false => (&overload.writes, places.max(FEWEST_WRITES)),
    };
    let address = request.extensions().get().map_or(UNKNOWN, |ClientAddress(address)| *address);
    let wanted = Wanted::by(&request);
    let request = match overload.with_body(request, address).await {
        Ok(request) => request,
        Err(status) => return refuse(wanted, status),
    };
    let of_an_address = if address == UNKNOWN { most } else { most.div_ceil(2) };
    let Some(_place) = lane.take(address, most, of_an_address) else {
        return refuse(wanted, StatusCode::SERVICE_UNAVAILABLE);
    };
    // Other requests that have arrived are looked at first. A page renders without waiting for anything, so without this line a
    // request would give its place back before the next one asks, and the requests would wait unseen in the runtime's queue.
    tokio::task::yield_now().await;
    next.run(request).await
}

impl Overload {
    /// Returns the request with its whole body, or the status with which to refuse it.
    async fn with_body(&self, request: Request, address: IpAddr) -> Result<Request, StatusCode> {
        if body::is_empty(&request) {
            return Ok(request);
        }
        let of_an_address = if address == UNKNOWN { BODIES } else { BODIES_OF_AN_ADDRESS };
        let Some(_place) = self.bodies.take(address, BODIES, of_an_address) else {
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        };
        body::read(request).await
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
