//! Logs: one JSON object a line, or a shorter form in development. Logs never hold query strings, e-mail or IP addresses,
//! passwords, cookies or tokens, at any level.

use std::time::Duration;

use axum::{
    extract::MatchedPath,
    http::{Request, Response},
};
use tower_http::{
    request_id::RequestId,
    trace::{DefaultOnFailure, DefaultOnResponse, HttpMakeClassifier, OnResponse, TraceLayer},
};
use tracing::{Level, Span, field::Empty};
use tracing_subscriber::{
    EnvFilter,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use super::{
    log_flood::flood,
    traces::{self, Traces},
};

/// What is logged without `RUST_LOG`.
const DEFAULT: &str = "info";

/// Modules that would log secrets (session ids, users, bodies) or a line for each bad request. Whatever `RUST_LOG` says, also of
/// spans as in `[request]=trace`, they log nothing below these levels.
const QUIET: [(&str, LevelFilter); 10] = [
    ("tower_sessions", LevelFilter::ERROR),
    ("tower_sessions_core", LevelFilter::ERROR),
    ("axum_login", LevelFilter::ERROR),
    ("hyper", LevelFilter::INFO),
    ("hyper_util", LevelFilter::INFO),
    ("h2", LevelFilter::INFO),
    ("server_fn", LevelFilter::INFO),
    ("leptos_axum", LevelFilter::INFO),
    ("sqlx", LevelFilter::WARN),
    ("tower_http::csrf", LevelFilter::WARN),
];

/// Starts logging what `RUST_LOG` asks for, and sending traces if a variable asks for them, until the returned value is dropped. If
/// `RUST_LOG` cannot be understood, a warning says so and the default applies.
pub fn start(json: bool) -> Option<Traces> {
    let wanted = std::env::var("RUST_LOG").ok().filter(|value| !value.is_empty());
    let parsed = wanted.as_deref().map(EnvFilter::try_new).transpose();
    let wrong = parsed.as_ref().err().map(ToString::to_string);
    let filter = parsed.ok().flatten().unwrap_or_else(|| EnvFilter::new(DEFAULT));
    let traces = Traces::start();
    let sends = matches!(traces, Ok(Some(_)));
    let filter = if sends { Traces::widen(filter, module_path!()) } else { filter };
    let quiet = Targets::new().with_default(LevelFilter::TRACE).with_targets(QUIET);
    let layer = traces.as_ref().ok().and_then(|traces| traces.as_ref().map(Traces::layer));
    let registry = tracing_subscriber::registry().with(layer).with(filter).with(quiet).with(flood());
    let started = if json {
        registry.with(fmt::layer().json().flatten_event(true)).try_init()
    } else {
        registry.with(fmt::layer().compact().with_target(false)).try_init()
    };
    // A test may have started logging before.
    drop(started);
    if let Some(error) = wrong {
        tracing::warn!(error, "RUST_LOG cannot be understood, so the level is info");
    }
    traces.unwrap_or_else(|error| {
        tracing::error!(error, "traces cannot be sent");
        None
    })
}

/// Logs requests with [`span`], and nothing when a request begins.
type RequestLog<B> = TraceLayer<HttpMakeClassifier, fn(&Request<B>) -> Span, (), Responses>;

/// Logs requests: failures as errors, other responses at the level `debug`.
pub(super) fn requests<B>() -> RequestLog<B> {
    TraceLayer::new_for_http()
        .make_span_with(span as fn(&Request<B>) -> Span)
        .on_request(())
        .on_response(Responses)
        .on_failure(DefaultOnFailure::new().level(Level::ERROR))
}

/// Logs responses at the level `debug`.
#[derive(Clone, Debug)]
pub(super) struct Responses;

impl<B> OnResponse<B> for Responses {
    fn on_response(self, response: &Response<B>, latency: Duration, span: &Span) {
        traces::note_status(span, response.status());
        DefaultOnResponse::new().level(Level::DEBUG).on_response(response, latency, span);
    }
}

/// Returns the span of a request: its method and its route, never its query.
fn span<B>(request: &Request<B>) -> Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let path = route.map_or_else(|| shortened(request.uri().path()), str::to_owned);
    let span = tracing::span!(
        Level::INFO,
        "request",
        method = %request.method(),
        path,
        id,
        otel.name = Empty,
        otel.kind = Empty
    );
    traces::name(&span, request.method(), &path);
    span
}

/// Returns the beginning of a path without a route. Anything may stand in such a path, also an address or a token:
/// `/unsub/maria@example.com` → `/unsub/…`.
fn shortened(path: &str) -> String {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let is_word = first.len() <= 24 && first.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '-' | '_' | '.'));
    match (is_word, path.len() > first.len() + 1) {
        (true, false) => format!("/{first}"),
        (true, true) => format!("/{first}/…"),
        (false, _) => "/…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_without_a_route_is_shortened() {
        for (path, expected) in [
            ("/", "/"),
            ("/wp-login.php", "/wp-login.php"),
            ("/unsub/maria@example.com", "/unsub/…"),
            ("/maria@example.com", "/…"),
            ("/maria%40example.com/x", "/…"),
            ("/0193f5c2a7", "/…"),
            ("//x/y", "/x/…"),
        ] {
            assert_eq!(shortened(path), expected, "{path}");
        }
    }
}
