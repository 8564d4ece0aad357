use leptos::prelude::*;

mod revenue;

use self::revenue::Conversions;
use super::{
    amounts::format_credit,
    filters::{CreditChoice, PageFilter, long, short},
    page::{Asked, Failure, admin_page},
    tables::{CampaignTable, LeadTable, or_not_set, rate},
};
use crate::{
    attribution::{
        model::{Credit, Model},
        report::{
            Filter, FilterField, Period, Preset,
            campaigns::{CampaignOrder, CampaignRow, campaigns},
            leads::{Lead, ScanOrder, leads},
            page::PagePosition,
            period::{Bucket, Grain},
            ranking::{Dimension, Ranked, ranking},
            totals::{Totals, any_touch, totals},
            trend::{Metric, Trend, trend},
        },
    },
    components::{
        AdminPage, AdminSection, BackLink, BarItem, BarList, Card, Change, ChartPoint, Columns, EmptyState, LineChart,
        Stat, StatRow, format,
    },
    db::Error,
};

const PATH: &str = "/admin";
/// How many rows each list has.
const TOP: u32 = 7;

/// The headline numbers of a period, their trend, and the largest channels, sources, pages and campaigns. With a filter it is
/// the page of a campaign, a channel, a source.
#[component]
pub fn OverviewPage() -> impl IntoView {
    admin_page(AdminSection::Overview, overview)
}

/// What the chart and the lists are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Counted(Metric),
    Conversions,
}

impl Shown {
    const DEFAULT: Self = Self::Counted(Metric::Leads);

    const fn as_str(self) -> &'static str {
        match self {
            Self::Counted(metric) => metric.as_str(),
            Self::Conversions => "conversions",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Counted(metric) => metric.label(),
            Self::Conversions => "Conversions",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text == Self::Conversions.as_str() {
            return Some(Self::Conversions);
        }
        Metric::parse(text).map(Self::Counted)
    }
}

async fn overview(asked: Asked) -> Result<AnyView, Failure> {
    let shown = asked.parameter("metric").and_then(|name| Shown::parse(&name)).unwrap_or(Shown::DEFAULT);
    let mut page = PageFilter {
        parsed: Filter::parse(&asked.query, Preset::Days30, asked.now),
        path: PATH,
        keep: if shown == Shown::DEFAULT { Vec::new() } else { vec![("metric", shown.as_str().to_owned())] },
        credit: None,
        now: asked.now,
    };
    let (numbers, details, (conversions, campaigns)) = futures::try_join!(
        Numbers::load(&asked, page.filter()),
        Details::load(&asked, page.filter(), shown),
        load_campaigns(&asked, page.filter()),
    )?;
    page.credit =
        Some(CreditChoice { default: asked.state.config.attribution.model, kinds: conversions.kinds.clone() });
    let model = asked.model(page.filter());

    let filter = page.filter().clone();
    let campaign = filter.get(FilterField::Campaign).map(str::to_owned);
    // Not the campaign's name, which came from a visitor: leptos_meta writes titles as they are, markup included.
    let title = if campaign.is_some() { "Campaign" } else { "Overview" };
    let back = campaign.as_ref().map(|_| {
        let wide = FilterField::ALL.into_iter().fold(filter.clone(), |filter, field| filter.with(field, None));
        BackLink::new(wide.href("/admin/campaigns", &[]), "Campaigns")
    });
    let section = if back.is_some() { AdminSection::Campaigns } else { AdminSection::Overview };
    let content = if numbers.nothing_yet {
        nothing_yet(asked.state.config.is_development())
    } else {
        view! {
            {headline(&page, &numbers, &conversions, shown, model, details.trend)}
            {rankings(&page, &numbers.current, shown, details.lists)}
            {campaigns.view(&page)}
        }
        .into_any()
    };
    let period = match (page.period_words(), &numbers.previous) {
        (words, Some(_)) => format!("{words}, against the period before"),
        (words, None) => words,
    };
    let subtitle = campaign.into_iter().chain([period]).collect::<Vec<_>>().join(" · ");
    Ok(view! {
        <AdminPage title section back subtitle toolbar=page.toolbar()>
            {page.above()}
            {content}
        </AdminPage>
    }
    .into_any())
}

struct Numbers {
    current: Totals,
    previous: Option<Totals>,
    /// There is no touch at all, in any period.
    nothing_yet: bool,
}

impl Numbers {
    async fn load(asked: &Asked, filter: &Filter) -> Result<Self, Error> {
        let mut conn = asked.state.db.read().await?;
        let current = totals(&mut conn, filter, asked.window()).await?;
        let previous = match filter.previous() {
            Some(before) => Some(totals(&mut conn, &before, asked.window()).await?),
            None => None,
        };
        let nothing_yet = current.touches == 0 && !any_touch(&mut conn).await?;
        Ok(Self { current, previous, nothing_yet })
    }
}

const LISTS: [(Dimension, &str); 4] = [
    (Dimension::Channel, "Channels"),
    (Dimension::LandingPage, "Landing pages"),
    (Dimension::Source, "Sources"),
    (Dimension::Referrer, "Referrers"),
];

/// The chart and the lists.
struct Details {
    trend: Trend,
    /// By [`LISTS`]; conversions are in millionths, and known with what they are shares of.
    lists: Vec<(Vec<Ranked>, Option<i64>)>,
}

impl Details {
    async fn load(asked: &Asked, filter: &Filter, shown: Shown) -> Result<Self, Error> {
        let mut conn = asked.state.db.read().await?;
        let Shown::Counted(metric) = shown else {
            let (trend, lists) = revenue::details(&mut conn, asked, filter).await?;
            return Ok(Self { trend, lists });
        };
        let trend = trend(&mut conn, filter, asked.window(), metric, asked.now).await?;
        let mut lists = Vec::with_capacity(LISTS.len());
        for (dimension, _) in LISTS {
            let rows = ranking(&mut conn, filter, asked.window(), dimension, metric, TOP).await?;
            lists.push((rows, None));
        }
        Ok(Self { trend, lists })
    }
}

fn of(metric: Metric, totals: &Totals) -> i64 {
    match metric {
        Metric::Touches => totals.touches,
        Metric::Visitors => totals.visitors,
        Metric::Leads => totals.leads,
        Metric::Signups => totals.signups,
    }
}

fn headline(
    page: &PageFilter,
    numbers: &Numbers,
    conversions: &Conversions,
    shown: Shown,
    model: Model,
    trend: Trend,
) -> AnyView {
    let stats = Metric::ALL
        .into_iter()
        .map(|each| {
            let now = of(each, &numbers.current);
            let change = numbers.previous.as_ref().and_then(|previous| Change::between(now, of(each, previous)));
            view! {
                <Stat label=each.label() value=format::count(now) change current=shown == Shown::Counted(each)
                    href=page.with_own("metric", each.as_str())/>
            }
        })
        .collect_view();
    let rate_change =
        numbers.previous.as_ref().and_then(|previous| Change::between_rates(numbers.current.rate(), previous.rate()));
    let earned_note = match shown {
        Shown::Conversions => Some(revenue::note(page, model)),
        Shown::Counted(_) if conversions.kinds.is_empty() => None,
        Shown::Counted(_) => Some(format!("Conversions and value are credited by the model “{}”.", model.label())),
    };
    let notes = signups_note(&numbers.current)
        .into_iter()
        .chain(earned_note)
        .map(|note| view! { <p class="muted small chart-note">{note}</p> })
        .collect_view();
    let points = points(&page.filter().period, trend);
    let chart = view! { <LineChart id="trend" series=shown.label() points/> {notes} }.into_any();
    let current_rate = rate(numbers.current.rate());
    let earned = conversions.stats(page, shown == Shown::Conversions);
    view! {
        <StatRow label="Key figures" below=chart>
            {stats}
            <Stat label="Visitor → sign-up" value=current_rate change=rate_change/>
            {earned}
        </StatRow>
    }
    .into_any()
}

/// Why the rate is not that of the two numbers beside it.
fn signups_note(totals: &Totals) -> Option<String> {
    let all = format::plural(totals.signups, "sign-up", "sign-ups");
    let linked = format::count(totals.attributed);
    let note = format!("{linked} of {all} came by a link within the look-back window, the others directly. ");
    (totals.signups > totals.attributed).then_some(note + "“Visitor → sign-up” counts those by a link.")
}

fn points(period: &Period, trend: Trend) -> Vec<ChartPoint> {
    let Trend { buckets, current, previous } = trend;
    let grain = match (buckets.first(), buckets.last()) {
        (Some(first), Some(last)) => Period::between(first.from, last.to, period.tz.clone()).grain(),
        _ => Grain::Day,
    };
    buckets
        .into_iter()
        .zip(current)
        .enumerate()
        .map(|(n, (bucket, current))| ChartPoint {
            label: axis_label(bucket, grain),
            title: point_title(bucket),
            current,
            previous: previous.as_ref().and_then(|previous| previous.get(n).copied()),
        })
        .collect()
}

fn axis_label(bucket: Bucket, grain: Grain) -> String {
    match grain {
        Grain::Day | Grain::Week => short(bucket.from),
        Grain::Month => bucket.from.strftime("%b %Y").to_string(),
    }
}

fn point_title(bucket: Bucket) -> String {
    if bucket.from == bucket.to {
        bucket.from.strftime("%a, %-d %b %Y").to_string()
    } else {
        format!("{} – {}", short(bucket.from), long(bucket.to))
    }
}

fn rankings(page: &PageFilter, totals: &Totals, shown: Shown, lists: Vec<(Vec<Ranked>, Option<i64>)>) -> AnyView {
    let all = match shown {
        // who came directly is in none of the lists
        Shown::Counted(Metric::Signups) => totals.attributed,
        Shown::Counted(metric) => of(metric, totals),
        Shown::Conversions => 0,
    };
    let cards = LISTS
        .into_iter()
        .zip(lists)
        // what is filtered by has one row
        .filter(|((dimension, _), _)| field_of(*dimension).is_none_or(|field| page.filter().get(field).is_none()))
        .map(|((dimension, title), (rows, total))| {
            let field = field_of(dimension);
            let empty = rows.is_empty();
            let items: Vec<BarItem> = rows
                .into_iter()
                .map(|Ranked { value, count }| {
                    let label = or_not_set(&value);
                    let narrow = field.map(|field| page.here(&page.filter().clone().with(field, Some(&label))));
                    let text = (shown == Shown::Conversions).then(|| format_credit(Credit(count)));
                    BarItem { label, detail: None, href: narrow, value: count, text }
                })
                .collect();
            view! {
                <Card title aside=shown.label().into_any()>
                    {empty.then(|| view! { <p class="muted">{nothing_in(dimension)}</p> })}
                    <BarList items total=total.unwrap_or(all)/>
                </Card>
            }
        })
        .collect_view();
    view! { <Columns>{cards}</Columns> }.into_any()
}

/// What narrows the page to a row of a ranking.
fn field_of(dimension: Dimension) -> Option<FilterField> {
    match dimension {
        Dimension::Channel => Some(FilterField::Channel),
        Dimension::Source => Some(FilterField::Source),
        Dimension::LandingPage | Dimension::Referrer => None,
    }
}

fn nothing_in(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Referrer => "No page has been named as the one that linked here.",
        _ => "Nothing in this period.",
    }
}

struct Campaigns {
    top: Vec<CampaignRow>,
    count: i64,
    /// The latest leads, where the page is about some of them.
    latest: Vec<Lead>,
}

async fn load_campaigns(asked: &Asked, filter: &Filter) -> Result<(Conversions, Campaigns), Error> {
    let mut conn = asked.state.db.read().await?;
    let conversions = Conversions::load(&mut conn, asked, filter).await?;
    let credit = &conversions.by_campaign;
    let page = campaigns(&mut conn, filter, asked.window(), credit, CampaignOrder::default(), TOP, 0).await?;
    let latest = match filter.is_bare() {
        true => Vec::new(),
        false => leads(&mut conn, filter, PagePosition::Newest, TOP, ScanOrder::ByVisitor).await?.rows,
    };
    Ok((conversions, Campaigns { top: page.rows, count: page.count, latest }))
}

impl Campaigns {
    fn view(self, page: &PageFilter) -> AnyView {
        let filter = page.filter().clone();
        let all = format!("All {}", format::plural(self.count, "campaign", "campaigns"));
        let csv = page.csv_href("/admin/campaigns.csv", &[]);
        let aside = view! {
            <a href=filter.href("/admin/campaigns", &[])>{all}</a>
            " · "
            <a href=csv rel="external" download>"CSV"</a>
        };
        let latest = (!self.latest.is_empty()).then(|| {
            let href = filter.href("/admin/leads", &[]);
            let filter = filter.clone();
            view! {
                <Card title="Latest leads" aside=view! { <a href=href>"All leads"</a> }.into_any()>
                    <LeadTable caption="Latest leads" leads=self.latest filter/>
                </Card>
            }
        });
        let table = match self.top.is_empty() {
            true => {
                let all_time = format!("{PATH}?period=all");
                view! { <p class="muted">"No campaign brought anyone in this period. "<a href=all_time>"See all time"</a></p> }
                    .into_any()
            }
            false => {
                let href = move |row: &CampaignRow| row.narrow(&filter).href(PATH, &[]);
                view! { <CampaignTable rows=self.top href/> }.into_any()
            }
        };
        // a campaign's own page need not say so in a table of one row
        let one = self.count == 1 && page.filter().get(FilterField::Campaign).is_some();
        let table = (!one).then(|| view! { <Card title="Leads per campaign" aside=aside.into_any()>{table}</Card> });
        view! { {latest} {table} }.into_any()
    }
}

/// What to do first.
fn nothing_yet(development: bool) -> AnyView {
    let link = "/?utm_source=newsletter&utm_medium=email&utm_campaign=hello";
    view! {
        <div class="card">
            <EmptyState title="No touches yet"
                text="A touch is an arrival by a link that says where it stood: one with utm_ parameters, a click id, or a referral link. \
                      Open the example, then come back: it is the first.">
                // without the referrer, or it would count as a link on a page of our own
                <a class="button primary" href=link rel="external noreferrer">"Open a campaign link"</a>
                {development.then(|| view! {
                    <form method="post" action="/api/demo">
                        <button class="button" type="submit">"Fill with sample data"</button>
                    </form>
                })}
            </EmptyState>
            <p class="empty-link"><code>{link}</code></p>
        </div>
    }
    .into_any()
}
