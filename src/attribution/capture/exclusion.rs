//! Which requests are not an arrival. In an arrival, a person's browser loads a page.
//!
//! Only the request's head decides; the response's status does not matter. A header excludes a request only if no person's
//! browser sends such a value. A missing `Accept-Language` or `Sec-Fetch-Mode` proves nothing, because the browsers inside apps
//! and privacy tools leave these headers out.

use std::borrow::Cow;

use axum::http::{
    HeaderMap, Method,
    header::{ACCEPT, USER_AGENT},
};

use super::bots::{BotKind, bot};
use crate::attribution::source::from_referrer::ReferrerExclusion;

/// Why a request does not become a touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclusion {
    /// The request is not a GET.
    Method,
    /// The path leads to a file or below a prefix without pages.
    Path,
    /// A program that says so in its headers.
    Bot(BotKind),
    /// A program that signs its requests, under whatever user agent.
    SignedAgent,
    /// The browser loads the page ahead of a click that may never come, or draws a thumbnail.
    Prefetch,
    /// The request is for a part of a page: a script, a picture, a fetch, a frame.
    NotDocument,
    /// A return from an ignored referrer, such as a payment page, by a link without signals.
    Referrer(ReferrerExclusion),
    /// All values of the link are placeholders, and no other page linked here.
    Placeholders,
    /// The browser asks for privacy, and `ATTRIBUTION_GPC` is `no_capture`.
    Gpc,
    /// Consent is required, and the visitor has not decided yet.
    Undecided,
    /// The visitor declined.
    Refused,
    /// The network address has brought too many new visitors or touches.
    Flood,
}

impl Exclusion {
    /// One reason for each word of [`Exclusion::as_str`].
    pub const ALL: [Self; 21] = [
        Self::Bot(BotKind::Crawler),
        Self::Bot(BotKind::Ai),
        Self::Bot(BotKind::Preview),
        Self::Bot(BotKind::Monitor),
        Self::Bot(BotKind::Headless),
        Self::Bot(BotKind::Library),
        Self::Bot(BotKind::Other),
        Self::SignedAgent,
        Self::Prefetch,
        Self::NotDocument,
        Self::Method,
        Self::Path,
        Self::Referrer(ReferrerExclusion::Payment),
        Self::Referrer(ReferrerExclusion::Identity),
        Self::Referrer(ReferrerExclusion::Spam),
        Self::Referrer(ReferrerExclusion::Configured),
        Self::Placeholders,
        Self::Gpc,
        Self::Undecided,
        Self::Refused,
        Self::Flood,
    ];

    /// Returns the word for a metric's label and a counter's row. Less common kinds of machines share
    /// the word `bot_other`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Path => "path",
            Self::SignedAgent => "signed_agent",
            Self::Prefetch => "prefetch",
            Self::NotDocument => "not_document",
            Self::Referrer(ReferrerExclusion::Payment) => "referrer_payment",
            Self::Referrer(ReferrerExclusion::Identity) => "referrer_identity",
            Self::Referrer(ReferrerExclusion::Spam) => "referrer_spam",
            Self::Referrer(ReferrerExclusion::Configured) => "referrer_configured",
            Self::Placeholders => "placeholders",
            Self::Gpc => "gpc",
            Self::Undecided => "undecided",
            Self::Refused => "refused",
            Self::Flood => "flood",
            Self::Bot(kind) => match kind {
                BotKind::Crawler => "bot_crawler",
                BotKind::Ai => "bot_ai",
                BotKind::Preview => "bot_preview",
                BotKind::Monitor => "bot_monitor",
                BotKind::Headless => "bot_headless",
                BotKind::Library => "bot_library",
                BotKind::Feed | BotKind::Seo | BotKind::Scanner | BotKind::Other => "bot_other",
            },
        }
    }
}

/// File extensions of assets.
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

/// The headers by which browsers say that they prefetch.
const PREFETCH_HEADERS: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/// Returns whether a program sent the request.
pub fn is_machine(headers: &HeaderMap) -> bool {
    machine(headers).is_some()
}

/// Returns why a request is not an arrival, or `None` for an arrival. `no_pages` are the prefixes of paths without pages.
///
/// If several reasons apply, the most telling one is returned. Example: most bots do not request a document, and count as bots.
pub fn exclusion(method: &Method, path: &str, headers: &HeaderMap, no_pages: &[&str]) -> Option<Exclusion> {
    if method != Method::GET {
        Some(Exclusion::Method)
    } else if has_no_page(path, no_pages) {
        Some(Exclusion::Path)
    } else if let Some(why) = machine(headers) {
        Some(why)
    } else if PREFETCH_HEADERS.iter().any(|name| says(headers, name, &["prefetch", "prerender", "preview"])) {
        Some(Exclusion::Prefetch)
    } else if !is_document(headers) {
        Some(Exclusion::NotDocument)
    } else {
        None
    }
}

/// Returns why a request is a program's, from all headers that tell.
fn machine(headers: &HeaderMap) -> Option<Exclusion> {
    let agent = text(headers, USER_AGENT.as_str());
    if let Some(bot) = bot(agent.as_deref()) {
        Some(Exclusion::Bot(bot.kind))
    } else if is_signed_by_agent(headers) {
        Some(Exclusion::SignedAgent)
    } else if says(headers, "sec-ch-ua", &["Headless"]) {
        // With another user agent set, headless Chrome still names itself here.
        Some(Exclusion::Bot(BotKind::Headless))
    } else if says(headers, "from", &["@", "(at)"]) {
        // "A robotic user agent SHOULD send" its operator's address: RFC 9110, section 10.1.2. No browser sends one.
        Some(Exclusion::Bot(BotKind::Other))
    } else {
        None
    }
}

/// Returns whether the request says that an automated agent signed it: draft-ietf-webbotauth-httpsig-protocol. The agent names
/// itself in `Signature-Agent`, as a string (`"https://chatgpt.com"`) or, by later drafts, as a dictionary
/// (`sig1="https://chatgpt.com"`). An agent without a name still tags its signature with `web-bot-auth`.
///
/// Any other signature can be a proxy's, which signs people's requests too. Nobody checks the signature: an agent that pretends
/// to be another one is an agent as well.
fn is_signed_by_agent(headers: &HeaderMap) -> bool {
    let names_itself = headers.get("signature-agent").is_some_and(|value| !value.as_bytes().trim_ascii().is_empty());
    names_itself || says(headers, "signature-input", &["web-bot-auth"])
}

fn has_no_page(path: &str, no_pages: &[&str]) -> bool {
    // `/login/` stands for what is below `/login`, and for neither `/login` nor `/login/`.
    let is_below = |prefix: &str, rest: &str| match prefix.ends_with('/') {
        true => !rest.is_empty(),
        false => rest.is_empty() || rest.starts_with('/'),
    };
    let below = |prefix: &&str| path.strip_prefix(*prefix).is_some_and(|rest| is_below(prefix, rest));
    let segment = path.rsplit('/').next().unwrap_or_default();
    let asset = segment
        .rsplit_once('.')
        .is_some_and(|(_, extension)| ASSETS.iter().any(|asset| asset.eq_ignore_ascii_case(extension)));
    asset || no_pages.iter().any(below)
}

/// Returns whether a header holds one of the words, in any case.
fn says(headers: &HeaderMap, name: &str, words: &[&str]) -> bool {
    headers.get_all(name).iter().any(|value| words.iter().any(|word| contains(value.as_bytes(), word)))
}

/// Returns whether the browser loads a page. Old browsers, and all browsers over plain HTTP, send no `Sec-Fetch-Dest`. Then
/// `Accept` decides.
fn is_document(headers: &HeaderMap) -> bool {
    match text(headers, "sec-fetch-dest") {
        Some(destination) => destination.trim().eq_ignore_ascii_case("document"),
        None => says(headers, ACCEPT.as_str(), &["text/html"]),
    }
}

fn contains(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

/// Returns a header as text. Some phones' names are not ASCII, which `HeaderValue::to_str` refuses.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    // Most values are ASCII, for which `from_utf8_lossy` is slow.
    headers.get(name).map(|value| value.to_str().map_or_else(|_| String::from_utf8_lossy(value.as_bytes()), Cow::from))
}

#[cfg(test)]
mod tests;
