use leptos::prelude::*;

/// Tells the server what the address says of an arrival, where it says something: a query may have been taken away on the way to
/// the server, and `#utm_…` never goes there. It shows nothing.
///
/// Whether there may be something to say, the server's own parser decides. The server does not count twice what it saw itself. Where
/// a visitor has yet to decide about consent, nothing is sent: it waits in the banner's form.
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

    /// Sends the address' signals, if it has any and may.
    pub fn send() -> Option<()> {
        let tags = document().document_element()?.get_attribute("data-tags").unwrap_or_default();
        let location = window().location();
        let (query, fragment) = (location.search().ok()?, location.hash().ok()?);
        let (query, fragment) = (query.trim_start_matches('?'), fragment.trim_start_matches('#'));
        // a fragment is part of the page more often than of a link
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
