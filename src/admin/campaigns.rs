use leptos::{either::Either, prelude::*};

use super::{
    amounts::{format_credit, money},
    lists::{ListPage, NoRows, NoRowsWords, NumberedPage},
    page::{PageError, PageRequest, admin_page},
    page_filter::PageFilter,
    sections::{CAMPAIGNS, MODELS, OVERVIEW},
    tables::{InternalTag, ValueOrNotSet, or_not_set, rate},
    words,
};
use crate::{
    attribution::{
        model::{Credit, Minor, Model},
        report::{
            Filter,
            campaigns::{CampaignColumn, CampaignOrder, CampaignRow, Campaigns, campaigns},
            credit::Revenue,
            totals::Totals,
        },
    },
    components::{Card, DataTable, Pagination, Sort, SortTh, Tag, TwoLines, format},
};

const ROWS: u32 = 50;

/// The columns, in their order, and their headings.
const COLUMNS: [(CampaignColumn, &str); 11] = [
    (CampaignColumn::Campaign, "Campaign"),
    (CampaignColumn::Source, "Source"),
    (CampaignColumn::Medium, "Medium"),
    (CampaignColumn::Channel, "Channel"),
    (CampaignColumn::Touches, "Touches"),
    (CampaignColumn::Visitors, "Visitors"),
    (CampaignColumn::Leads, "Leads"),
    (CampaignColumn::Users, "Users"),
    (CampaignColumn::Signups, "Sign-ups"),
    (CampaignColumn::Rate, "Rate"),
    (CampaignColumn::Credit, "Conversions"),
];

const NO_ROWS: NoRowsWords = NoRowsWords {
    rows: "campaigns",
    nothing_yet: "A campaign appears here as soon as a visitor opens a link with utm_ parameters.",
    other_periods: "There are touches in other periods.",
    no_match: "No touch in this period has all of these values.",
    by_kind: false,
};

/// Leads per campaign.
#[component]
pub fn CampaignsPage() -> impl IntoView {
    admin_page(page)
}

async fn page(request: PageRequest) -> Result<impl IntoView, PageError> {
    let order = request.parameter("sort").and_then(|sort| CampaignOrder::parse(&sort)).unwrap_or_default();
    let number = NumberedPage::of(&request, ROWS);
    let sort = (order != CampaignOrder::default()).then(|| order.to_string());
    let page = PageFilter::new(&request, CAMPAIGNS.path).keeping("sort", sort);
    let (facts, question) = (request.facts().await?, request.question(page.filter()).await?);
    let (settings, model) = (request.credit(), request.model(page.filter()));
    let found = request.count(&facts, move |facts| campaigns(facts, &question, &settings, model, order)).await?;
    let Campaigns { rows, totals, earned } = found;
    let nothing_yet = facts.counts().touches == 0;
    let count = rows.len() as i64;
    let rows: Vec<CampaignRow> = rows.into_iter().skip(number.offset() as usize).take(ROWS as usize).collect();
    let page = page.with_credit(facts.kinds());
    let csv = page.csv_href("/admin/campaigns.csv", &[]);
    let content = match count {
        0 => Either::Left(view! { <NoRows page=page.clone() nothing_yet words=NO_ROWS/> }),
        _ => Either::Right(view! { <CampaignsCard page=page.clone() order number rows count earned totals model/> }),
    };
    Ok(view! {
        <ListPage section=CAMPAIGNS page csv search=("Search campaigns", "Campaign, term or e-mail of a user")>
            {content}
        </ListPage>
    })
}

/// The table with its totals, its notes and the links to its other pages.
#[component]
fn CampaignsCard(
    page: PageFilter,
    order: CampaignOrder,
    number: NumberedPage,
    rows: Vec<CampaignRow>,
    /// How many campaigns there are on all pages.
    count: i64,
    /// What all campaigns earned.
    earned: Revenue,
    totals: Totals,
    model: Model,
) -> impl IntoView {
    let signups = Signups::of(page.filter(), &totals);
    let notes = signups.notes(rows.iter().any(|row| signups.unknown_in(row)));
    let summary = summary(number, rows.len() as i64, count);
    let step = |number: u32| page.with_own("page", &number.to_string());
    let (newer, older) = (number.previous(count).map(step), number.next(count).map(step));
    let models = page.filter().href(MODELS.path, &[("by", "campaign")]);
    let rows = rows
        .into_iter()
        .map(|row| {
            let opens = row.narrow(page.filter()).href(OVERVIEW.path, &[]);
            let signups = (!signups.unknown_in(&row)).then_some(row.signups);
            view! { <CampaignLine opens signups row/> }
        })
        .collect_view();
    view! {
        <Card>
            <DataTable caption="Leads per campaign" dense=true>
                <thead><tr><Headings page order/></tr></thead>
                <tbody>{rows}</tbody>
                <tfoot><TotalRow totals earned/></tfoot>
            </DataTable>
            <Pagination newer older summary newer_label="Previous" older_label="Next"/>
            <p class="muted small">
                "A visitor who came through two campaigns counts in both rows, and once in the total. "
                {format!("Conversions and value are credited by the model “{}”. ", words::model(model))}
                <a href=models>"Compare models"</a>"."
                {notes}
            </p>
        </Card>
    }
}

/// The headings. Each sorts the table by its column.
#[component]
fn Headings(page: PageFilter, order: CampaignOrder) -> impl IntoView {
    COLUMNS
        .into_iter()
        .map(|(column, label)| {
            let sort = match (order.column == column, order.descending) {
                (false, _) => Sort::None,
                (true, false) => Sort::Ascending,
                (true, true) => Sort::Descending,
            };
            let href = page.with_own("sort", &order.pressed(column).to_string());
            view! { <SortTh label href sort numeric=column.is_numeric()/> }
        })
        .collect_view()
}

/// One campaign. `signups` is `None` if the sign-ups are not known.
#[component]
fn CampaignLine(row: CampaignRow, opens: String, signups: Option<i64>) -> impl IntoView {
    let name = if row.is_direct() { "Direct".to_owned() } else { or_not_set(&row.campaign) };
    let internal = row.internal > 0 && row.internal == row.touches;
    let some_internal = (row.internal > 0 && !internal).then(|| format!("{} internal", format::count(row.internal)));
    let rate = rate(row.rate());
    view! {
        <tr>
            <th scope="row"><TwoLines title=name subtitle=some_internal href=opens/></th>
            <td><ValueOrNotSet value=row.source/></td>
            <td><ValueOrNotSet value=row.medium/></td>
            <td><Tag label=row.channel/><InternalTag internal/></td>
            <td class="num">{format::count(row.touches)}</td>
            <td class="num">{format::count(row.visitors)}</td>
            <td class="num">{format::count(row.leads)}</td>
            <td class="num">{format::count(row.users)}</td>
            <td class="num">{signups.map_or_else(|| "–".to_owned(), format::count)}</td>
            <td class="num">{rate}</td>
            <td class="num">{format_credit(row.earned.conversions)}<Amounts earned=row.earned/></td>
        </tr>
    }
}

#[component]
fn TotalRow(totals: Totals, earned: Revenue) -> impl IntoView {
    view! {
        <tr>
            <th scope="row" colspan="4">"Total"</th>
            <td class="num">{format::count(totals.touches)}</td>
            <td class="num">{format::count(totals.visitors)}</td>
            <td class="num">{format::count(totals.leads)}</td>
            <td class="num">{format::count(totals.users)}</td>
            <td class="num">{format::count(totals.attributed)}</td>
            <td class="num">{rate(totals.rate())}</td>
            <td class="num">{format_credit(earned.conversions)}<Amounts earned/></td>
        </tr>
    }
}

/// The amount in each currency, one below the other.
#[component]
fn Amounts(earned: Revenue) -> impl IntoView {
    let amounts = earned.by_currency.into_iter().filter(|(_, value)| *value != Minor::ZERO);
    amounts
        .map(|(currency, value)| view! { <span class="line-subtitle">{money(value, &currency)}</span> })
        .collect_view()
}

/// Returns which rows are shown: `51 to 100 of 7,046`.
fn summary(number: NumberedPage, shown: i64, count: i64) -> String {
    let first = i64::from(number.offset()) + 1;
    match shown {
        0 => format!("This page is beyond the last of {}", format::plural(count, "campaign", "campaigns")),
        _ => format!("{} to {} of {}", format::count(first), format::count(first + shown - 1), format::count(count)),
    }
}

/// Sign-ups that belong to no touch and so to no campaign.
struct Signups {
    /// How many sign-ups came directly in the period.
    direct: i64,
    /// Whether the table leaves out some sign-ups.
    incomplete: bool,
}

impl Signups {
    fn of(filter: &Filter, totals: &Totals) -> Self {
        let direct = totals.signups - totals.attributed;
        // A filter on touches finds no sign-up without a touch.
        Self { direct, incomplete: direct > 0 || !filter.is_bare() }
    }

    /// Returns whether a row's sign-ups are unknown: Direct has credit, but no sign-ups were counted for it.
    fn unknown_in(&self, row: &CampaignRow) -> bool {
        row.is_direct() && row.signups == 0 && row.earned.conversions > Credit::ZERO && self.incomplete
    }

    /// Returns the sentences below the table. `dash`: a row shows a dash for its sign-ups.
    fn notes(&self, dash: bool) -> String {
        let direct = format::plural(self.direct, "further sign-up", "further sign-ups");
        let mut notes = String::new();
        if self.direct > 0 {
            notes += &format!(" {direct} came directly, without a touch in the look-back window.");
        } else if dash {
            notes += " With a filter on touches, sign-ups without one are not counted.";
        }
        if dash {
            notes += " Direct shows a dash for these sign-ups. They belong to no touch and are not in the total.";
        }
        notes
    }
}
