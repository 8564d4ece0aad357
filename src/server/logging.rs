//! Logs: one JSON object a line, or prettier in development. No query strings, addresses, passwords, cookies or tokens, at any
//! level.

use axum::http::Request;
use tower_http::request_id::RequestId;
use tracing::{Level, Span};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// What is logged where `RUST_LOG` says nothing.
const DEFAULT: &str = "info";

/// Modules that would log secrets or one line for each bad request, whatever `RUST_LOG` asks for: session ids, users, bodies.
const QUIET: [&str; 10] = [
    "tower_sessions=error",
    "tower_sessions_core=error",
    "axum_login=error",
    "hyper=info",
    "hyper_util=info",
    "h2=info",
    "server_fn=info",
    "leptos_axum=info",
    "sqlx=warn",
    "tower_http::csrf=warn",
];

/// Starts logging. `RUST_LOG` chooses what; a wrong one is told and the default used.
pub fn start(json: bool) {
    let wanted = std::env::var("RUST_LOG").ok().filter(|value| !value.is_empty());
    let parsed = wanted.as_deref().map(EnvFilter::try_new).transpose();
    let wrong = parsed.as_ref().err().map(ToString::to_string);
    let mut filter = parsed.ok().flatten().unwrap_or_else(|| EnvFilter::new(DEFAULT));
    for directive in QUIET {
        if let Ok(directive) = directive.parse() {
            filter = filter.add_directive(directive);
        }
    }
    let registry = tracing_subscriber::registry().with(filter);
    let started = if json {
        registry.with(fmt::layer().json().flatten_event(true)).try_init()
    } else {
        registry.with(fmt::layer().compact().with_target(false)).try_init()
    };
    // somebody else's subscriber: a test's
    drop(started);
    if let Some(error) = wrong {
        tracing::warn!(error, "RUST_LOG cannot be understood; logging at info");
    }
}

/// The span of a request: its method and its path, never its query.
pub(super) fn span<B>(request: &Request<B>) -> Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    let path = match request.uri().path() {
        path if path.starts_with("/r/") => "/r/{token}",
        path => path,
    };
    tracing::span!(Level::INFO, "request", method = %request.method(), path, id)
}
