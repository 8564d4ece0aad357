use std::time::Duration;

use leptos::prelude::*;

use super::{
    amounts::{amount, format_credit, signed},
    filters::{CreditChoice, PageFilter},
    page::{Asked, Failure, admin_page},
};
use crate::{
    attribution::{
        channel::Channel,
        model::{Credit, Minor, Model},
        report::{
            Filter, FilterField, Preset,
            credit::{
                CreditSettings, Revenue,
                compare::{Comparison, ComparisonRow, Group, GroupBy, Learnt, compare},
                kinds,
            },
            filter::NOT_SET,
        },
    },
    components::{
        AdminPage, AdminSection, Card, DataTable, EmptyState, Fact, Facts, Segment, Segmented, TwoLines, format,
    },
    db::Error,
    timestamp::{DAY, whole_days},
};

const PATH: &str = "/admin/models";
/// How many rows are shown; the file has all.
const ROWS: usize = 100;

/// The models side by side.
#[component]
pub fn ModelsPage() -> impl IntoView {
    admin_page(AdminSection::Models, page)
}

/// What the cells say.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Show {
    Conversions,
    /// Value in this currency.
    Value(String),
}

impl Show {
    fn of(&self, revenue: &Revenue) -> i64 {
        match self {
            Self::Conversions => revenue.conversions.0,
            Self::Value(currency) => revenue.value(currency).0,
        }
    }

    fn text(&self, number: i64) -> String {
        match self {
            Self::Conversions => format_credit(Credit(number)),
            Self::Value(currency) => amount(Minor(number), currency),
        }
    }
}

async fn page(asked: Asked) -> Result<AnyView, Failure> {
    let by = asked.parameter("by").and_then(|by| GroupBy::parse(&by)).unwrap_or_default();
    let currency = asked.parameter("show").map(|show| show.to_uppercase());
    let mut page = PageFilter {
        parsed: Filter::parse(&asked.query, Preset::Days30, asked.now),
        path: PATH,
        keep: if by == GroupBy::default() { Vec::new() } else { vec![("by", by.as_str().to_owned())] },
        credit: None,
        now: asked.now,
    };
    let (comparison, kinds) = load(&asked, page.filter(), by).await?;
    let nothing_yet = kinds.is_empty();
    page.credit = Some(CreditChoice { default: asked.state.config.attribution.model, kinds });
    // what is not there is not shown, and not kept
    let show = match currency.filter(|currency| comparison.currencies().contains(currency)) {
        Some(currency) => {
            page.keep.push(("show", currency.clone()));
            Show::Value(currency)
        }
        None => Show::Conversions,
    };

    let csv = page.csv_href("/admin/models.csv", &[("by", by.as_str())]);
    let toolbar = view! {
        {page.toolbar()}
        <a class="button" href=csv rel="external" download>"CSV"</a>
    };
    let content = match comparison.rows.is_empty() {
        true => empty(&page, nothing_yet),
        false => {
            let base = asked.model(page.filter());
            let learnt = comparison.learnt;
            view! {
                {choices(&page, by, &show, &comparison)}
                {table(&page, by, &show, base, comparison)}
                {explanations(&page, &asked.credit(), learnt)}
            }
            .into_any()
        }
    };
    Ok(view! {
        <AdminPage title="Models" section=AdminSection::Models subtitle=page.period_words() toolbar=toolbar.into_any()>
            {page.above()}
            {content}
        </AdminPage>
    }
    .into_any())
}

async fn load(asked: &Asked, filter: &Filter, by: GroupBy) -> Result<(Comparison, Vec<String>), Error> {
    let mut conn = asked.state.db.read().await?;
    let comparison = compare(&mut conn, filter, &asked.credit(), by).await?;
    Ok((comparison, kinds(&mut conn).await?))
}

fn label(by: GroupBy) -> &'static str {
    match by {
        GroupBy::Channel => "Channel",
        GroupBy::Source => "Source",
        GroupBy::Campaign => "Campaign",
    }
}

/// What the rows and what the cells are.
fn choices(page: &PageFilter, by: GroupBy, show: &Show, comparison: &Comparison) -> AnyView {
    let rows = GroupBy::ALL
        .into_iter()
        .map(|each| Segment {
            label: format!("{}s", label(each)),
            href: page.with_own("by", each.as_str()),
            current: each == by,
        })
        .collect();
    let conversions = Segment {
        label: "Conversions".to_owned(),
        href: page.without_own("show"),
        current: *show == Show::Conversions,
    };
    let currencies = comparison.currencies();
    let values = (!currencies.is_empty()).then(|| {
        let currencies = currencies.into_iter().map(|currency| Segment {
            href: page.with_own("show", &currency),
            current: *show == Show::Value(currency.clone()),
            label: currency,
        });
        let segments = [conversions].into_iter().chain(currencies).collect();
        view! { <Segmented label="What is shown" segments/> }
    });
    view! { <div class="row"><Segmented label="Rows" segments=rows/>{values}</div> }.into_any()
}

fn table(page: &PageFilter, by: GroupBy, show: &Show, base: Model, comparison: Comparison) -> AnyView {
    let place = Model::ALL.iter().position(|model| *model == base).unwrap_or_default();
    let learnt = comparison.learnt.is_some();
    let headings = Model::ALL
        .into_iter()
        .map(|model| {
            let current = (model == base).then_some("true");
            let href = page.here(&page.filter().clone().by_model(Some(model)));
            let note = (model == base).then(|| view! { <span class="line-subtitle">"base"</span> });
            view! {
                <th scope="col" class="num model">
                    <a class="sort-link" href=href aria-current=current>{model.label()}</a>
                    {note}
                </th>
            }
        })
        .collect_view();
    let learnt_headings = learnt.then(|| {
        view! {
           <th scope="col" class="num model"><span class="sort-link">"Markov chain"</span></th>
           <th scope="col" class="num model"><span class="sort-link">"Shapley value"</span></th>
        }
    });

    let mut rows: Vec<(Group, ComparisonRow)> = comparison.rows.into_iter().collect();
    // sorting is stable: equal ones stay by name
    rows.sort_by_key(|(_, row)| -show.of(&row.models[place]));
    let full = rows
        .iter()
        .flat_map(|(_, row)| row.models.iter().chain([&row.markov, &row.shapley]))
        .map(|earned| show.of(earned))
        .max()
        .unwrap_or_default();
    let hidden = rows.len().saturating_sub(ROWS);
    let rows = rows
        .into_iter()
        .take(ROWS)
        .map(|(group, row)| {
            let (name, href) = named(page, by, &group);
            view! {
                <tr>
                    <th scope="row"><TwoLines title=name href=href/></th>
                    {cells(show, &row, place, learnt, Some(full))}
                </tr>
            }
        })
        .collect_view();
    let hidden = (hidden > 0).then(|| {
        let hidden = format::plural(hidden as i64, "further row is", "further rows are");
        view! { <p class="muted small">{hidden}" in the CSV file."</p> }
    });
    let heading = match show {
        Show::Conversions => "Conversions".to_owned(),
        Show::Value(currency) => format!("Value in {currency}"),
    };
    let title = format!("{heading} by {}", label(by).to_lowercase());
    let total = cells(show, &comparison.total, place, learnt, None);
    view! {
        <Card title=title.clone()>
            <DataTable caption=title>
                <thead><tr><th scope="col">{label(by)}</th>{headings}{learnt_headings}</tr></thead>
                <tbody>{rows}</tbody>
                <tfoot><tr><th scope="row">"Total"</th>{total}</tr></tfoot>
            </DataTable>
            {hidden}
            <p class="muted small">
                "Below each number: the difference to the base. Press the name of a model to make it the base."
            </p>
        </Card>
    }
    .into_any()
}

/// The numbers of a row; with bars where it is known how long the longest is.
fn cells(show: &Show, row: &ComparisonRow, base: usize, learnt: bool, full: Option<i64>) -> AnyView {
    let base_number = show.of(&row.models[base]);
    let cell = |number: i64, is_base: bool, error: i64| {
        let bar = full.map(|full| {
            let width = format!("{:.2}", number.max(0) as f64 / full.max(1) as f64 * 100.0);
            view! {
                <svg class="cell-bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
                    <rect width=width height="1"/>
                </svg>
            }
        });
        let difference = signed(number - base_number, |number| show.text(number)).filter(|_| !is_base);
        let difference = difference.map(|difference| {
            view! {
                <span class="line-subtitle">
                    {difference}<span class="visually-hidden">" against the base"</span>
                </span>
            }
        });
        let error = (error > 0).then(|| view! { <span class="line-subtitle">"± "{show.text(error)}</span> });
        view! { <td class="num model" class:base=is_base>{show.text(number)}{bar}{difference}{error}</td> }.into_any()
    };
    let models: Vec<AnyView> =
        row.models.iter().enumerate().map(|(place, earned)| cell(show.of(earned), place == base, 0)).collect();
    let error = if *show == Show::Conversions { row.shapley_error.0 } else { 0 };
    let learnt = learnt.then(|| [cell(show.of(&row.markov), false, 0), cell(show.of(&row.shapley), false, error)]);
    view! { {models} {learnt.map(|cells| cells.into_iter().collect_view())} }.into_any()
}

/// What a row is called, and where it leads: one step deeper.
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
        Some(next) => narrow.href(PATH, &[("by", next.as_str())]),
        None => narrow.href("/admin", &[]),
    };
    (value, Some(href))
}

/// What each model does, in a line.
fn explanations(page: &PageFilter, settings: &CreditSettings, learnt: Option<Learnt>) -> AnyView {
    let days = |span: Duration| match span.as_millis() % DAY.as_millis() {
        0 => format::plural(whole_days(span), "day", "days"),
        _ => format::plural((span.as_secs() / 3_600).cast_signed(), "hour", "hours"),
    };
    let facts = Model::ALL
        .into_iter()
        .map(|model| {
            let text = match model {
                Model::First => "All credit to the touch that began it: what makes people aware.".to_owned(),
                Model::Last => "All credit to the touch right before the conversion: what closes.".to_owned(),
                Model::LastNonDirect => {
                    "As last touch, but a touch that says nothing of where it came from never takes the credit from one that \
                     does. Direct visits are not stored, so that the two differ for such touches only."
                        .to_owned()
                }
                Model::Linear => "Every touch on the way gets the same.".to_owned(),
                Model::Position => format!(
                    "First touch, those between together, last touch: {}. What begins and what closes count most.",
                    settings.weights.position
                ),
                Model::TimeDecay => format!(
                    "The closer to the conversion, the more: a touch {} earlier weighs half.",
                    days(settings.weights.half_life)
                ),
            };
            view! { <Fact term=model.label() value=text/> }
        })
        .collect_view();
    let data_driven = learnt.map(|learnt| {
        let from = format!(
            "The paths of {} and of {} who did not convert: users and visitors with a touch in the period and no such \
             conversion at any time.",
            format::plural(learnt.converted as i64, "conversion with touches", "conversions with touches"),
            format::plural(learnt.unconverted as i64, "person", "people"),
        );
        let sampled = (!learnt.exact).then_some(
            " Some paths have too many channels to try all orders, so that it is estimated; the ± is its standard error.",
        );
        view! {
            <Fact term="Markov chain" value="How many conversions would be lost if nobody came by the channel any more."/>
            <Fact term="Shapley value">
                "What the channel adds, on average, to the channels that people met beside it."{sampled}
            </Fact>
            <Fact term="Both are learnt from" value=from/>
            <Fact term="Money is learnt apart"
                value="The value in a currency is shared out by what the conversions with a value in it teach; everybody else \
                       counts as not converted."/>
        }
    });
    let elsewhere = learnt.is_none().then(|| {
        let by_channel = page.filter().bare().href(PATH, &[]);
        view! {
            <p class="muted small">
                "Markov chain and Shapley value share out all conversions among channels, not touch by touch: they stand on "
                <a href=by_channel>"the page by channel, without a filter on touches"</a>"."
            </p>
        }
    });
    let window = days(settings.window);
    let others: String =
        settings.windows.iter().map(|(kind, window)| format!(", {} for {kind}", days(*window))).collect();
    let internal = if settings.internal_touches { "count, too" } else { "do not count" };
    view! {
        <Card title="What the models do">
            <Facts>{facts}{data_driven}</Facts>
            {elsewhere}
            <p class="muted small">
                {format!(
                    "A conversion is credited to the touches of its user in the {window} before it{others}; repeats of the same \
                     link in a row are one touch, and links on pages of this site {internal}. Where there is none, it is \
                     {}’s. A refund takes back value, on the day of the refund, from the touches that had brought it; the \
                     conversion still counts.",
                    Channel::Direct.as_str(),
                )}
            </p>
        </Card>
    }
    .into_any()
}

fn empty(page: &PageFilter, nothing_yet: bool) -> AnyView {
    let filter = page.filter();
    let asked = !filter.is_bare() || filter.kind.is_some();
    let (title, text) = match (nothing_yet, asked) {
        (true, _) => (
            "No conversions yet",
            "A sign-up is one, recorded by itself. Purchases and others come from your code, or by POST /api/conversions.",
        ),
        (false, false) => ("No conversions in this period", "There are some outside it."),
        (false, true) => ("Nothing matches", "No conversion in this period is credited to such a touch."),
    };
    let action = match (nothing_yet, asked) {
        (true, _) => view! { <a class="button" href="/admin">"How to begin"</a> }.into_any(),
        (false, false) => {
            let all = format!("{PATH}?period=all");
            view! { <a class="button" href=all>"Show all time"</a> }.into_any()
        }
        (false, true) => {
            let clear = page.here(&Filter::new(filter.period.clone()));
            view! { <a class="button" href=clear>"Clear the filter"</a> }.into_any()
        }
    };
    view! { <div class="card"><EmptyState title text>{action}</EmptyState></div> }.into_any()
}
