use leptos::prelude::*;

/// Tells the server what the server cannot see of the page's arrival. Shows nothing.
///
/// Browsers never send the part after the `#`, and a CDN may remove the query before the server sees it. The parser that server
/// and browser share decides whether the address may hold a signal. Without a signal nothing is sent, unless the document asks for
/// it by its attribute `data-tell`. The attribute `data-arrival` says which touch the page's request made, so that the arrival is
/// not counted again.
///
/// The script in [`crate::app`] starts this island when a person sees the page: the browser may have loaded the page ahead of a
/// click, or in a tab in the background. While a visitor has not decided about consent, the beacon fills a hidden field of the
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

    /// Sends what the page knows, or hands it to the consent banner.
    pub fn send() -> Option<()> {
        let root = document().document_element()?;
        let tell = root.get_attribute("data-tell");
        // going back shows a page that was loaded ahead and told already
        if tell.as_deref() == Some("once") && is_shown_again() {
            return None;
        }
        let tags = root.get_attribute("data-tags").unwrap_or_default();
        let location = window().location();
        let (query, fragment) = (location.search().ok()?, location.hash().ok()?);
        let (query, fragment) = (query.trim_start_matches('?'), fragment.trim_start_matches('#'));
        // most fragments name a part of the page and are not sent
        let fragment = if may_say_something(fragment, &tags) { fragment } else { "" };
        if tell.is_none() && fragment.is_empty() && !may_say_something(query, &tags) {
            return None;
        }
        let body = UrlSearchParams::new().ok()?;
        body.append("path", &location.pathname().ok()?);
        body.append("query", query);
        body.append("fragment", fragment);
        body.append("referrer", &document().referrer());
        body.append("arrival", &root.get_attribute("data-arrival").unwrap_or_default());
        if let Some(field) = document().query_selector("input[data-beacon]").ok().flatten() {
            return field.set_attribute("value", &String::from(body.to_string())).ok();
        }
        window().navigator().send_beacon_with_opt_url_search_params("/api/touch", Some(&body)).ok().map(drop)
    }

    /// Returns whether the visitor went back or forward to this page, or restored it.
    fn is_shown_again() -> bool {
        window().performance().is_some_and(|performance| performance.navigation().type_() == 2)
    }
}
