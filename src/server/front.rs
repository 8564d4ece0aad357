//! What happens to every request before its route, and to every response after it. One function lists the steps in their order, so
//! a request costs one layer instead of one for each step.

use std::sync::Arc;

use axum::{
    extract::{FromRef, Request, State},
    middleware::Next,
    response::Response,
};
use leptos::config::LeptosOptions;

use super::{
    cache_control, charset, client_address, measure::Measured, overload::Overload, request_id, request_target,
    security_headers::SecurityHeaders,
};
use crate::state::AppState;

/// What the steps need.
#[derive(Debug)]
pub(super) struct Front {
    state: AppState,
    overload: Overload,
    security_headers: SecurityHeaders,
}

impl Front {
    pub(super) fn new(state: AppState) -> Self {
        let security_headers = SecurityHeaders::new(&state.config, &LeptosOptions::from_ref(&state));
        Self { state, overload: Overload::new(), security_headers }
    }
}

/// Serves a request. Refused requests are counted and get all headers too, but no line in the log.
pub(super) async fn serve(State(front): State<Arc<Front>>, mut request: Request, next: Next) -> Response {
    // Before the limits by address.
    client_address::add(&mut request, front.state.config.trusted_proxies.as_deref());
    // For the log and the error page.
    let id = request_id::add(&mut request);
    // Before anything compares the host.
    request_target::add_host(&mut request);
    let measured = Measured::begin(&request);
    // Before anything costly, also before the log.
    let mut response = match front.overload.admit(request).await {
        Ok((request, admission)) => admission.until_sent(next.run(request).await),
        Err(refused) => refused,
    };
    measured.end(&response);
    cache_control::restrict(&mut response);
    let headers = response.headers_mut();
    request_id::tell(headers, id);
    front.security_headers.add(headers);
    charset::add(headers);
    response
}
