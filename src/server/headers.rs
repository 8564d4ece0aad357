//! Security headers, on every response.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use leptos::{config::LeptosOptions, nonce::Nonce};

use crate::{attribution::SignedInUser, state::AppState};

/// Sent as they are.
const FIXED: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // other sites learn where a visitor comes from, but not from which page; our own pages see it all
    (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()",
    ),
];

/// A response extension: the page was made for someone who is signed in.
#[derive(Clone, Copy, Debug)]
struct Personal;

/// Completes the headers of every response. The outermost layer.
pub(super) async fn secure(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let personal = response.extensions().get::<Personal>().is_some();
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy(None, &state.options));
    }
    if state.config.is_secure() {
        let two_years = HeaderValue::from_static("max-age=63072000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, two_years);
    }
    if personal || headers.contains_key(header::SET_COOKIE) {
        // what belongs to one person stays in no cache, neither a proxy's nor the browser's
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    } else if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    add_charset(headers);
    response
}

/// Marks the responses to someone who is signed in. Stands inside authentication.
pub(super) async fn mark_personal(request: Request, next: Next) -> Response {
    let personal = request.extensions().get::<SignedInUser>().is_some();
    let mut response = next.run(request).await;
    if personal {
        response.extensions_mut().insert(Personal);
    }
    response
}

/// The content security policy: nothing but our own, no inline code but what carries this response's nonce.
pub(super) fn policy(nonce: Option<&Nonce>, options: &LeptosOptions) -> HeaderValue {
    let nonce = nonce.map(|nonce| format!(" 'nonce-{nonce}'")).unwrap_or_default();
    // cargo-leptos reloads pages through a socket of its own
    let reload = match std::env::var_os("LEPTOS_WATCH") {
        Some(_) => {
            let port = options.reload_external_port.unwrap_or(options.reload_port);
            format!(" ws://localhost:{port} ws://127.0.0.1:{port}")
        }
        None => String::new(),
    };
    let policy = [
        "default-src 'none'".to_owned(),
        // WebAssembly is compiled, which needs a word of its own; JavaScript's eval stays forbidden
        format!("script-src 'self'{nonce} 'wasm-unsafe-eval'"),
        "style-src 'self'".to_owned(),
        "img-src 'self' data:".to_owned(),
        "font-src 'self'".to_owned(),
        format!("connect-src 'self'{reload}"),
        "manifest-src 'self'".to_owned(),
        "form-action 'self'".to_owned(),
        "frame-ancestors 'none'".to_owned(),
        "base-uri 'none'".to_owned(),
        "object-src 'none'".to_owned(),
    ]
    .join("; ");
    // a nonce is base64 and a port a number: always a valid header
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Text says in which encoding it is.
fn add_charset(headers: &mut HeaderMap) {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return };
    let text = kind.starts_with("text/") || kind == "application/json";
    if text
        && !kind.contains("charset")
        && let Ok(value) = HeaderValue::from_str(&format!("{kind}; charset=utf-8"))
    {
        headers.insert(header::CONTENT_TYPE, value);
    }
}
