use axum::http::{HeaderName, HeaderValue};

use super::*;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const HTML: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

fn get(path: &str, headers: &[(&str, &str)]) -> Result<(), Ignored> {
    let mut map = HeaderMap::new();
    for &(name, value) in [("user-agent", FIREFOX), ("accept", HTML)].iter().chain(headers) {
        let name: HeaderName = name.parse().expect("a header's name");
        map.insert(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header's value"));
    }
    eligible(&Method::GET, path, &map)
}

#[test]
fn a_browser_that_loads_a_page_is_eligible() {
    assert_eq!(get("/", &[]), Ok(()));
    assert_eq!(get("/r/abc", &[("sec-fetch-dest", "document"), ("accept", "*/*")]), Ok(()));
    assert_eq!(get("/", &[("user-agent", "Mozilla/5.0 (Linux; Android 14; 红米) Chrome/140 Mobile")]), Ok(()));
    assert_eq!(get("/", &[("sec-purpose", "other"), ("x-moz", "")]), Ok(()));
}

#[test]
fn only_get_counts() {
    for method in [Method::HEAD, Method::POST, Method::OPTIONS, Method::PUT] {
        assert_eq!(eligible(&method, "/", &HeaderMap::new()), Err(Ignored::Method), "{method}");
    }
}

#[test]
fn only_a_document_counts() {
    for destination in ["empty", "image", "script", "iframe", "embed", "document2", ""] {
        assert_eq!(get("/", &[("sec-fetch-dest", destination)]), Err(Ignored::NotDocument), "{destination}");
    }
    for accept in ["*/*", "application/json", "image/webp,*/*", ""] {
        assert_eq!(get("/", &[("accept", accept)]), Err(Ignored::NotDocument), "{accept}");
    }
}

#[test]
fn loading_ahead_does_not_count() {
    let cases = [
        ("sec-purpose", "prefetch;prerender"),
        ("sec-purpose", "Prefetch;anonymous-client-ip"),
        ("purpose", "prefetch"),
        ("purpose", "prerender"),
        ("x-purpose", "preview"),
        ("x-moz", "prefetch"),
    ];
    for (name, value) in cases {
        assert_eq!(get("/", &[("sec-fetch-dest", "document"), (name, value)]), Err(Ignored::Prefetch), "{name}");
    }
}

#[test]
fn bots_do_not_count_and_are_called_so() {
    let cases = [
        ("curl/8.5.0", BotKind::Library),
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", BotKind::Crawler),
        ("", BotKind::Other),
    ];
    for (agent, kind) in cases {
        assert_eq!(get("/", &[("user-agent", agent), ("accept", "*/*")]), Err(Ignored::Bot(kind)), "{agent}");
    }
    assert_eq!(eligible(&Method::GET, "/", &HeaderMap::new()), Err(Ignored::Bot(BotKind::Other)));
}

#[test]
fn other_headers_give_a_bot_away() {
    let headless = r#""Chromium";v="126", "HeadlessChrome";v="126", "Not/A)Brand";v="8""#;
    assert_eq!(get("/", &[("sec-ch-ua", headless)]), Err(Ignored::Bot(BotKind::Headless)));
    for from in ["bingbot(at)microsoft.com", "crawler@example.com"] {
        assert_eq!(get("/", &[("from", from)]), Err(Ignored::Bot(BotKind::Other)), "{from}");
    }
    let chrome = r#""Chromium";v="140", "Google Chrome";v="140", "Not=A?Brand";v="24""#;
    assert_eq!(get("/", &[("sec-ch-ua", chrome), ("from", "")]), Ok(()));
}

#[test]
fn paths_without_pages_do_not_count() {
    let without = [
        "/pkg",
        "/pkg/waymark.wasm",
        "/api",
        "/api/login",
        "/healthz",
        "/readyz",
        "/metrics",
        "/favicon.ico",
        "/robots.txt",
        "/images/a.b.PNG",
        "/admin/leads.csv",
    ];
    for path in without {
        assert_eq!(get(path, &[]), Err(Ignored::Path), "{path}");
    }
    for path in ["/", "/pkgs", "/apiary", "/healthz2", "/v1.2/", "/release-1.0", "/a.css/b", "/ü", "", "/."] {
        assert_eq!(get(path, &[]), Ok(()), "{path}");
    }
}

#[test]
fn every_reason_has_a_word() {
    let words = Ignored::ALL.map(Ignored::as_str);
    let known = [
        "bot_crawler",
        "bot_ai",
        "bot_preview",
        "bot_monitor",
        "bot_headless",
        "bot_library",
        "bot_other",
        "prefetch",
        "not_document",
        "method",
        "path",
        "referrer_payment",
        "referrer_identity",
        "referrer_configured",
        "gpc",
        "undecided",
        "refused",
        "flood",
    ];
    assert_eq!(words, known);
    for kind in BotKind::ALL {
        assert!(words.contains(&Ignored::Bot(kind).as_str()), "{kind:?}");
    }
}
