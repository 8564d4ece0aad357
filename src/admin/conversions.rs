use std::collections::HashMap;

use leptos::prelude::*;

use super::{
    amounts::{kind_label, money},
    filters::{CreditChoice, PageFilter},
    page::{Asked, Failure, admin_page, position},
    tables::or_not_set,
};
use crate::{
    attribution::{
        model::Minor,
        report::{
            Filter, Preset,
            conversions::{ListedConversion, any_conversion, conversion_count, conversions},
            credit::{CreditSettings, PathTouch, Select, for_each_conversion, kinds},
            page::{Cursor, Page},
        },
    },
    components::{
        AdminPage, AdminSection, AlertKind, Card, DataTable, EmptyState, FormAlert, Pagination, Tag, Th, Tone,
        TwoLines, format,
    },
    db::{Conn, Error},
    id::ConversionId,
};

const PATH: &str = "/admin/conversions";
const ROWS: u32 = 50;

/// Conversions, newest first.
#[component]
pub fn ConversionsPage() -> impl IntoView {
    admin_page(AdminSection::Conversions, page)
}

async fn page(asked: Asked) -> Result<AnyView, Failure> {
    let mut filter = PageFilter {
        parsed: Filter::parse(&asked.query, Preset::Days30, asked.now),
        path: PATH,
        keep: Vec::new(),
        credit: None,
        now: asked.now,
    };
    let (position, lost) = position(&asked);
    let mut conn = asked.state.db.read().await?;
    let settings = asked.credit();
    let count = conversion_count(&mut conn, filter.filter(), &settings).await?;
    let page = conversions(&mut conn, filter.filter(), &settings, position, ROWS).await?;
    let paths = Paths::load(&mut conn, &settings, &page).await?;
    let nothing_yet = count == 0 && !any_conversion(&mut conn).await?;
    let kinds = kinds(&mut conn).await?;
    drop(conn);
    filter.credit = Some(CreditChoice { default: asked.state.config.attribution.model, kinds });

    let content = if count == 0 { empty(&filter, nothing_yet) } else { table(&filter, page, &paths, count) };
    let csv = filter.csv_href("/admin/conversions.csv", &[]);
    let toolbar = view! {
        {filter.toolbar()}
        <a class="button" href=csv rel="external" download>"CSV"</a>
    };
    let lost = lost.then_some("The address of this page of conversions is damaged; these are the newest.");
    Ok(view! {
        <AdminPage title="Conversions" section=AdminSection::Conversions subtitle=filter.period_words() toolbar=toolbar.into_any()>
            {filter.search("Search conversions", "E-mail, campaign or term")}
            <FormAlert message=lost kind=AlertKind::Error/>
            {filter.above()}
            {content}
        </AdminPage>
    }
    .into_any())
}

/// First touch, last touch and number of touches before each conversion.
#[derive(Debug, Default)]
pub struct Paths(HashMap<ConversionId, (PathTouch, PathTouch, usize)>);

impl Paths {
    pub async fn load(
        conn: &mut Conn,
        settings: &CreditSettings,
        page: &Page<ListedConversion>,
    ) -> Result<Self, Error> {
        let ids: Vec<ConversionId> = page.rows.iter().map(|conversion| conversion.id).collect();
        let mut paths = Self::default();
        for_each_conversion(conn, Select::Ids(&ids), settings, |attributed| {
            if let [first, ..] = attributed.touches[..]
                && let [.., last] = attributed.touches[..]
            {
                let ends = (first.clone(), last.clone(), attributed.touches.len());
                paths.0.insert(attributed.conversion.id, ends);
            }
        })
        .await?;
        Ok(paths)
    }

    /// Nothing where there was no touch.
    pub fn of(&self, conversion: &ListedConversion) -> Option<&(PathTouch, PathTouch, usize)> {
        self.0.get(&conversion.id)
    }
}

fn table(filter: &PageFilter, page: Page<ListedConversion>, paths: &Paths, count: i64) -> AnyView {
    let step = |name, cursor: Cursor| filter.with_own(name, &cursor.to_string());
    let newer = page.newer.map(|cursor| step("after", cursor));
    let older = page.older.map(|cursor| step("before", cursor));
    let summary = match page.rows.len() {
        0 => "No more conversions".to_owned(),
        shown => format!("{} of {}", shown, format::plural(count, "conversion", "conversions")),
    };
    let rows = page.rows.into_iter().map(|conversion| row(filter, conversion, paths)).collect_view();
    view! {
        <Card>
            <DataTable caption="Conversions, newest first" dense=true>
                <thead>
                    <tr>
                        <Th label="Conversion"/>
                        <Th label="Kind"/>
                        <Th label="Value" numeric=true/>
                        <Th label="Refunded" numeric=true/>
                        <Th label="First touch"/>
                        <Th label="Last touch"/>
                        <Th label="Touches" numeric=true/>
                        <Th label="Reported by"/>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </DataTable>
            <Pagination newer older summary/>
        </Card>
    }
    .into_any()
}

fn row(filter: &PageFilter, conversion: ListedConversion, paths: &Paths) -> AnyView {
    let tz = &filter.filter().period.tz;
    let journey = filter.detail(&format!("/admin/users/{}", conversion.user_id));
    let currency = conversion.currency.as_deref();
    let value = currency.map(|currency| money(conversion.value, currency));
    let refunded = currency.filter(|_| conversion.refunded > Minor::ZERO).map(|currency| {
        let whole =
            (conversion.refunded == conversion.value).then(|| view! { <Tag label="whole" tone=Tone::Bad/> " " });
        view! { {whole}{money(conversion.refunded, currency)} }
    });
    // that of a sign-up only repeats whose it is
    let external_id =
        Some(conversion.external_id.clone()).filter(|_| conversion.id != ConversionId::of_sign_up(conversion.user_id));
    let dash = || view! { <span class="muted">"–"</span> };
    let (first, last, touches) = match paths.of(&conversion) {
        Some((first, last, touches)) => (touch(filter, first), touch(filter, last), *touches as i64),
        None => {
            let direct = || view! { <Tag label="Direct"/> }.into_any();
            (direct(), direct(), 0)
        }
    };
    view! {
        <tr>
            <th scope="row" class="who">
                <TwoLines title=conversion.user_email.clone() href=journey/>
                <time class="line-subtitle" datetime=format::rfc3339(conversion.occurred_at)>
                    {format::date_time(conversion.occurred_at, tz)}
                </time>
            </th>
            <td><Tag label=kind_label(&conversion.kind).to_owned() tone=Tone::Mark/></td>
            <td class="num">{value.map_or_else(|| dash().into_any(), |value| value.into_any())}</td>
            <td class="num">{refunded.map_or_else(|| dash().into_any(), |refunded| refunded.into_any())}</td>
            <td>{first}</td>
            <td>{last}</td>
            <td class="num">{format::count(touches)}</td>
            <td>
                <span class="line-title">{conversion.source.clone()}</span>
                {external_id.map(|id| view! { <span class="line-subtitle cut" title=id.clone()>{id.clone()}</span> })}
            </td>
        </tr>
    }
    .into_any()
}

fn touch(filter: &PageFilter, touch: &PathTouch) -> AnyView {
    let href = filter.detail(&format!("/admin/leads/{}", touch.id));
    // above the link of the row, which is the user's
    view! {
        <a class="above-cover" href=href>{or_not_set(&touch.campaign)}</a>
        <span class="line-subtitle">{touch.channel.clone()}</span>
    }
    .into_any()
}

fn empty(filter: &PageFilter, nothing_yet: bool) -> AnyView {
    let bare = filter.filter().is_bare() && filter.filter().kind.is_none();
    let (title, text) = if nothing_yet {
        (
            "No conversions yet",
            "A sign-up is one, recorded by itself. Purchases and others come from your code, or by POST /api/conversions.",
        )
    } else if bare {
        ("No conversions in this period", "There are some outside it.")
    } else {
        ("Nothing matches", "No conversion in this period came by such a touch.")
    };
    let action = if nothing_yet {
        view! { <a class="button" href="/admin">"How to begin"</a> }.into_any()
    } else if bare {
        view! { <a class="button" href=format!("{PATH}?period=all")>"Show all time"</a> }.into_any()
    } else {
        let clear = filter.here(&Filter::new(filter.filter().period.clone()));
        view! { <a class="button" href=clear>"Clear the filter"</a> }.into_any()
    };
    view! { <div class="card"><EmptyState title text>{action}</EmptyState></div> }.into_any()
}
