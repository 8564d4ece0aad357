use axum::http::{HeaderName, HeaderValue};

use super::*;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const NO_PAGES: [&str; 5] = ["/pkg", "/api", "/healthz", "/readyz", "/metrics"];
const HTML: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

fn get(path: &str, headers: &[(&str, &str)]) -> Option<Exclusion> {
    let mut map = HeaderMap::new();
    for &(name, value) in [("user-agent", FIREFOX), ("accept", HTML)].iter().chain(headers) {
        let name: HeaderName = name.parse().expect("a header's name");
        map.insert(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header's value"));
    }
    exclusion(&Method::GET, path, &map, &NO_PAGES)
}

#[test]
fn a_browser_that_loads_a_page_is_eligible() {
    assert_eq!(get("/", &[]), None);
    assert_eq!(get("/r/abc", &[("sec-fetch-dest", "document"), ("accept", "*/*")]), None);
    assert_eq!(get("/", &[("user-agent", "Mozilla/5.0 (Linux; Android 14; 红米) Chrome/140 Mobile")]), None);
    assert_eq!(get("/", &[("sec-purpose", "other"), ("x-moz", "")]), None);
}

#[test]
fn only_get_counts() {
    for method in [Method::HEAD, Method::POST, Method::OPTIONS, Method::PUT] {
        assert_eq!(exclusion(&method, "/", &HeaderMap::new(), &NO_PAGES), Some(Exclusion::Method), "{method}");
    }
}

#[test]
fn only_a_document_counts() {
    for destination in ["empty", "image", "script", "iframe", "embed", "document2", ""] {
        assert_eq!(get("/", &[("sec-fetch-dest", destination)]), Some(Exclusion::NotDocument), "{destination}");
    }
    for accept in ["*/*", "application/json", "image/webp,*/*", ""] {
        assert_eq!(get("/", &[("accept", accept)]), Some(Exclusion::NotDocument), "{accept}");
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
        assert_eq!(get("/", &[("sec-fetch-dest", "document"), (name, value)]), Some(Exclusion::Prefetch), "{name}");
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
        assert_eq!(get("/", &[("user-agent", agent), ("accept", "*/*")]), Some(Exclusion::Bot(kind)), "{agent}");
    }
    assert_eq!(exclusion(&Method::GET, "/", &HeaderMap::new(), &NO_PAGES), Some(Exclusion::Bot(BotKind::Other)));
}

#[test]
fn other_headers_give_a_bot_away() {
    let headless = r#""Chromium";v="126", "HeadlessChrome";v="126", "Not/A)Brand";v="8""#;
    assert_eq!(get("/", &[("sec-ch-ua", headless)]), Some(Exclusion::Bot(BotKind::Headless)));
    for from in ["bingbot(at)microsoft.com", "crawler@example.com"] {
        assert_eq!(get("/", &[("from", from)]), Some(Exclusion::Bot(BotKind::Other)), "{from}");
    }
    let chrome = r#""Chromium";v="140", "Google Chrome";v="140", "Not=A?Brand";v="24""#;
    assert_eq!(get("/", &[("sec-ch-ua", chrome), ("from", "")]), None);
}

#[test]
fn an_agent_that_signs_its_requests_is_a_machine_under_a_browsers_name() {
    let tagged = r#"sig1=("@authority");created=1764288000;keyid="a";tag="web-bot-auth""#;
    for (name, value) in [
        ("signature-agent", r#""https://chatgpt.com""#),
        ("signature-agent", r#"sig1="https://chatgpt.com", sig2="https://agent.example""#),
        ("signature-agent", "https://chatgpt.com"),
        ("signature-input", tagged),
    ] {
        assert_eq!(get("/", &[(name, value)]), Some(Exclusion::SignedAgent), "{name}: {value}");
    }
    for (name, value) in [
        ("signature-agent", ""),
        ("signature-agent", " "),
        ("signature-input", r#"proxy=("@method" "@authority");created=1764288000;keyid="b""#),
        ("signature", "proxy=:c2lnbmF0dXJl:"),
    ] {
        assert_eq!(get("/", &[(name, value)]), None, "{name}: {value}");
    }
    let named = [("user-agent", "GPTBot/1.2"), ("signature-agent", r#""https://openai.com""#)];
    assert_eq!(get("/", &named), Some(Exclusion::Bot(BotKind::Ai)));
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
        assert_eq!(get(path, &[]), Some(Exclusion::Path), "{path}");
    }
    for path in ["/", "/pkgs", "/apiary", "/healthz2", "/v1.2/", "/release-1.0", "/a.css/b", "/ü", "", "/."] {
        assert_eq!(get(path, &[]), None, "{path}");
    }
}

#[test]
fn every_reason_has_a_word() {
    let words = Exclusion::ALL.map(Exclusion::as_str);
    let known = [
        "bot_crawler",
        "bot_ai",
        "bot_preview",
        "bot_monitor",
        "bot_headless",
        "bot_library",
        "bot_other",
        "signed_agent",
        "prefetch",
        "not_document",
        "method",
        "path",
        "referrer_payment",
        "referrer_identity",
        "referrer_spam",
        "referrer_configured",
        "placeholders",
        "gpc",
        "undecided",
        "refused",
        "flood",
    ];
    assert_eq!(words, known);
    for kind in BotKind::ALL {
        assert!(words.contains(&Exclusion::Bot(kind).as_str()), "{kind:?}");
    }
}
