//! Before consent nothing is stored, not even for the next page: a landing's touch that waits travels in the address.
//!
//! Who looks around before deciding comes to other pages by links of our own. Browsers say which page those stood on, query
//! included, so that the next page can be asked for with what the one before carried: [`PARAMETER`] holds the touch that
//! waits, with its own time, landing page and referrer. It is gone with the decision.

use axum::http::header;

use super::{
    arrival::{Head, is_page_of},
    deferred::{self, Waiting},
    exclusion::eligible,
};
use crate::attribution::Attribution;

/// The parameter of our own pages that carries a touch.
pub const PARAMETER: &str = "landing";

/// The longest touch that is carried, in bytes of the address: longer addresses are refused on the way by some servers.
const BYTES: usize = 2_000;

/// Where a touch that waits is found.
#[derive(Debug)]
pub(crate) enum Carried {
    /// In this page's address.
    Here(Box<Waiting>),
    /// In the address of the page before: this page is to be asked for again at that address.
    Onward(String),
}

impl Attribution {
    /// The touch that a visitor who has not decided brings along from an earlier page.
    pub(crate) fn carried(&self, head: Head<'_>) -> Option<Carried> {
        if let Some(waiting) = self.waiting_in(head.query.unwrap_or_default()) {
            return Some(Carried::Here(Box::new(waiting)));
        }
        let referer = head.headers.get(header::REFERER)?.to_str().ok()?;
        let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        if !is_page_of(referer, host) || eligible(head.method, head.path, head.headers).is_err() {
            return None;
        }
        let (address, query) = referer.split('#').next()?.split_once('?')?;
        let waiting = self.waiting_in(query).or_else(|| {
            let path = address.splitn(4, '/').nth(3).map(|path| format!("/{path}"))?;
            let examined = self.said(head.headers, &path, query, "")?;
            examined.ignored.is_none().then(|| Waiting::of(&self.touch(&examined, &path)))
        })?;
        let landing = deferred::encode(&[waiting]);
        let onward = match head.query.filter(|query| !query.is_empty()) {
            Some(query) => format!("{}?{query}&{PARAMETER}={landing}", head.path),
            None => format!("{}?{PARAMETER}={landing}", head.path),
        };
        // two slashes in front would name another site
        (landing.len() <= BYTES && !head.path.starts_with("//")).then_some(Carried::Onward(onward))
    }

    fn waiting_in(&self, query: &str) -> Option<Waiting> {
        let value = query.split('&').find_map(|pair| pair.strip_prefix(PARAMETER)?.strip_prefix('='))?;
        deferred::decode(value).into_iter().next().filter(|waiting| waiting.touch(self, false).is_some())
    }
}
