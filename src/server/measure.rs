//! Counts and times requests by route, for the metrics.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    response::Response,
};

/// Bounds of the time of a request in seconds, for the metric's histogram.
pub(super) const SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The metric of a request's time.
pub(super) const REQUEST_SECONDS: &str = "waymark_request_seconds";

/// A request that is counted and timed. The labels are the route as the router has it, never the path: a client can ask for any
/// number of paths.
#[derive(Debug)]
pub(super) struct Measured {
    route: String,
    method: &'static str,
    began: Instant,
}

impl Measured {
    pub(super) fn begin(request: &Request) -> Self {
        let method = match *request.method() {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            _ => "other",
        };
        Self { route: route(request), method, began: Instant::now() }
    }

    /// Ends the time when the response begins.
    pub(super) fn end(self, response: &Response) {
        let Self { route, method, began } = self;
        let status = response.status().as_u16().to_string();
        metrics::counter!("waymark_requests_total", "route" => route.clone(), "method" => method, "status" => status)
            .increment(1);
        metrics::histogram!(REQUEST_SECONDS, "route" => route).record(began.elapsed().as_secs_f64());
    }
}

/// Returns the route of a request: `/admin/leads/{id}`. All paths without a route are `none`, and files of a folder are one route.
fn route(request: &Request) -> String {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    // axum writes the rest of a nested service's path as `{*__private__…}`.
    route.split_once("/{*__").map_or(route, |(folder, _)| folder).to_owned()
}
