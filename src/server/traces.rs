//! Traces for OpenTelemetry: requests and jobs, with the statements within them, go to the collector that
//! `OTEL_EXPORTER_OTLP_ENDPOINT` names. Without this variable nothing is made and nothing is sent.
//!
//! A trace holds what the log holds: routes and statements with placeholders, never a query string, an address or a value.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{Method, StatusCode};
use opentelemetry::trace::{Status, TracerProvider};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracerProvider, Tracer},
};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::{EnvFilter, registry::LookupSpan};

use crate::db::TRACED;

/// The variable that turns traces on. The library reads this and the other `OTEL_…` variables.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The methods that a trace names.
const KNOWN: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// Whether traces are made.
static ON: AtomicBool = AtomicBool::new(false);

/// Sends traces until it is dropped, which sends the last ones.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to send traces if the variable is set. Errors: why that cannot be.
    pub fn start() -> Result<Option<Self>, String> {
        let endpoint = std::env::var(ENDPOINT).unwrap_or_default();
        if endpoint.is_empty() {
            return Ok(None);
        }
        if endpoint.starts_with("https:") {
            return Err(format!("{ENDPOINT} must be http://, to a collector that sends on over TLS"));
        }
        let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).build();
        let exporter = exporter.map_err(|error| error.to_string())?;
        let mut resource = Resource::builder();
        if std::env::var("OTEL_SERVICE_NAME").is_err() {
            resource = resource.with_service_name(env!("CARGO_PKG_NAME"));
        }
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build();
        ON.store(true, Ordering::Relaxed);
        Ok(Some(Self(provider)))
    }

    /// Returns the layer that makes traces of spans.
    pub fn layer<S: Subscriber + for<'s> LookupSpan<'s>>(&self) -> OpenTelemetryLayer<S, Tracer> {
        let tracer = self.0.tracer(env!("CARGO_PKG_NAME"));
        tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false)
    }

    /// Lets the spans of traces through a filter, whatever the log shows. `requests` is the target of requests' spans.
    pub fn widen(filter: EnvFilter, requests: &str) -> EnvFilter {
        let directives = [format!("{TRACED}=debug"), format!("{requests}=info")];
        directives.into_iter().filter_map(|text| text.parse().ok()).fold(filter, EnvFilter::add_directive)
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Names the trace of a request: `GET /admin/leads/{id}`.
pub(super) fn name(span: &Span, method: &Method, route: &str) {
    if ON.load(Ordering::Relaxed) {
        // A client may invent a method.
        let known = KNOWN.contains(method);
        span.record("otel.name", if known { format!("{method} {route}") } else { format!("HTTP {route}") });
        span.record("otel.kind", "server");
    }
}

/// Notes the status of a response in the trace of its request.
pub(super) fn note_status(span: &Span, status: StatusCode) {
    if ON.load(Ordering::Relaxed) {
        span.set_attribute("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            span.set_status(Status::error(status.to_string()));
        }
    }
}
