//! [`RequestHead`] → [`Arrival`]: what a request says about where its visitor came from, and whether that counts.
//!
//! This module stores nothing and uses no database. The plan acts on the result, and the admin's inspector shows the result.
//!
//! Explicit signals (UTM, click id, tag) count before the referrer. A page of this site, a payment provider or an identity
//! provider is never a source, and neither is the page before an answer of any identity provider.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};

use super::{
    exclusion::{Exclusion, exclusion},
    sign_in_answer::is_sign_in_answer,
};
use crate::{
    attribution::{
        settings::{Gpc, Settings},
        signal::{parse, referrer::Referrer},
        source::{
            completion::{ToldBy, complete},
            from_referrer::ReferrerExclusion,
        },
        touch::{Landing, TouchOrigin},
    },
    host,
};

/// The part of a request that attribution reads.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'r> {
    pub method: &'r Method,
    pub path: &'r str,
    pub query: Option<&'r str>,
    pub headers: &'r HeaderMap,
}

impl<'r> RequestHead<'r> {
    pub fn of<B>(request: &'r Request<B>) -> Self {
        let (uri, method, headers) = (request.uri(), request.method(), request.headers());
        Self { method, path: uri.path(), query: uri.query(), headers }
    }

    pub fn header(&self, name: HeaderName) -> Option<&'r str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A landing, and whether it counts.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub landing: Landing,
    /// Why the landing does not become a touch.
    pub exclusion: Option<Exclusion>,
}

/// The page that led to a request.
#[derive(Clone, Debug)]
pub struct LinkingPage {
    pub referrer: Option<Referrer>,
    /// The page is a page of this site.
    pub internal: bool,
}

impl LinkingPage {
    /// Reads the page from the headers of a request.
    pub fn of(headers: &HeaderMap, settings: &Settings) -> Self {
        let referrer = referer(headers).and_then(|page| Referrer::parse(&page));
        let own = referrer.as_ref().is_some_and(|referrer| settings.is_own_host(&referrer.host));
        Self { internal: own || is_from_this_site(headers), referrer }
    }
}

/// Returns the arrival in a request, or `None` if the request has no signal, as most requests do.
pub fn arrival(head: RequestHead<'_>, settings: &Settings) -> Option<Arrival> {
    let query = head.query.unwrap_or_default();
    // Almost all requests end here: they have no query, and come from a page of this site or without a referrer.
    if query.is_empty() && (!head.headers.contains_key(header::REFERER) || is_from_this_site(head.headers)) {
        return None;
    }
    let LinkingPage { referrer, internal } = LinkingPage::of(head.headers, settings);
    let mut signals = parse(query, &settings.custom_tags);
    let private = asks_for_privacy(head.headers);
    if private && settings.gpc == Gpc::NoClickIds {
        // Ids that are dropped complete nothing.
        signals.click_ids.clear();
    }
    let outside = Landing::outside(referrer.as_ref(), internal, head.path);
    let is_sign_in_answer = outside.is_some() && is_sign_in_answer(query);
    let outside = outside.filter(|_| !is_sign_in_answer);
    let (origin, excluded) = match complete(&mut signals, outside, &settings.ignored_referrers) {
        ToldBy::Link => (TouchOrigin::Link, None),
        ToldBy::Referrer => (TouchOrigin::Referrer, None),
        ToldBy::IgnoredReferrer(why) => (TouchOrigin::Referrer, Some(Exclusion::Referrer(why))),
        ToldBy::Nothing if is_sign_in_answer => {
            (TouchOrigin::Referrer, Some(Exclusion::Referrer(ReferrerExclusion::Identity)))
        }
        ToldBy::Nothing if !signals.dropped.placeholders.is_empty() => {
            (TouchOrigin::Referrer, Some(Exclusion::Placeholders))
        }
        ToldBy::Nothing => return None,
    };
    let forbidden = (private && settings.gpc == Gpc::NoCapture).then_some(Exclusion::Gpc);
    let exclusion = exclusion(head.method, head.path, head.headers, settings.no_pages).or(excluded).or(forbidden);
    let landing = Landing { signals, path: head.path.to_owned(), referrer, origin, internal };
    Some(Arrival { landing, exclusion })
}

/// Returns the arrival at an address that a page's script reports, as if the browser had requested that address with that
/// referrer. `headers` are the headers of the script's request.
pub fn told_arrival(
    headers: &HeaderMap,
    path: &str,
    query: &str,
    referrer: &str,
    settings: &Settings,
) -> Option<Arrival> {
    // The last five tell machines.
    const KEPT: [HeaderName; 7] = [
        header::HOST,
        HeaderName::from_static("sec-gpc"),
        header::USER_AGENT,
        header::FROM,
        HeaderName::from_static("sec-ch-ua"),
        HeaderName::from_static("signature-agent"),
        HeaderName::from_static("signature-input"),
    ];
    let kept = KEPT.into_iter().filter_map(|name| headers.get(&name).cloned().map(|value| (name, value)));
    let mut asked: HeaderMap = kept.collect();
    asked.insert(header::ACCEPT, HeaderValue::from_static("text/html"));
    if let Ok(value) = HeaderValue::from_bytes(referrer.as_bytes()) {
        asked.insert(header::REFERER, value);
    }
    arrival(RequestHead { method: &Method::GET, path, query: Some(query), headers: &asked }, settings)
}

/// Returns the `Referer` header. Some browsers and apps send raw UTF-8 instead of percent-encoding the path. Bytes that are not
/// UTF-8 become U+FFFD, so that they do not hide the host.
pub fn referer(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    headers.get(header::REFERER).map(|value| String::from_utf8_lossy(value.as_bytes()))
}

/// Returns whether a browser sends the Global Privacy Control signal: <https://www.w3.org/TR/gpc/>.
pub fn asks_for_privacy(headers: &HeaderMap) -> bool {
    headers.get("sec-gpc").is_some_and(|value| value == "1")
}

/// Returns whether a browser asks for privacy, and the owner has decided to capture nothing then. This holds for every way to a
/// touch.
pub fn forbids_capture(headers: &HeaderMap, settings: &Settings) -> bool {
    settings.gpc == Gpc::NoCapture && asks_for_privacy(headers)
}

/// Returns whether a page of this site, or of a host beside it, led to a request, by the headers alone. The function runs
/// for every request, and allocates nothing if the headers are UTF-8.
fn is_from_this_site(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    matches!(text(&HeaderName::from_static("sec-fetch-site")), Some("same-origin" | "same-site"))
        || referer(headers).is_some_and(|page| is_page_of(&page, text(&header::HOST).unwrap_or_default()))
}

/// Returns whether a page of this site led to the request, by a link, a form or a script. A script of another site cannot change
/// these headers: <https://www.w3.org/TR/fetch-metadata/>. Browsers from before 2023, and all browsers over plain HTTP, send only
/// `Origin` or `Referer`.
pub fn is_from_our_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => {
            let page = text("origin").map(Cow::Borrowed).or_else(|| referer(headers));
            page.is_some_and(|page| is_page_of(&page, text("host").unwrap_or_default()))
        }
    }
}

/// Returns whether an address is a page of the host that a `Host` header names. The function allocates nothing, because it runs
/// for every request.
pub fn is_page_of(address: &str, host: &str) -> bool {
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
