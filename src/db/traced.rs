/// The target of the spans that only traces show: see `server/traces.rs`. No line of the log has this target.
pub(crate) const TRACED: &str = "trace";

/// Makes such a span, if there is a request or a job that the span is within.
macro_rules! traced {
    ($($span:tt)+) => {
        if ::tracing::Span::current().is_none() {
            ::tracing::Span::none()
        } else {
            ::tracing::debug_span!(target: $crate::db::TRACED, $($span)+)
        }
    };
}
pub(super) use traced;
