use leptos::prelude::*;

use super::MaybeText;

/// A table that scrolls sideways if it is too wide. The first column stays in view.
///
/// `children` are `<thead>` and `<tbody>`. The first cell of a row is a `<th scope="row">`. A link in it with
/// `class="cover-link"`, as [`TwoLines`] writes it, makes the whole row a link. Only screen readers get the caption.
#[component]
pub fn DataTable(
    #[prop(into)] caption: String,
    /// Less space between columns, for tables with many of them.
    #[prop(optional)]
    dense: bool,
    children: Children,
) -> impl IntoView {
    let label = caption.clone();
    view! {
        <div class="table-scroll" role="region" aria-label=label tabindex="0">
            <table class="table" class:dense=dense>
                <caption class="visually-hidden">{caption}</caption>
                {children()}
            </table>
        </div>
    }
    .into_any()
}

/// A column's heading.
#[component]
pub fn Th(#[prop(into)] label: String, #[prop(optional)] numeric: bool) -> impl IntoView {
    view! { <th scope="col" class:num=numeric>{label}</th> }
}

/// How a table is sorted by a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The table is not sorted by this column.
    #[default]
    None,
    Ascending,
    Descending,
}

/// A heading that sorts by its column. `href` leads to the table sorted by this column, or in the other direction if the table is
/// sorted so already.
#[component]
pub fn SortTh(
    #[prop(into)] label: String,
    #[prop(into)] href: String,
    sort: Sort,
    #[prop(optional)] numeric: bool,
) -> impl IntoView {
    let (state, arrow) = match sort {
        Sort::None => (None, "↕"),
        Sort::Ascending => (Some("ascending"), "↑"),
        Sort::Descending => (Some("descending"), "↓"),
    };
    view! {
        <th scope="col" class:num=numeric aria-sort=state>
            <a class="sort-link" href=href>{label}<span class="sort-arrow" aria-hidden="true">{arrow}</span></a>
        </th>
    }
}

/// A cell's main line, with a softer line below it. With `href`, the main line is a link.
#[component]
pub fn TwoLines(
    #[prop(into)] title: String,
    #[prop(optional, into)] subtitle: MaybeText,
    #[prop(optional, into)] href: MaybeText,
) -> impl IntoView {
    let title = match href.get() {
        Some(href) => view! { <a class="cover-link" href=href>{title}</a> }.into_any(),
        None => title.into_any(),
    };
    view! {
        <span class="line-title">{title}</span>
        {subtitle.get().map(|text| view! { <span class="line-subtitle">{text}</span> })}
    }
}

/// Links to the newer and the older rows, as far as there are any.
#[component]
pub fn Pagination(
    newer: Option<String>,
    older: Option<String>,
    /// For example "51 to 100 of 7,046".
    #[prop(optional, into)]
    summary: MaybeText,
    #[prop(default = "Newer")] newer_label: &'static str,
    #[prop(default = "Older")] older_label: &'static str,
) -> impl IntoView {
    let step = |href: Option<String>, label: &'static str, rel: &'static str| {
        href.map(|href| view! { <a class="button" href=href rel=rel>{label}</a> })
    };
    let any = newer.is_some() || older.is_some();
    view! {
        <div class="pagination">
            {summary.get().map(|text| view! { <p class="muted">{text}</p> })}
            {any.then(|| view! {
                <nav aria-label="Pages">
                    {step(newer, newer_label, "prev")}
                    {step(older, older_label, "next")}
                </nav>
            })}
        </div>
    }
}
