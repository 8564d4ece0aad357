//! A response's body that holds something until the body is sent.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    response::Response,
};
use hyper::body::{Frame, SizeHint};

/// Returns the response with a body that drops `guard` when the body ends: hyper drops the body after its last frame, and when
/// the client leaves.
pub(super) fn until_sent(response: Response, guard: impl Send + Unpin + 'static) -> Response {
    response.map(|body| Body::new(GuardedBody { body, guard }))
}

#[derive(Debug)]
struct GuardedBody<Guard> {
    body: Body,
    #[expect(dead_code, reason = "dropped with the body")]
    guard: Guard,
}

impl<Guard: Unpin> HttpBody for GuardedBody<Guard> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
