//! A response has a place until its body is sent. A client that does not read its responses holds their memory, and the files that
//! they come from.

use axum::{body::HttpBody, response::Response};

use super::places::Place;
use crate::server::guarded_body;

/// Returns the response with a body that gives `place` back when the body ends.
pub(super) fn until_sent(response: Response, place: Place) -> Response {
    if response.body().is_end_stream() {
        return response;
    }
    guarded_body::until_sent(response, place)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

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
