//! Filters are GET forms and links. The state is in the address of the page, which can be bookmarked and shared.

use leptos::prelude::*;

use super::MaybeText;

/// A GET form of filters with its button. Pressing the button opens `action` with the fields' values in the query.
///
/// ```no_run
/// # use leptos::prelude::*;
/// # use waymark::components::{FilterBar, FilterDate, FilterSearch};
/// # let search: Option<String> = None;
/// view! {
///     <FilterBar action="/admin/leads" keep=vec![("sort".into(), "newest".into())]>
///         <FilterSearch name="q" label="Search" value=search placeholder="E-mail, campaign or term"/>
///         <FilterDate name="from" label="From" value="2026-10-24"/>
///     </FilterBar>
/// }
/// # ;
/// ```
#[component]
pub fn FilterBar(
    #[prop(into)] action: String,
    /// Further parameters of the next address, as names and values.
    #[prop(optional)]
    keep: Vec<(String, String)>,
    children: Children,
) -> impl IntoView {
    let kept =
        keep.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view();
    view! {
        <form class="filters" method="get" action=action role="search" aria-label="Filters">
            {kept}
            {children()}
            <button class="button" type="submit">"Apply"</button>
        </form>
    }
    .into_any()
}

/// An option of a [`FilterSelect`]: its value and the words for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterOption {
    pub value: String,
    pub label: String,
}

impl FilterOption {
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }

    /// Returns a value that is its own label.
    pub fn same(value: impl Into<String>) -> Self {
        let value = value.into();
        Self { label: value.clone(), value }
    }
}

/// A choice of one option. `any` is the label of the empty value, which comes first.
///
/// A `selected` value that is not among the options becomes one, so that pressing "Apply" does not drop it.
#[component]
pub fn FilterSelect(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    mut options: Vec<FilterOption>,
    #[prop(into)] selected: MaybeText,
    /// Without a label there is no empty value, and one of the options is always chosen.
    #[prop(optional, into)]
    any: MaybeText,
) -> impl IntoView {
    let selected = selected.get().filter(|value| !value.is_empty());
    if let Some(value) = &selected
        && !options.iter().any(|option| option.value == *value)
    {
        options.push(FilterOption::same(value.clone()));
    }
    let id = filter_id(&name);
    let any = any.get().map(|label| view! { <option value="">{label}</option> });
    let options = options
        .into_iter()
        .map(|FilterOption { value, label }| {
            let chosen = selected.as_ref() == Some(&value);
            view! { <option value=value selected=chosen>{label}</option> }
        })
        .collect_view();
    view! {
        <div class="filter">
            <label for=id.clone()>{label}</label>
            <select id=id name=name>{any}{options}</select>
        </div>
    }
    .into_any()
}

/// A day, written as `2026-10-24`.
#[component]
pub fn FilterDate(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(into)] value: MaybeText,
    #[prop(optional, into)] min: MaybeText,
    #[prop(optional, into)] max: MaybeText,
) -> impl IntoView {
    let id = filter_id(&name);
    view! {
        <div class="filter">
            <label for=id.clone()>{label}</label>
            <input id=id type="date" name=name value=value.get() min=min.get() max=max.get()/>
        </div>
    }
}

/// A text field. The browser offers `suggestions` while somebody types.
#[component]
pub fn FilterText(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(into)] value: MaybeText,
    #[prop(optional, into)] placeholder: MaybeText,
    #[prop(optional)] suggestions: Vec<String>,
) -> impl IntoView {
    let id = filter_id(&name);
    let list_id = (!suggestions.is_empty()).then(|| format!("{id}-list"));
    let list = list_id.clone().map(|list_id| {
        let options = suggestions.into_iter().map(|value| view! { <option value=value></option> }).collect_view();
        view! { <datalist id=list_id>{options}</datalist> }
    });
    view! {
        <div class="filter">
            <label for=id.clone()>{label}</label>
            <input id=id type="text" name=name value=value.get() placeholder=placeholder.get()
                list=list_id autocomplete="off"/>
            {list}
        </div>
    }
}

/// A wide search field, for the first place in a bar.
#[component]
pub fn FilterSearch(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(into)] value: MaybeText,
    #[prop(optional, into)] placeholder: MaybeText,
) -> impl IntoView {
    let id = filter_id(&name);
    view! {
        <div class="filter wide">
            <label for=id.clone()>{label}</label>
            <input id=id type="search" name=name value=value.get() placeholder=placeholder.get() autocomplete="off"/>
        </div>
    }
}

/// Returns the `id` of a filter's field. The prefix keeps it apart from a field of the same name in another form of the page.
fn filter_id(name: &str) -> String {
    format!("filter-{name}")
}

/// A filter that is on, shown as "`label` is `value`". `remove_href` leads to the page without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chip {
    pub label: String,
    pub value: String,
    pub remove_href: String,
}

/// The filters that are on. Each has a link that removes it; several have one that removes all. An empty list renders nothing.
#[component]
pub fn FilterChips(chips: Vec<Chip>, #[prop(into)] clear_href: String) -> impl IntoView {
    let many = chips.len() > 1;
    (!chips.is_empty()).then(|| {
        let chips = chips
            .into_iter()
            .map(|Chip { label, value, remove_href }| {
                let remove = format!("Remove filter: {label} is {value}");
                view! {
                    <li class="chip">
                        <span>{label}" is "<strong>{value}</strong></span>
                        <a href=remove_href aria-label=remove title="Remove"><span aria-hidden="true">"✕"</span></a>
                    </li>
                }
            })
            .collect_view();
        view! {
            <ul class="chips" aria-label="Active filters">
                {chips}
                {many.then(|| view! { <li><a class="button quiet small" href=clear_href>"Clear all"</a></li> })}
            </ul>
        }
    })
}

/// A link of a [`Segmented`] choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub label: String,
    pub href: String,
    pub current: bool,
}

/// A choice among a few links, such as periods.
#[component]
pub fn Segmented(#[prop(into)] label: String, segments: Vec<Segment>) -> impl IntoView {
    let items = segments
        .into_iter()
        .map(|Segment { label, href, current }| {
            view! { <li><a href=href aria-current=current.then_some("true")>{label}</a></li> }
        })
        .collect_view();
    view! { <nav class="segmented" aria-label=label><ul>{items}</ul></nav> }
}
