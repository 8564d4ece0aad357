use leptos::prelude::*;

use crate::{
    admin::{
        amounts::{self, format_credit, signed},
        page_filter::PageFilter,
        sections::{MODELS, OVERVIEW},
        words,
    },
    attribution::{
        model::{Credit, Minor, Model},
        report::{
            FilterField,
            credit::{
                Revenue,
                compare::{Comparison, ComparisonRow, Group, GroupBy},
            },
            filter::NOT_SET,
        },
    },
    components::{Card, DataTable, TwoLines, format},
};

/// How many rows are shown. The CSV file has all rows.
const ROWS: usize = 100;

/// The number in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellAmount {
    Conversions,
    /// The value in this currency.
    Value(String),
}

impl CellAmount {
    fn of(&self, earned: &Revenue) -> i64 {
        match self {
            Self::Conversions => earned.conversions.0,
            Self::Value(currency) => earned.value(currency).0,
        }
    }

    fn text(&self, number: i64) -> String {
        match self {
            Self::Conversions => format_credit(Credit(number)),
            Self::Value(currency) => amounts::amount(Minor(number), currency),
        }
    }
}

/// All models, a column each. The differences are to the model `base`.
#[component]
pub fn ModelTable(
    page: PageFilter,
    by: GroupBy,
    amount: CellAmount,
    base: Model,
    comparison: Comparison,
) -> impl IntoView {
    let heading = match &amount {
        CellAmount::Conversions => "Conversions".to_owned(),
        CellAmount::Value(currency) => format!("Value in {currency}"),
    };
    let title = format!("{heading} by {}", words::group(by).to_lowercase());
    let Comparison { rows, total, learnt } = comparison;
    let learnt = learnt.is_some();
    let line = |row| ModelRow { row, amount: amount.clone(), base, learnt };
    let total = line(total);
    let mut rows: Vec<(Group, ModelRow)> = rows.into_iter().map(|(group, row)| (group, line(row))).collect();
    // a stable sort: equal rows stay in the order of their names
    rows.sort_by_key(|(_, line)| -line.base_number());
    let full = rows.iter().map(|(_, line)| line.largest()).max().unwrap_or_default();
    let hidden = rows.len().saturating_sub(ROWS);
    let rows = rows
        .into_iter()
        .take(ROWS)
        .map(|(group, line)| {
            let (title, href) = named(&page, by, &group);
            view! {
                <tr>
                    <th scope="row"><TwoLines title href/></th>
                    <Cells line full/>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Card title=title.clone()>
            <DataTable caption=title>
                <thead>
                    <tr>
                        <th scope="col">{words::group(by)}</th>
                        <ModelHeadings page base learnt/>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
                <tfoot><tr><th scope="row">"Total"</th><Cells line=total/></tr></tfoot>
            </DataTable>
            <HiddenRows hidden/>
            <p class="muted small">
                "Each cell shows the difference to the base below its number. Select the name of a model to make it the base."
            </p>
        </Card>
    }
}

/// The headings. The name of a model makes it the base.
#[component]
fn ModelHeadings(page: PageFilter, base: Model, learnt: bool) -> impl IntoView {
    let models = Model::ALL
        .into_iter()
        .map(|model| {
            let current = (model == base).then_some("true");
            let href = page.here(&page.filter().clone().by_model(Some(model)));
            view! {
                <th scope="col" class="num model">
                    <a class="sort-link" href=href aria-current=current>{words::model(model)}</a>
                    {current.map(|_| view! { <span class="line-subtitle">"base"</span> })}
                </th>
            }
        })
        .collect_view();
    let learnt = learnt.then(|| {
        view! {
            <th scope="col" class="num model"><span class="sort-link">"Markov chain"</span></th>
            <th scope="col" class="num model"><span class="sort-link">"Shapley value"</span></th>
        }
    });
    view! { {models} {learnt} }
}

/// A row of numbers.
struct ModelRow {
    row: ComparisonRow,
    amount: CellAmount,
    base: Model,
    /// Whether the row has the data-driven columns.
    learnt: bool,
}

impl ModelRow {
    fn base_number(&self) -> i64 {
        let models = Model::ALL.into_iter().zip(&self.row.models);
        models.filter(|(model, _)| *model == self.base).map(|(_, earned)| self.amount.of(earned)).sum()
    }

    fn largest(&self) -> i64 {
        let all = self.row.models.iter().chain([&self.row.markov, &self.row.shapley]);
        all.map(|earned| self.amount.of(earned)).max().unwrap_or_default()
    }
}

/// The cells of a row. With `full`, the number of the longest bar, the cells have bars.
#[component]
fn Cells(line: ModelRow, #[prop(optional)] full: Option<i64>) -> impl IntoView {
    let base_number = line.base_number();
    let ModelRow { row, amount, base, learnt } = line;
    let cell = |earned: &Revenue, is_base: bool, error: i64| {
        let number = amount.of(earned);
        let difference = signed(number - base_number, |number| amount.text(number)).filter(|_| !is_base);
        let error = (error > 0).then(|| amount.text(error));
        view! { <Cell number=amount.text(number) bar=full.map(|full| bar_width(number, full)) is_base difference error/> }
    };
    // the row has a standard error for the count only
    let error = if amount == CellAmount::Conversions { row.shapley_error.0 } else { 0 };
    let models =
        Model::ALL.into_iter().zip(&row.models).map(|(model, earned)| cell(earned, model == base, 0)).collect_view();
    let learnt = learnt.then(|| (cell(&row.markov, false, 0), cell(&row.shapley, false, error)));
    view! { {models} {learnt} }
}

fn bar_width(number: i64, full: i64) -> String {
    format!("{:.2}", number.max(0) as f64 / full.max(1) as f64 * 100.0)
}

#[component]
fn Cell(
    number: String,
    /// The width of the bar in percent.
    bar: Option<String>,
    is_base: bool,
    /// The difference to the base.
    difference: Option<String>,
    /// The standard error.
    error: Option<String>,
) -> impl IntoView {
    let bar = bar.map(|width| {
        view! {
            <svg class="cell-bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
                <rect width=width height="1"/>
            </svg>
        }
    });
    let difference = difference.map(|difference| {
        view! {
            <span class="line-subtitle">
                {difference}<span class="visually-hidden">" against the base"</span>
            </span>
        }
    });
    let error = error.map(|error| view! { <span class="line-subtitle">"± "{error}</span> });
    view! { <td class="num model" class:base=is_base>{number}{bar}{difference}{error}</td> }
}

/// Says that the file has the rows that the table does not show.
#[component]
fn HiddenRows(hidden: usize) -> impl IntoView {
    let rows = format::plural(hidden as i64, "further row is", "further rows are");
    (hidden > 0).then(|| view! { <p class="muted small">{rows}" in the CSV file."</p> })
}

/// Returns the name of a row, and the page that it opens: a channel opens its sources, a source its campaigns, a campaign the
/// overview.
fn named(page: &PageFilter, by: GroupBy, group: &Group) -> (String, Option<String>) {
    let filter = page.filter().clone();
    let Group::Value(value) = group else { return ("Direct".to_owned(), None) };
    let value = value.clone().unwrap_or_else(|| NOT_SET.to_owned());
    let (field, next) = match by {
        GroupBy::Channel => (FilterField::Channel, Some(GroupBy::Source)),
        GroupBy::Source => (FilterField::Source, Some(GroupBy::Campaign)),
        GroupBy::Campaign => (FilterField::Campaign, None),
    };
    let narrow = filter.with(field, Some(&value));
    let href = match next {
        Some(next) => narrow.href(MODELS.path, &[("by", next.as_str())]),
        None => narrow.href(OVERVIEW.path, &[]),
    };
    (value, Some(href))
}
