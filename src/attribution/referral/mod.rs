//! Referral links: `GET /r/{token}` seeds a lead source and redirects to the link's landing page.
//!
//! The route is the worked example of sentinel values. The handler puts the values into the session, and [`LeadSourceLayer`]
//! makes the touch. An unknown, expired or disabled token redirects to `/`. Nothing is stored for such a token, for a robot, or
//! for the link's own owner.
//!
//! [`LeadSourceLayer`]: super::capture::lead_source_layer::LeadSourceLayer

/// Makes, finds, disables and credits referral links.
pub mod token;

use std::time::Duration;

use axum::{
    extract::{Extension, Path, RawQuery, Request, State, rejection::PathRejection},
    http::{Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use tower_sessions::Session;
use tracing::error;

use self::token::Link;
use super::{
    capture::{
        Attribution, SignedInUser,
        arrival::forbids_capture,
        exclusion::{Exclusion, exclusion},
    },
    consent::{Consent, consent},
};
use crate::address_limit::{AddressLimit, ClientAddress, Limited, too_many};

/// Unknown referral links that one address asks for. A person meets few of them. Somebody who guesses tokens asks for many.
#[derive(Clone, Copy, Debug)]
pub struct UnknownLinks;

impl Limited for UnknownLinks {
    const MOST: u32 = 60;
    const WINDOW: Duration = Duration::from_mins(10);
}

/// Counts unknown referral links by address.
pub type UnknownLinkLimit = AddressLimit<UnknownLinks>;

/// Seeds the session and returns 303 to the link's landing page, with the rest of the query kept. Returns 429 to an address that
/// asked for too many unknown links.
pub async fn follow(
    State(attribution): State<Attribution>,
    State(limit): State<UnknownLinkLimit>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    token: Result<Path<String>, PathRejection>,
    RawQuery(mut query): RawQuery,
    request: Request,
) -> Response {
    // Before the link is looked up: the response must not tell known links from unknown ones.
    if let Some(wait) = limit.wait_of(address) {
        return too_many("referral_link", wait);
    }
    let (request, _) = request.into_parts();
    // A token that cannot be decoded gets the same response as an unknown token.
    let token = token.map(|Path(token)| token).unwrap_or_default();
    let link = token::find(&attribution.db, &token).await.unwrap_or_else(|error| {
        error!(%error, "a referral link could not be looked up");
        None
    });
    let landing = match link {
        Some(link) => {
            if counts(&attribution, &link, &request) {
                match consent(&request.headers, &attribution.settings) {
                    Consent::Given => seed(&link, &token, &request).await,
                    // Before consent there is no session. The values go into the landing page's address, and wait in that page as
                    // the signals of any link do.
                    Consent::Undecided => {
                        let mut with_seeds = form_urlencoded::Serializer::new(query.take().unwrap_or_default());
                        query = Some(with_seeds.extend_pairs(seeds(&link, &token)).finish());
                    }
                    Consent::Refused => {}
                }
            }
            link.landing_path
        }
        None => {
            limit.count(address);
            "/".to_owned()
        }
    };
    let target = match query.filter(|query| !query.is_empty()) {
        Some(query) => format!("{landing}?{query}"),
        None => landing,
    };
    (StatusCode::SEE_OTHER, [(header::LOCATION, target), (header::CACHE_CONTROL, "no-store".into())]).into_response()
}

/// Returns whether a person follows the link, and not the link's owner. Returns `false` if the browser's privacy signal forbids
/// capture: a referral is a capture, too.
fn counts(attribution: &Attribution, link: &Link, request: &Parts) -> bool {
    let (path, no_pages) = (request.uri.path(), attribution.settings.no_pages);
    if let Some(why) = exclusion(&request.method, path, &request.headers, no_pages) {
        // Programs that check links send HEAD. HEAD requests are not counted.
        if request.method != Method::HEAD {
            attribution.count_excluded(why);
        }
        return false;
    }
    if forbids_capture(&request.headers, &attribution.settings) {
        attribution.count_excluded(Exclusion::Gpc);
        return false;
    }
    let signed_in = request.extensions.get().map(|SignedInUser(user)| *user);
    signed_in.is_none() || signed_in != link.owner_id
}

async fn seed(link: &Link, token: &str, request: &Parts) {
    let Some(session) = request.extensions.get::<Session>() else { return };
    for (name, value) in seeds(link, token) {
        if let Err(error) = session.insert(name, value).await {
            error!(%error, "a referral link could not be noted");
            return;
        }
    }
}

/// Returns the sentinel values of a link.
fn seeds<'a>(link: &'a Link, token: &'a str) -> [(&'static str, &'a str); 4] {
    [("utm_medium", "referral"), ("utm_source", "internal"), ("utm_campaign", &link.campaign), ("utm_term", token)]
}
