//! Headers that tell browsers what to refuse, on every response.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use super::csp;
use crate::{
    config::{Config, Hsts},
    state::AppState,
};

/// Other sites learn that a visitor comes from here, but not from which page; pages of this site learn the whole address.
const REFERRER_POLICY: HeaderValue = HeaderValue::from_static("strict-origin-when-cross-origin");

/// The headers that every response gets, unchanged.
const FIXED: [(HeaderName, &str); 5] = [
    // A file is what its Content-Type says, not what a browser guesses.
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // For browsers that do not know the policy's `frame-ancestors`.
    (header::X_FRAME_OPTIONS, "DENY"),
    // The window of another site has no handle on a window of this site.
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    // Other sites cannot embed what is served here.
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()",
    ),
];

/// Returns the value of `Strict-Transport-Security`, if there is one: which hosts browsers may reach only over TLS, for two years.
/// Preload lists require at least one year.
fn tls_only(config: &Config) -> Option<HeaderValue> {
    let value = match config.hsts {
        Hsts::Off => return None,
        Hsts::Host => "max-age=63072000",
        Hsts::Subdomains => "max-age=63072000; includeSubDomains",
    };
    config.is_secure().then(|| HeaderValue::from_static(value))
}

/// Adds the security headers. A page that carries a nonce has set its content security policy already, and keeps it. A redirect
/// after a sign-in keeps its stricter referrer policy.
pub(super) async fn add(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::REFERRER_POLICY).or_insert(REFERRER_POLICY);
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, csp::policy(None, &state.options));
    }
    if let Some(value) = tls_only(&state.config) {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}
