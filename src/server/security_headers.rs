//! Headers that tell browsers what to refuse, on every response.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use leptos::config::LeptosOptions;

use super::csp;
use crate::config::{Config, Hsts};

/// Other sites learn that a visitor comes from here, but not from which page; pages of this site learn the whole address.
const REFERRER_POLICY: HeaderValue = HeaderValue::from_static("strict-origin-when-cross-origin");

const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");

/// The headers that every response gets, unchanged.
static FIXED: [(HeaderName, HeaderValue); 5] = [
    // A file is what its Content-Type says, not what a browser guesses.
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // For browsers that do not know the policy's `frame-ancestors`.
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // The window of another site has no handle on a window of this site.
    (HeaderName::from_static("cross-origin-opener-policy"), SAME_ORIGIN),
    // Other sites cannot embed what is served here.
    (HeaderName::from_static("cross-origin-resource-policy"), SAME_ORIGIN),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(
            "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()",
        ),
    ),
];

/// The headers that are the same for all responses of a server.
#[derive(Debug)]
pub(super) struct SecurityHeaders {
    /// The content security policy of a response without a nonce.
    policy: HeaderValue,
    tls_only: Option<HeaderValue>,
}

impl SecurityHeaders {
    pub(super) fn new(config: &Config, options: &LeptosOptions) -> Self {
        Self { policy: csp::policy(None, options), tls_only: tls_only(config) }
    }

    /// Adds the security headers. A page that carries a nonce has set its content security policy already, and keeps it. A
    /// redirect after a sign-in keeps its stricter referrer policy.
    pub(super) fn add(&self, headers: &mut HeaderMap) {
        headers.reserve(FIXED.len() + 3);
        for (name, value) in &FIXED {
            headers.insert(name, value.clone());
        }
        headers.entry(header::REFERRER_POLICY).or_insert(REFERRER_POLICY);
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert_with(|| self.policy.clone());
        if let Some(value) = &self.tls_only {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, value.clone());
        }
    }
}

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
