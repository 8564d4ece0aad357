//! Until the visitor decides about consent, the landing travels in the address of the next page.
//!
//! When the visitor follows a link of this site, the `Referer` header holds the address of the page before, with its query. The
//! server redirects to the same page at an address that carries the landing in [`PARAMETER`], with the landing's time and path.
//! After the decision, a redirect removes the parameter.
//!
//! People copy addresses and send them to others. Before consent there is no cookie, so no text in an address, not even a signed
//! one, can tell whose browser opens the address. The header `Sec-Fetch-Site` can: a link of this site's pages leads here with
//! `same-origin`, a pasted address with `none`, a link in a message or on another site with `cross-site`. Browsers do not let
//! pages change this header. So the parameter counts only for a request from a page of this site. For any other request the
//! server removes the parameter with a redirect, so that further pages do not carry the landing either.
//! A landing is carried for [`LANDING_MAX_AGE`](super::deferred::LANDING_MAX_AGE).

use axum::http::{HeaderValue, header};

use super::{
    arrival::{Arrival, RequestHead, asks_for_privacy, is_from_our_page, is_page_of, referer, told_arrival},
    deferred::{self, DeferredTouch},
    exclusion::exclusion,
};
use crate::{
    attribution::{settings::Settings, touch::Touch},
    local_path::LocalPath,
    timestamp::Timestamp,
};

/// The parameter that carries a landing in the addresses of this site's pages. No page has a parameter of its own with this name.
pub const PARAMETER: &str = "_wm";

/// The longest landing that is carried, in bytes of the address. Some proxies refuse longer addresses.
const MAX_BYTES: usize = 2_000;

/// Where an undecided visitor's landing is found.
#[derive(Debug)]
pub enum Handoff {
    /// In this page's address.
    Present(Box<DeferredTouch>),
    /// The browser has to request this page again, at the address in this variant. Either the landing is in the address of the
    /// page before and has to be added, or this address carries the landing of another browser and has to lose that landing.
    RedirectTo(HeaderValue),
}

/// Returns the address of a page without the landing of another browser, if it carries one.
pub fn without_foreign_landing(head: RequestHead<'_>, settings: &Settings, now: Timestamp) -> Option<HeaderValue> {
    let query = head.query?;
    let is_foreign = !is_from_our_page(head.headers) && carried(query, head, settings, now).is_some();
    if !is_foreign || exclusion(head.method, head.path, head.headers, settings.no_pages).is_some() {
        return None;
    }
    address(head.path, &without_parameter(query))
}

/// Returns the landing of an undecided visitor who comes from an earlier page of this site.
pub fn handoff(head: RequestHead<'_>, settings: &Settings, now: Timestamp) -> Option<Handoff> {
    let query = head.query.unwrap_or_default();
    if !is_from_our_page(head.headers) {
        return None;
    }
    if has_parameter(query) {
        // A text that cannot be read stays as it is: a redirect would not change it.
        return carried(query, head, settings, now).map(|touch| Handoff::Present(Box::new(touch)));
    }
    let referer = referer(head.headers)?;
    let host = head.header(header::HOST).unwrap_or_default();
    if !is_page_of(&referer, host) || exclusion(head.method, head.path, head.headers, settings.no_pages).is_some() {
        return None;
    }
    let landing = landing_of_page(&referer, head, settings, now)?.encoded();
    if landing.len() > MAX_BYTES {
        return None;
    }
    let separator = if query.is_empty() { "" } else { "&" };
    address(head.path, &format!("{query}{separator}{PARAMETER}={landing}")).map(Handoff::RedirectTo)
}

/// Returns a query without the parameter: `a=b&_wm=…` → `a=b`.
pub fn without_parameter(query: &str) -> String {
    query.split('&').filter(|pair| !is_parameter(pair)).collect::<Vec<_>>().join("&")
}

fn has_parameter(query: &str) -> bool {
    query.split('&').any(is_parameter)
}

fn is_parameter(pair: &str) -> bool {
    pair.split('=').next() == Some(PARAMETER)
}

/// Returns the target of a redirect to a page of this site.
fn address(path: &str, query: &str) -> Option<HeaderValue> {
    // The path alone decides where a redirect leads: a query may hold a backslash.
    LocalPath::parse(path)?;
    let address = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    HeaderValue::from_str(&address).ok()
}

/// Returns the landing in the address of a page of this site: the one that the address carries, else the address itself.
fn landing_of_page(page: &str, head: RequestHead<'_>, settings: &Settings, now: Timestamp) -> Option<DeferredTouch> {
    let (address, query) = page.split('#').next()?.split_once('?')?;
    if let Some(touch) = carried(query, head, settings, now) {
        return Some(touch);
    }
    let path = address.splitn(4, '/').nth(3).map(|path| format!("/{path}"))?;
    match told_arrival(head.headers, &path, query, "", settings)? {
        Arrival { landing, exclusion: None } => Some(DeferredTouch::of(&Touch::new(landing, now, &settings.rules))),
        Arrival { exclusion: Some(_), .. } => None,
    }
}

fn carried(query: &str, head: RequestHead<'_>, settings: &Settings, now: Timestamp) -> Option<DeferredTouch> {
    let pair = query.split('&').find(|pair| is_parameter(pair))?;
    let touch = deferred::decode(pair.split_once('=')?.1).into_iter().next()?;
    touch.restore_landing(settings, now, asks_for_privacy(head.headers)).map(|_| touch)
}
