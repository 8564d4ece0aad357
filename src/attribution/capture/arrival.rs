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

/// The prefix of referral links. A referral link seeds its own signals, so a referrer alone makes no touch there.
const REFERRAL_PREFIX: &str = "/r/";

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
    let outside = Landing::outside(referrer.as_ref(), internal);
    let is_sign_in_answer = outside.is_some() && is_sign_in_answer(query);
    let outside = outside.filter(|_| !is_sign_in_answer);
    let (origin, excluded) = match complete(&mut signals, outside, &settings.ignored_referrers) {
        ToldBy::Link => (TouchOrigin::Link, None),
        _ if head.path.starts_with(REFERRAL_PREFIX) => return None,
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
    // The headers from the user agent on tell machines from people.
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
    use proptest::prelude::*;

    use super::*;
    use crate::{attribution::settings::Site, variables::Variables};

    fn settings() -> Settings {
        let get = |name: &str| (name == "ATTRIBUTION_CUSTOM_TAGS").then(|| "partner".to_owned());
        Settings::read(
            &mut Variables::new(&get),
            Site { url: "https://shop.example", no_pages: &[], reserved_parameters: &[] },
        )
    }

    fn headers(referer: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([
            (header::HOST, HeaderValue::from_static("shop.example")),
            (header::ACCEPT, HeaderValue::from_static("text/html")),
            (header::USER_AGENT, HeaderValue::from_static("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0")),
        ]);
        // A header cannot hold control characters.
        if let Ok(referer) = HeaderValue::from_bytes(referer) {
            headers.insert(header::REFERER, referer);
        }
        headers
    }

    fn at(query: &str, headers: &HeaderMap) -> Option<Arrival> {
        arrival(RequestHead { method: &Method::GET, path: "/", query: Some(query), headers }, &settings())
    }

    #[test]
    fn a_referer_may_be_any_bytes() {
        for (referer, host) in [
            ("https://greasyfork.org/zh-CN/scripts/123-下载助手".as_bytes(), Some("greasyfork.org")),
            ("http://www.baidu.com/s?wd=咖啡".as_bytes(), Some("www.baidu.com")),
            // The same search in GBK
            (b"http://www.baidu.com/s?wd=\xbf\xa7\xb7\xc8", Some("www.baidu.com")),
            (b"https://blog.example/caf\xe9", Some("blog.example")),
            (b"https://b\xfccher.example/", Some("b\u{fffd}cher.example")),
            (b"\xff\xfe", None),
        ] {
            let found = at("", &headers(referer)).and_then(|arrival| arrival.landing.referrer);
            assert_eq!(found.as_ref().map(|referrer| &*referrer.host), host, "{referer:?}");
        }
        let own = headers("https://shop.example/日本".as_bytes());
        assert!(is_from_our_page(&own) && at("", &own).is_none());
    }

    #[test]
    fn what_only_placeholders_say_is_told_apart_from_silence() {
        let why = |query: &str, referer: &str| at(query, &headers(referer.as_bytes())).map(|arrival| arrival.exclusion);
        assert_eq!(why("utm_source={{source}}", ""), Some(Some(Exclusion::Placeholders)));
        assert_eq!(why("utm_source={{source}}", "https://shop.example/a"), Some(Some(Exclusion::Placeholders)));
        assert_eq!(why("utm_source={{source}}", "https://www.google.com/"), Some(None));
        assert_eq!(why("utm_source=news&utm_term={keyword}", ""), Some(None));
        assert_eq!(why("utm_source=", ""), None);
    }

    proptest! {
        #[test]
        fn any_request_is_read_without_panic(
            query in any::<String>(),
            value in any::<String>(),
            bytes in any::<Vec<u8>>(),
            host in "[a-z.]{0,12}",
        ) {
            let address = [format!("https://{host}/").as_bytes(), &bytes].concat();
            for referer in [&bytes, &address] {
                at(&query, &headers(referer));
                at(&format!("utm_medium={value}&gclid={value}&partner={value}"), &headers(referer));
            }
        }

        #[test]
        fn a_beacon_reads_as_the_server_does(
            query in "(utm_source=a&)?(utm_medium=[a-c{}]{1,3}&)?(gclid=x&)?(utm_campaign=%2520a)?",
            referrer in "(https://(www.youtube.com|blog.example|checkout.stripe.com|shop.example)/[a-zé]{0,3})?",
        ) {
            let headers = headers(referrer.as_bytes());
            let seen = at(&query, &headers);
            let told = told_arrival(&headers, "/", &query, &referrer, &settings());
            prop_assert_eq!(format!("{:?}", seen), format!("{:?}", told));
        }
    }

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
