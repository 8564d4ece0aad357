use leptos::prelude::*;

/// Tells the server what the address says of an arrival, where it says something: a query may have been taken away on the way to
/// the server, and `#utm_…` never goes there. It shows nothing.
///
/// Whether there is something to say, the server's own parser decides. The server does not count twice what it saw itself. Where
/// a visitor has yet to decide about consent, nothing is sent: it waits in the banner's form.
#[island]
pub fn Beacon() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser::send();
}

#[cfg(feature = "hydrate")]
mod browser {
    use form_urlencoded::Serializer;
    use leptos::prelude::{document, window};

    use crate::attribution::{params::parse, tags::CustomTags};

    /// Sends the address' signals, if it has any and may.
    pub fn send() -> Option<()> {
        let root = document().document_element()?;
        let tags = CustomTags::parse(&root.get_attribute("data-tags").unwrap_or_default()).unwrap_or_default();
        let location = window().location();
        let (query, fragment) = (location.search().ok()?, location.hash().ok()?);
        let (query, fragment) = (query.trim_start_matches('?'), fragment.trim_start_matches('#'));
        let says = |text: &str| !text.is_empty() && !parse(text, None, &tags).is_empty();
        let fragment = if says(fragment) { fragment } else { "" };
        if !(says(query) || says(fragment)) {
            return None;
        }
        let body = Serializer::new(String::new())
            .append_pair("path", &location.pathname().ok()?)
            .append_pair("query", query)
            .append_pair("fragment", fragment)
            .append_pair("referrer", &document().referrer())
            .finish();
        if let Some(field) = document().query_selector("input[data-beacon]").ok().flatten() {
            return field.set_attribute("value", &body).ok();
        }
        let parameters = web_sys::UrlSearchParams::new_with_str(&body).ok()?;
        window().navigator().send_beacon_with_opt_url_search_params("/api/touch", Some(&parameters)).ok().map(drop)
    }
}
