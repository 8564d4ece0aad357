//! A response has a place until its body is sent. A client that does not read its responses holds their memory, and the files that
//! they come from.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    response::Response,
};
use hyper::body::{Frame, SizeHint};

use super::places::Place;

/// Returns the response with a body that gives `place` back when the body ends.
pub(super) fn until_sent(response: Response, place: Place) -> Response {
    if response.body().is_end_stream() {
        return response;
    }
    response.map(|body| Body::new(Sending { body, place }))
}

/// The body of a response. hyper drops the body after its last frame, and when the client leaves.
#[derive(Debug)]
struct Sending {
    body: Body,
    #[expect(dead_code, reason = "dropped with the body")]
    place: Place,
}

impl HttpBody for Sending {
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

#[cfg(test)]
mod tests {
    use super::{super::places::Places, *};

    #[test]
    fn a_response_has_its_place_until_its_body_is_gone() {
        let places = Places::default();
        let take = || places.take([192, 0, 2, 1].into(), 1, 1);
        let place = take().expect("a place");
        let sent = until_sent(Response::new(Body::from("a page")), place);
        assert!(take().is_none(), "the client has not read the page");
        drop(sent);
        let place = take().expect("a place again");
        let _empty = until_sent(Response::new(Body::empty()), place);
        assert!(take().is_some(), "nothing is to be sent");
    }
}
