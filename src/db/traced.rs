/// The target of the spans that only traces show: see `server/traces.rs`. No line of the log has this target.
pub(crate) const TRACED: &str = "trace";

/// Makes such a span, if traces are on and there is a request or a job that the span is within. Whether traces are on is asked
/// first, because it costs least.
macro_rules! traced {
    ($($span:tt)+) => {
        if !::tracing::span_enabled!(target: $crate::db::TRACED, ::tracing::Level::DEBUG)
            || ::tracing::Span::current().is_none()
        {
            ::tracing::Span::none()
        } else {
            ::tracing::debug_span!(target: $crate::db::TRACED, $($span)+)
        }
    };
}
pub(super) use traced;
