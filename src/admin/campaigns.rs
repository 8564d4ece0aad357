use leptos::prelude::*;

use super::{
    amounts::{format_credit, money},
    filters::{CreditChoice, PageFilter},
    page::{Asked, Failure, admin_page},
    tables::{internal_tag, or_not_set, rate, value_or_not_set},
};
use crate::{
    attribution::{
        model::{Credit, Minor, Model},
        report::{
            Filter, Preset,
            campaigns::{CampaignColumn, CampaignOrder, CampaignPage, CampaignRow, campaigns},
            credit::{CampaignCredit, Revenue, credit_by_campaign, kinds},
            totals::{Totals, any_touch, totals},
        },
    },
    components::{
        AdminPage, AdminSection, Card, DataTable, EmptyState, Pagination, Sort, SortTh, Tag, TwoLines, format,
    },
    db::Error,
};

const PATH: &str = "/admin/campaigns";
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

/// Leads per campaign.
#[component]
pub fn CampaignsPage() -> impl IntoView {
    admin_page(AdminSection::Campaigns, page)
}

async fn page(asked: Asked) -> Result<AnyView, Failure> {
    let order = asked.parameter("sort").and_then(|sort| CampaignOrder::parse(&sort)).unwrap_or_default();
    let number = asked.parameter("page").and_then(|page| page.parse::<u32>().ok()).unwrap_or(1).clamp(1, 1_000_000);
    let mut filter = PageFilter {
        parsed: Filter::parse(&asked.query, Preset::Days30, asked.now),
        path: PATH,
        keep: if order == CampaignOrder::default() { Vec::new() } else { vec![("sort", order.to_string())] },
        credit: None,
        now: asked.now,
    };
    let (found, (totals, nothing_yet)) =
        futures::try_join!(load_rows(&asked, filter.filter(), order, number), load_totals(&asked, filter.filter()),)?;
    let Found { rows, credit: earned, kinds } = found;
    filter.credit = Some(CreditChoice { default: asked.state.config.attribution.model, kinds });
    let csv = filter.csv_href("/admin/campaigns.csv", &[]);
    let toolbar = view! {
        {filter.toolbar()}
        <a class="button" href=csv rel="external" download>"CSV"</a>
    };
    let content = match rows.count {
        0 => empty(&filter, nothing_yet),
        _ => table(&filter, asked.model(filter.filter()), order, number, rows, earned, totals),
    };
    Ok(view! {
        <AdminPage title="Campaigns" section=AdminSection::Campaigns subtitle=filter.period_words() toolbar=toolbar.into_any()>
            {filter.search("Search campaigns", "Campaign, term or a user’s e-mail")}
            {filter.above()}
            {content}
        </AdminPage>
    }
    .into_any())
}

struct Found {
    rows: CampaignPage,
    credit: CampaignCredit,
    /// Of conversions.
    kinds: Vec<String>,
}

async fn load_rows(asked: &Asked, filter: &Filter, order: CampaignOrder, page: u32) -> Result<Found, Error> {
    let mut conn = asked.state.db.read().await?;
    let credit = credit_by_campaign(&mut conn, filter, &asked.credit(), asked.model(filter)).await?;
    let rows = campaigns(&mut conn, filter, asked.window(), &credit, order, ROWS, (page - 1) * ROWS).await?;
    Ok(Found { rows, credit, kinds: kinds(&mut conn).await? })
}

async fn load_totals(asked: &Asked, filter: &Filter) -> Result<(Totals, bool), Error> {
    let mut conn = asked.state.db.read().await?;
    let totals = totals(&mut conn, filter, asked.window()).await?;
    Ok((totals, totals.touches == 0 && !any_touch(&mut conn).await?))
}

fn table(
    filter: &PageFilter,
    model: Model,
    order: CampaignOrder,
    page: u32,
    CampaignPage { rows, count }: CampaignPage,
    earned: CampaignCredit,
    totals: Totals,
) -> AnyView {
    let headings = COLUMNS
        .into_iter()
        .map(|(column, label)| {
            let sort = match (order.column == column, order.descending) {
                (false, _) => Sort::None,
                (true, false) => Sort::Ascending,
                (true, true) => Sort::Descending,
            };
            let href = filter.with_own("sort", &order.pressed(column).to_string());
            view! { <SortTh label href sort numeric=column.is_numeric()/> }
        })
        .collect_view();
    let total = earned.total();
    let shown = rows.len() as i64;
    let direct = totals.signups - totals.attributed;
    // asked something of touches, nobody without one was counted
    let uncounted = direct > 0 || !filter.filter().is_bare();
    let unknown = |row: &CampaignRow| row.is_direct() && row.signups == 0 && row.credit > Credit::ZERO && uncounted;
    let dash = rows
        .iter()
        .any(&unknown)
        .then_some(" Direct shows a dash for them: they belong to no touch, and are not in the total.");
    let rows = rows
        .into_iter()
        .map(|row| {
            let signups = (!unknown(&row)).then_some(row.signups);
            table_row(filter, row, signups, &earned)
        })
        .collect_view();

    let first = i64::from((page - 1) * ROWS) + 1;
    let summary = match shown {
        0 => format!("This page is beyond the last of {}", format::plural(count, "campaign", "campaigns")),
        _ => format!("{} to {} of {}", format::count(first), format::count(first + shown - 1), format::count(count)),
    };
    let step = |to: u32| filter.with_own("page", &to.to_string());
    let last = u32::try_from(count).unwrap_or(u32::MAX).div_ceil(ROWS);
    let newer = (page > 1).then(|| step((page - 1).min(last)));
    let older = (i64::from(page) * i64::from(ROWS) < count).then(|| step(page + 1));
    let direct_note = match direct > 0 {
        true => {
            let direct = format::plural(direct, "further sign-up", "further sign-ups");
            Some(format!(" {direct} came directly, without a touch in the look-back window."))
        }
        false => dash.map(|_| " With a filter on touches, sign-ups without one are not counted.".to_owned()),
    };
    let models = filter.filter().href("/admin/models", &[("by", "campaign")]);
    view! {
        <Card>
            <DataTable caption="Leads per campaign" dense=true>
                <thead><tr>{headings}</tr></thead>
                <tbody>{rows}</tbody>
                <tfoot>
                    <tr>
                        <th scope="row" colspan="4">"Total"</th>
                        <td class="num">{format::count(totals.touches)}</td>
                        <td class="num">{format::count(totals.visitors)}</td>
                        <td class="num">{format::count(totals.leads)}</td>
                        <td class="num">{format::count(totals.users)}</td>
                        <td class="num">{format::count(totals.attributed)}</td>
                        <td class="num">{rate(totals.rate())}</td>
                        <td class="num">{format_credit(total.conversions)}{value(&total)}</td>
                    </tr>
                </tfoot>
            </DataTable>
            <Pagination newer older summary newer_label="Previous" older_label="Next"/>
            <p class="muted small">
                "Whoever came by two campaigns counts for both, and once in the total. "
                {format!("Conversions and value are credited by the model “{}”; ", model.label())}
                <a href=models>"compare models"</a>"."
                {direct_note}
                {dash}
            </p>
        </Card>
    }
    .into_any()
}

/// What was earned in each currency, one below the other, below the conversions.
fn value(earned: &Revenue) -> AnyView {
    let amounts: Vec<_> = earned.by_currency.iter().filter(|(_, value)| **value != Minor::ZERO).collect();
    match amounts.is_empty() {
        true => ().into_any(),
        false => amounts
            .into_iter()
            .map(|(currency, value)| view! { <span class="line-subtitle">{money(*value, currency)}</span> })
            .collect_view()
            .into_any(),
    }
}

/// `signups` are nothing where they are not those of the row.
fn table_row(filter: &PageFilter, row: CampaignRow, signups: Option<i64>, earned: &CampaignCredit) -> AnyView {
    let earned = earned.of(&row.key());
    let name = if row.is_direct() { "Direct".to_owned() } else { or_not_set(&row.campaign) };
    let opens = row.narrow(filter.filter()).href("/admin", &[]);
    let internal = row.internal > 0 && row.internal == row.touches;
    let some_internal = (row.internal > 0 && !internal).then(|| format!("{} internal", format::count(row.internal)));
    view! {
        <tr>
            <th scope="row">
                <TwoLines title=name subtitle=some_internal href=opens/>
            </th>
            <td>{value_or_not_set(&row.source)}</td>
            <td>{value_or_not_set(&row.medium)}</td>
            <td><Tag label=row.channel.clone()/>{internal_tag(internal)}</td>
            <td class="num">{format::count(row.touches)}</td>
            <td class="num">{format::count(row.visitors)}</td>
            <td class="num">{format::count(row.leads)}</td>
            <td class="num">{format::count(row.users)}</td>
            <td class="num">{signups.map_or_else(|| "–".to_owned(), format::count)}</td>
            <td class="num">{rate(row.rate())}</td>
            <td class="num">{format_credit(row.credit)}{value(&earned)}</td>
        </tr>
    }
    .into_any()
}

fn empty(filter: &PageFilter, nothing_yet: bool) -> AnyView {
    let (title, text) = if nothing_yet {
        ("No campaigns yet", "Once somebody arrives by a link with utm_ parameters, its campaign stands here.")
    } else if filter.filter().is_bare() {
        ("No campaigns in this period", "There are touches outside it.")
    } else {
        ("Nothing matches", "No touch in this period has all of these values.")
    };
    let action = if nothing_yet {
        view! { <a class="button" href="/admin">"How to begin"</a> }.into_any()
    } else if filter.filter().is_bare() {
        view! { <a class="button" href=format!("{PATH}?period=all")>"Show all time"</a> }.into_any()
    } else {
        view! { <a class="button" href=filter.here(&filter.filter().bare())>"Clear the filter"</a> }.into_any()
    };
    view! { <div class="card"><EmptyState title text>{action}</EmptyState></div> }.into_any()
}
