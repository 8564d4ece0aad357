//! Until the visitor decides about consent, the landing travels in the address of the next page.
//!
//! When the visitor follows a link of this site, the `Referer` header holds the address of the page before, with its query. The
//! server redirects to the same page at an address that carries the landing in [`PARAMETER`], with the landing's time and path.
//! After the decision, a redirect removes the parameter.

use axum::http::{HeaderValue, header};

use super::{
    arrival::{Arrival, RequestHead, is_page_of, told_arrival},
    deferred::{self, DeferredTouch},
    exclusion::exclusion,
};
use crate::{
    attribution::{settings::Settings, touch::Touch},
    local_path::LocalPath,
    timestamp::Timestamp,
};

/// The parameter that carries a landing in the addresses of this site's pages.
pub const PARAMETER: &str = "landing";

/// The longest landing that is carried, in bytes of the address. Some proxies refuse longer addresses.
const MAX_BYTES: usize = 2_000;

/// Where an undecided visitor's landing is found.
#[derive(Debug)]
pub enum Handoff {
    /// In this page's address.
    Present(Box<DeferredTouch>),
    /// In the address of the page before. The browser has to request this page again, at the address in this variant.
    RedirectTo(HeaderValue),
}

/// Returns the landing of an undecided visitor who comes from an earlier page of this site.
pub fn handoff(head: RequestHead<'_>, settings: &Settings, now: Timestamp) -> Option<Handoff> {
    if let Some(touch) = carried(head.query.unwrap_or_default(), settings, now) {
        return Some(Handoff::Present(Box::new(touch)));
    }
    let referer = head.header(header::REFERER)?;
    let host = head.header(header::HOST).unwrap_or_default();
    if !is_page_of(referer, host) || exclusion(head.method, head.path, head.headers, settings.no_pages).is_some() {
        return None;
    }
    let landing = landing_of_page(referer, head, settings, now)?.encoded();
    let query = head.query.filter(|query| !query.is_empty()).map(|query| format!("{query}&")).unwrap_or_default();
    let address = format!("{}?{query}{PARAMETER}={landing}", head.path);
    if landing.len() > MAX_BYTES {
        return None;
    }
    // The path alone decides where a redirect leads: a query may hold a backslash.
    LocalPath::parse(head.path)?;
    HeaderValue::from_str(&address).ok().map(Handoff::RedirectTo)
}

/// Returns the landing in the address of a page of this site: the one that the address carries, else the address itself.
fn landing_of_page(page: &str, head: RequestHead<'_>, settings: &Settings, now: Timestamp) -> Option<DeferredTouch> {
    let (address, query) = page.split('#').next()?.split_once('?')?;
    if let Some(touch) = carried(query, settings, now) {
        return Some(touch);
    }
    let path = address.splitn(4, '/').nth(3).map(|path| format!("/{path}"))?;
    match told_arrival(head.headers, &path, query, "", settings)? {
        Arrival { landing, exclusion: None } => Some(DeferredTouch::of(&Touch::new(landing, now, &settings.rules))),
        Arrival { exclusion: Some(_), .. } => None,
    }
}

fn carried(query: &str, settings: &Settings, now: Timestamp) -> Option<DeferredTouch> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix(PARAMETER)?.strip_prefix('='))?;
    deferred::decode(value).into_iter().next().filter(|touch| touch.restore(settings, now, false).is_some())
}
