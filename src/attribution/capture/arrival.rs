//! What a request says of an arrival, and whether it counts. Nothing here is stored and no database is asked: the layer stores
//! what comes out, and the admin's inspector shows it.
//!
//! An explicit signal (UTM, click id, tag) always counts before the page that linked here. A page of our own, a payment provider
//! or an identity provider is never where somebody came from.

use axum::http::{HeaderMap, HeaderName, Method, Request, header};

use super::exclusion::{Ignored, eligible};
use crate::{
    attribution::{
        Attribution, referral,
        settings::Gpc,
        signal::{Signals, parse, referrer::Referrer},
        source::from_referrer::fill_from_referrer,
        touch::{Arrived, Origin, Touch},
    },
    host,
};

/// The part of a request's head that attribution reads.
#[derive(Clone, Copy, Debug)]
pub struct Head<'r> {
    pub method: &'r Method,
    pub path: &'r str,
    pub query: Option<&'r str>,
    pub headers: &'r HeaderMap,
}

impl<'r> Head<'r> {
    pub fn of<B>(request: &'r Request<B>) -> Self {
        let (uri, method, headers) = (request.uri(), request.method(), request.headers());
        Self { method, path: uri.path(), query: uri.query(), headers }
    }

    fn header(&self, name: HeaderName) -> Option<&'r str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Examined {
    pub signals: Signals,
    pub referrer: Option<Referrer>,
    pub origin: Origin,
    /// The page that linked here is our own.
    pub internal: bool,
    /// Why it is nobody's arrival.
    pub ignored: Option<Ignored>,
}

impl Attribution {
    /// What a request says of an arrival. `None` where it says nothing, as most do.
    pub fn examine(&self, head: Head<'_>) -> Option<Examined> {
        let query = head.query.unwrap_or_default();
        let referer = head.header(header::REFERER);
        let host = head.header(header::HOST).unwrap_or_default();
        // almost all requests end here: a page that was reached from another of ours
        if query.is_empty() && referer.is_none_or(|referer| is_page_of(referer, host)) {
            return None;
        }
        let referrer = referer.and_then(Referrer::parse);
        let internal = referrer.as_ref().is_some_and(|referrer| {
            self.settings.is_own_host(&referrer.host) || referer.is_some_and(|referer| is_page_of(referer, host))
        });
        let mut signals = parse(query, referrer.as_ref(), &self.settings.custom_tags);
        let mut ignored = None;
        let origin = if signals.is_empty() { Origin::Referrer } else { Origin::Link };
        if origin == Origin::Referrer {
            // A referral link becomes a touch by itself, or by nothing.
            let outside = referrer.as_ref().filter(|_| !internal && !head.path.starts_with(referral::PREFIX));
            ignored =
                fill_from_referrer(&mut signals, outside, &self.settings.ignored_referrers).map(Ignored::Referrer);
            if signals.is_empty() && ignored.is_none() {
                return None;
            }
        }
        if let Err(why) = eligible(head.method, head.path, head.headers) {
            ignored = Some(why);
        }
        if ignored.is_none() && asks_for_privacy(head.headers) {
            match self.settings.gpc {
                Gpc::NoCapture => ignored = Some(Ignored::Gpc),
                Gpc::NoClickIds => signals.click_ids.clear(),
                Gpc::Ignore => {}
            }
            if signals.is_empty() && ignored.is_none() {
                return None;
            }
        }
        Some(Examined { signals, referrer, origin, internal, ignored })
    }

    /// The touch that an arrival makes.
    pub(crate) fn touch(&self, examined: &Examined, path: &str) -> Touch {
        let arrived = Arrived {
            signals: &examined.signals,
            path,
            referrer: examined.referrer.as_ref(),
            origin: examined.origin,
            internal: examined.internal,
            at: self.db.now(),
        };
        Touch::new(&arrived, &self.settings.rules)
    }
}

/// Whether a person asks not to be sold or shared: <https://www.w3.org/TR/gpc/>.
pub(crate) fn asks_for_privacy(headers: &HeaderMap) -> bool {
    headers.get("sec-gpc").is_some_and(|value| value == "1")
}

/// Whether an address is a page of the host that a `Host` header names. Allocates nothing, because every request asks.
pub(crate) fn is_page_of(address: &str, host: &str) -> bool {
    let page = host::split(address).filter(|parts| matches!(parts.scheme, "https" | "http"));
    let page = page.and_then(|parts| host::without_port(parts.authority));
    let host = host::without_port(host).filter(|host| !host.is_empty());
    page.zip(host).is_some_and(|(page, host)| page.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_our_own_is_known_by_its_host() {
        for (address, host) in [
            ("https://shop.example/a", "shop.example"),
            ("http://SHOP.example:8080", "shop.example:3000"),
            ("https://[::1]:3000/", "[::1]"),
            ("https://shop.example?x", "shop.example"),
        ] {
            assert!(is_page_of(address, host), "{address}");
        }
        for (address, host) in [
            ("https://shop.example.evil/", "shop.example"),
            ("https://evil/shop.example", "shop.example"),
            ("https://user@shop.example/", "shop.example"),
            ("android-app://shop.example", "shop.example"),
            ("https:///", ""),
            ("https://a\\.shop.example", "shop.example"),
        ] {
            assert!(!is_page_of(address, host), "{address}");
        }
    }
}
