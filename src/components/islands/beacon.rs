use leptos::prelude::*;

/// Tells the server about signals in the page's address that the server cannot see. Shows nothing.
///
/// Browsers never send the part after the `#`, and a CDN may remove the query before the server sees it. The parser that server
/// and browser share decides whether the address may hold a signal. Without a signal nothing is sent. An arrival that the server
/// has seen itself is not counted again. While a visitor has not decided about consent, the beacon fills a hidden field of the
/// banner's form, and sends nothing.
#[island]
pub fn Beacon() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser::send();
}

#[cfg(feature = "hydrate")]
mod browser {
    use leptos::prelude::{document, window};
    use web_sys::UrlSearchParams;

    use crate::attribution::signal::may_say_something;

    /// Sends path, query, fragment and referrer of the page, or hands them to the consent banner.
    pub fn send() -> Option<()> {
        let tags = document().document_element()?.get_attribute("data-tags").unwrap_or_default();
        let location = window().location();
        let (query, fragment) = (location.search().ok()?, location.hash().ok()?);
        let (query, fragment) = (query.trim_start_matches('?'), fragment.trim_start_matches('#'));
        // most fragments name a part of the page and are not sent
        let fragment = if may_say_something(fragment, &tags) { fragment } else { "" };
        if fragment.is_empty() && !may_say_something(query, &tags) {
            return None;
        }
        let body = UrlSearchParams::new().ok()?;
        body.append("path", &location.pathname().ok()?);
        body.append("query", query);
        body.append("fragment", fragment);
        body.append("referrer", &document().referrer());
        if let Some(field) = document().query_selector("input[data-beacon]").ok().flatten() {
            return field.set_attribute("value", &String::from(body.to_string())).ok();
        }
        window().navigator().send_beacon_with_opt_url_search_params("/api/touch", Some(&body)).ok().map(drop)
    }
}
