//! Which requests can be a touch: a person's browser that loads a page. Everything here is read from the
//! request's head; the response's status does not matter.

use std::borrow::Cow;

use axum::http::{
    HeaderMap, Method,
    header::{ACCEPT, USER_AGENT},
};

use super::bots::is_bot;

/// Why a request is no touch, whatever its query says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// Not a GET.
    Method,
    /// Something a page loads, not a page: a script, a picture, a fetch, a frame.
    NotDocument,
    /// The browser loads ahead of a click that may never come, or draws a thumbnail.
    Prefetch,
    /// A machine, by its own account.
    Bot,
    /// Under a path where no pages are.
    Path,
}

impl Ignored {
    /// A fixed word, fit for a metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::NotDocument => "not_document",
            Self::Prefetch => "prefetch",
            Self::Bot => "bot",
            Self::Path => "path",
        }
    }
}

/// Where no pages are: build output, server functions, health and metrics.
const NO_PAGES: [&str; 5] = ["/pkg", "/api", "/healthz", "/readyz", "/metrics"];

/// What the last segment of an asset's path ends with.
const ASSETS: [&str; 40] = [
    "js",
    "mjs",
    "css",
    "map",
    "wasm",
    "json",
    "webmanifest",
    "txt",
    "xml",
    "csv",
    "pdf",
    "zip",
    "gz",
    "br",
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "webp",
    "avif",
    "ico",
    "bmp",
    "tif",
    "tiff",
    "woff",
    "woff2",
    "ttf",
    "otf",
    "eot",
    "mp3",
    "m4a",
    "ogg",
    "wav",
    "mp4",
    "m4v",
    "webm",
    "mov",
    "vtt",
    "ics",
];

/// The headers by which browsers say that they load ahead of a click.
const PREFETCH_HEADERS: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/// Whether a request can be a touch, or the first reason why not. The reason that says most stands first:
/// most bots also ask for no document, and still count as bots.
pub fn eligible(method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Ignored> {
    if method != Method::GET {
        Err(Ignored::Method)
    } else if has_no_page(path) {
        Err(Ignored::Path)
    } else if is_bot(text(headers, USER_AGENT.as_str()).as_deref()) {
        Err(Ignored::Bot)
    } else if PREFETCH_HEADERS.iter().any(|name| loads_ahead(headers, name)) {
        Err(Ignored::Prefetch)
    } else if !is_document(headers) {
        Err(Ignored::NotDocument)
    } else {
        Ok(())
    }
}

fn has_no_page(path: &str) -> bool {
    let below = |prefix: &&str| path.strip_prefix(*prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let segment = path.rsplit('/').next().unwrap_or_default();
    let asset = segment
        .rsplit_once('.')
        .is_some_and(|(_, extension)| ASSETS.iter().any(|asset| asset.eq_ignore_ascii_case(extension)));
    asset || NO_PAGES.iter().any(below)
}

fn loads_ahead(headers: &HeaderMap, name: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .any(|value| ["prefetch", "prerender", "preview"].iter().any(|word| contains(value.as_bytes(), word)))
}

/// Old browsers and those on plain http do not send `Sec-Fetch-Dest`; what they accept must do.
fn is_document(headers: &HeaderMap) -> bool {
    match text(headers, "sec-fetch-dest") {
        Some(destination) => destination.trim().eq_ignore_ascii_case("document"),
        None => headers.get_all(ACCEPT).iter().any(|value| contains(value.as_bytes(), "text/html")),
    }
}

fn contains(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

/// A header as text. Some phones' names are not ASCII, which `HeaderValue::to_str` refuses.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
}

#[cfg(test)]
mod tests {
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
        for agent in ["curl/8.5.0", "Mozilla/5.0 (compatible; Googlebot/2.1)", ""] {
            assert_eq!(get("/", &[("user-agent", agent), ("accept", "*/*")]), Err(Ignored::Bot), "{agent}");
        }
        assert_eq!(eligible(&Method::GET, "/", &HeaderMap::new()), Err(Ignored::Bot));
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
        let reasons = [Ignored::Method, Ignored::NotDocument, Ignored::Prefetch, Ignored::Bot, Ignored::Path];
        let words = reasons.map(Ignored::as_str);
        assert_eq!(words, ["method", "not_document", "prefetch", "bot", "path"]);
    }
}
