//! The requests of a connection, which report their phases to the connection's [`Activity`](super::activity::Activity).

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use axum::body::{Body, Bytes};
use hyper::{
    Response,
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
};

use super::registry::Connection;
use crate::server::guarded_body;

/// A request without a response. Dropping it says that the request has its response, or that the client went away.
#[derive(Debug)]
pub(super) struct Serving(Arc<Connection>);

impl Serving {
    pub(super) fn begin(connection: Arc<Connection>) -> Self {
        connection.activity().request_began(Instant::now());
        Self(connection)
    }

    /// Returns the response with a body that reports its end.
    pub(super) fn respond(self, response: Response<Body>) -> Response<Body> {
        self.0.activity().response_began(Instant::now());
        guarded_body::until_sent(response, Sending(self.0.clone()))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.activity().request_ended(Instant::now());
    }
}

/// A response that is being sent.
#[derive(Debug)]
struct Sending(Arc<Connection>);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.activity().response_ended(Instant::now());
    }
}

/// The body of a request.
#[derive(Debug)]
pub(super) struct Received {
    body: Incoming,
    connection: Arc<Connection>,
    /// Whether somebody waits for the client to send more.
    waits: bool,
}

impl Received {
    pub(super) fn new(body: Incoming, connection: Arc<Connection>) -> Self {
        Self { body, connection, waits: false }
    }
}

impl HttpBody for Received {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        if polled.is_pending() && !this.waits {
            this.connection.activity().body_waits();
            this.waits = true;
        }
        let frame = ready!(polled);
        if std::mem::take(&mut this.waits) {
            this.connection.activity().body_came();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if self.waits {
            self.connection.activity().body_came();
        }
    }
}
