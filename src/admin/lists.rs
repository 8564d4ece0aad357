//! What lists share: their frame, the text for an empty list, and the links from page to page.

use leptos::prelude::*;

use super::{
    filter_parts::{ActiveFilter, FilterToolbar, SearchForm},
    page::PageRequest,
    page_filter::PageFilter,
    sections::{AdminSection, OVERVIEW},
};
use crate::{
    attribution::report::Filter,
    components::{AdminPage, AlertKind, EmptyState, FormAlert, Pagination, format},
    db::page::Cursor,
};

/// The label and the placeholder of a list's search field.
pub type SearchWords = (&'static str, &'static str);

/// A list with its filter and its CSV file.
#[component]
pub fn ListPage(
    section: AdminSection,
    page: PageFilter,
    /// The address of the CSV file.
    #[prop(into)]
    csv: String,
    #[prop(optional)] search: Option<SearchWords>,
    /// Whether the address names a page of the list that does not exist, because the cursor cannot be read.
    #[prop(optional)]
    damaged: bool,
    children: Children,
) -> impl IntoView {
    let toolbar = view! { <FilterToolbar page=page.clone()/> <CsvButton href=csv/> }.into_any();
    let search = search.map(|(label, placeholder)| view! { <SearchForm page=page.clone() label placeholder/> });
    let damaged = damaged.then(|| {
        let rows = section.title.to_lowercase();
        format!("The address of this page of {rows} is damaged. Here are the newest.")
    });
    view! {
        <AdminPage title=section.title subtitle=page.period_words() toolbar>
            {search}
            <FormAlert message=damaged kind=AlertKind::Error/>
            <ActiveFilter page/>
            {children()}
        </AdminPage>
    }
}

/// Downloads the rows of a list.
#[component]
fn CsvButton(href: String) -> impl IntoView {
    view! { <a class="button" href=href rel="external" download>"Download CSV"</a> }
}

/// What an empty list says, by why it is empty.
#[derive(Clone, Copy, Debug)]
pub struct NoRowsWords {
    /// The rows, in the plural: `leads`.
    pub rows: &'static str,
    /// For a site without any rows: how the first row comes about.
    pub nothing_yet: &'static str,
    /// For a period without rows, where other periods have rows.
    pub other_periods: &'static str,
    /// For a filter that finds no row, where the period has rows.
    pub no_match: &'static str,
    /// Whether the rows are conversions. Only then does the kind of conversions count as a condition.
    pub by_kind: bool,
}

/// For the pages of conversions and of models, which both have no rows where there is no conversion.
pub const NO_CONVERSIONS: NoRowsWords = NoRowsWords {
    rows: "conversions",
    nothing_yet: "Every sign-up is recorded as a conversion. Report purchases and others from your code, or with POST \
                  /api/conversions.",
    other_periods: "There are conversions in other periods.",
    no_match: "No conversion in this period is credited to such a touch.",
    by_kind: true,
};

/// Replaces an empty list. Its button leads to rows: to the overview, to all of time, or to the list without the filter.
#[component]
pub fn NoRows(page: PageFilter, nothing_yet: bool, words: NoRowsWords) -> impl IntoView {
    let NoRowsWords { rows, by_kind, .. } = words;
    let filter = page.filter();
    let unfiltered = filter.is_bare() && !(by_kind && filter.kind.is_some());
    let cleared = if by_kind { Filter::new(filter.period.clone()) } else { filter.bare() };
    let (title, text, href, action) = if nothing_yet {
        (format!("No {rows} yet"), words.nothing_yet, OVERVIEW.path.to_owned(), "Get started")
    } else if unfiltered {
        (format!("No {rows} in this period"), words.other_periods, page.all_time_href(), "Show all time")
    } else {
        ("Nothing matches".to_owned(), words.no_match, page.here(&cleared), "Clear the filter")
    };
    view! {
        <div class="card"><EmptyState title text><a class="button" href=href>{action}</a></EmptyState></div>
    }
}

/// The links from a page of a list by time to the newer and the older rows.
#[component]
pub fn TimePagination(
    page: PageFilter,
    newer: Option<Cursor>,
    older: Option<Cursor>,
    #[prop(into)] summary: String,
) -> impl IntoView {
    let step = |name, cursor: Cursor| page.with_own(name, &cursor.to_string());
    let newer = newer.map(|cursor| step("after", cursor));
    let older = older.map(|cursor| step("before", cursor));
    view! { <Pagination newer older summary/> }
}

/// Returns how many rows are shown: `50 of 7,046 leads`.
pub fn shown_of(shown: usize, all: i64, one: &str, many: &str) -> String {
    match shown {
        0 => format!("No more {many}"),
        _ => format!("{shown} of {}", format::plural(all, one, many)),
    }
}

/// A page of a list that is asked for by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberedPage {
    number: u32,
    /// How many rows a page has.
    rows: u32,
}

impl NumberedPage {
    /// Returns the page that the parameter `page` asks for, or the first one.
    pub fn of(request: &PageRequest, rows: u32) -> Self {
        let number = request.parameter("page").and_then(|page| page.parse().ok()).unwrap_or(1);
        Self { number: u32::clamp(number, 1, 1_000_000), rows }
    }

    /// Returns how many rows stand on the pages before.
    pub fn offset(self) -> u32 {
        (self.number - 1) * self.rows
    }

    /// Returns the number of the page before. `count` is the number of all rows: the page before a page without rows is the last
    /// page with rows.
    pub fn previous(self, count: i64) -> Option<u32> {
        (self.number > 1).then(|| (self.number - 1).min(self.last(count)))
    }

    /// Returns the number of the page after, if there is one. `count` is the number of all rows.
    pub fn next(self, count: i64) -> Option<u32> {
        (self.number < self.last(count)).then_some(self.number + 1)
    }

    fn last(self, count: i64) -> u32 {
        u32::try_from(count).unwrap_or(u32::MAX).div_ceil(self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_pages_lead_to_each_other() {
        let page = |number| NumberedPage { number, rows: 50 };
        for (number, count, previous, next) in [
            (1, 0, None, None),
            (1, 50, None, None),
            (1, 51, None, Some(2)),
            (2, 51, Some(1), None),
            (2, 101, Some(1), Some(3)),
            (9, 101, Some(3), None),
        ] {
            assert_eq!((page(number).previous(count), page(number).next(count)), (previous, next), "{number} {count}");
        }
        assert_eq!(page(3).offset(), 100);
    }
}
