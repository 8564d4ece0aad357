use leptos::prelude::*;

use super::format;

/// A row of a [`BarList`].
#[derive(Clone, Debug)]
pub struct BarItem {
    pub label: String,
    /// A second line below the label, in the soft colour.
    pub detail: Option<String>,
    pub href: Option<String>,
    pub value: i64,
    /// The value as text. Without it, the value is written as a count.
    pub text: Option<String>,
}

/// A ranking. Each row has its value, its share of `total`, and a bar behind it. The largest value has a full bar.
///
/// An empty list renders nothing. Show an [`super::EmptyState`] or a line of text instead.
#[component]
pub fn BarList(
    items: Vec<BarItem>,
    /// 100% of the shares: the sum of all rows, including rows that are not in `items`.
    total: i64,
) -> impl IntoView {
    let largest = items.iter().map(|item| item.value).max();
    let full = largest.unwrap_or(0).max(1) as f64;
    let rows = items
        .into_iter()
        .map(|BarItem { label, detail, href, value, text }| {
            let width = format!("{:.2}", value.max(0) as f64 / full * 100.0);
            let label = match href {
                Some(href) => view! { <a class="cover-link" href=href>{label}</a> }.into_any(),
                None => label.into_any(),
            };
            view! {
                <li>
                    <svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
                        <rect width=width height="1"/>
                    </svg>
                    <span class="bar-label">{label}{detail.map(|detail| view! { <small>{detail}</small> })}</span>
                    <span class="bar-value">{text.unwrap_or_else(|| format::count(value))}</span>
                    <span class="bar-share">{format::share(value, total)}</span>
                </li>
            }
        })
        .collect_view();
    largest.is_some().then(|| view! { <ol class="bars">{rows}</ol> }.into_any())
}
