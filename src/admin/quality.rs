use leptos::prelude::*;

use super::{
    alias_forms::FORM,
    filters::{PageFilter, long},
    page::{Asked, Failure, admin_page},
};
use crate::{
    attribution::{
        campaign_alias::{self, Alias},
        capture::{counters::OVER_CAP, exclusion::Exclusion},
        report::{
            Filter, Preset,
            quality::{
                IgnoredDay, MOST_NAMES, SimilarNames, TouchCounts, ignored, ignored_days, similar_names, touches,
            },
        },
    },
    auth::forms::{FormState, take_flash},
    components::{
        AdminPage, AdminSection, AlertKind, Card, DataTable, EmptyState, Field, FormAlert, HiddenField, Stat, StatRow,
        SubmitButton, Tag, Th, Tone, TwoLines, format,
    },
};

const PATH: &str = "/admin/quality";
/// The most days that are shown one by one.
const DAYS: u32 = 92;
/// The most pairs of names that are shown.
const PAIRS: usize = 50;
/// The most aliases that are shown.
const ALIASES: u32 = 500;

/// How far the numbers can be trusted: what did not count and why, touches to look at, campaign names to merge.
#[component]
pub fn QualityPage() -> impl IntoView {
    let flash = take_flash(FORM);
    admin_page(AdminSection::Quality, move |asked| page(asked, flash))
}

async fn page(asked: Asked, flash: FormState) -> Result<AnyView, Failure> {
    let page = PageFilter {
        parsed: Filter::parse(&asked.query, Preset::Days30, asked.now),
        path: PATH,
        keep: Vec::new(),
        credit: None,
        now: asked.now,
    };
    let filter = page.filter();
    let db = &asked.state.db;
    // what other replicas counted follows within seconds
    asked.state.attribution.counters.flush(db).await?;
    let counted = async {
        let mut conn = db.read().await?;
        let reasons = ignored(&mut conn, &filter.period).await?;
        Ok::<_, Failure>((reasons, ignored_days(&mut conn, &filter.period, DAYS).await?))
    };
    let looked_at = async {
        let mut conn = db.read().await?;
        Ok::<_, Failure>((touches(&mut conn, filter).await?, campaign_alias::list(&mut conn, ALIASES).await?))
    };
    let compared = async { Ok::<_, Failure>(similar_names(&mut db.read().await?, filter).await?) };
    let ((reasons, days), (touches, aliases), alike) = futures::try_join!(counted, looked_at, compared)?;

    let over_cap = reasons.iter().find(|(reason, _)| reason == OVER_CAP).map_or(0, |(_, count)| *count);
    let all_ignored = reasons.iter().map(|(_, count)| count).sum();
    let query = filter.href("", &[]);
    let by_reason = reasons_table(&reasons, all_ignored);
    let by_day = (!days.is_empty()).then(|| days_table(&reasons, days));
    let looked_at = touches_table(&touches, asked.state.config.attribution.rules.version());
    let names = names(&flash, query.trim_start_matches('?'), alike, aliases);
    Ok(view! {
        <AdminPage title="Data quality" section=AdminSection::Quality subtitle=page.period_words() toolbar=page.toolbar()>
            {page.above()}
            <StatRow label="Key figures">
                <Stat label="Touches" value=format::count(touches.all)/>
                <Stat label="Did not count" value=format::count(all_ignored)/>
                <Stat label="Over the daily cap" value=format::count(over_cap)/>
                <Stat label="Repeats" value=format::count(touches.repeats)/>
            </StatRow>
            <Card title="What did not count, and why">{by_reason}</Card>
            <Card title="Touches to look at">{looked_at}</Card>
            {names}
            {by_day.map(|table| view! { <Card title="What did not count, day by day">{table}</Card> })}
        </AdminPage>
    }
    .into_any())
}

/// A counter's word for people, and what it means.
fn words(reason: &str) -> (&str, &'static str) {
    if reason == OVER_CAP {
        return ("Over the daily cap", "One visitor had more touches in a day than are kept. The first ones count.");
    }
    let known = Exclusion::ALL.into_iter().find(|known| known.as_str() == reason);
    // counted by another version of the program
    known.map_or((reason, ""), |known| (known.label(), known.explanation()))
}

fn reasons_table(reasons: &[(String, i64)], all: i64) -> AnyView {
    if reasons.is_empty() {
        return view! {
            <EmptyState title="Everything counted"
                text="Arrivals with a marketing signal that are nobody's visit, such as those of crawlers and link previews, are counted here by reason. There were none in this period."/>
        }
        .into_any();
    }
    let rows = reasons
        .iter()
        .map(|(reason, count)| {
            let (label, explanation) = words(reason);
            let explanation = Some(explanation).filter(|text| !text.is_empty()).map(str::to_owned);
            view! {
                <tr>
                    <th scope="row"><TwoLines title=label.to_owned() subtitle=explanation/></th>
                    <td class="num">{format::count(*count)}</td>
                    <td class="num">{format::share(*count, all)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <DataTable caption="What did not count, by reason">
            <thead><tr>
                <Th label="Reason"/>
                <Th label="Arrivals" numeric=true/>
                <Th label="Share" numeric=true/>
            </tr></thead>
            <tbody>{rows}</tbody>
        </DataTable>
        <p class="muted small">
            "Nothing else is kept of them. Days are counted in UTC; only the period of the filter applies here."
        </p>
    }
    .into_any()
}

fn days_table(reasons: &[(String, i64)], days: Vec<IgnoredDay>) -> AnyView {
    let shown = days.len();
    let headings = reasons.iter().map(|(reason, _)| view! { <Th label=words(reason).0.to_owned() numeric=true/> });
    let headings = headings.collect_view();
    let rows = days
        .into_iter()
        .map(|day| {
            let cells = reasons
                .iter()
                .map(|(reason, _)| match day.counts.get(reason) {
                    Some(count) => view! { <td class="num">{format::count(*count)}</td> }.into_any(),
                    None => view! { <td class="num muted">"0"</td> }.into_any(),
                })
                .collect_view();
            let name = day.day.parse().map_or_else(|_| day.day.clone(), long);
            view! {
                <tr>
                    <th scope="row">{name}</th>
                    <td class="num">{format::count(day.total())}</td>
                    {cells}
                </tr>
            }
        })
        .collect_view();
    view! {
        <DataTable caption="What did not count, day by day">
            <thead><tr><Th label="Day (UTC)"/><Th label="All" numeric=true/>{headings}</tr></thead>
            <tbody>{rows}</tbody>
        </DataTable>
        {(shown == DAYS as usize).then(|| view! { <p class="muted small">{format!("The latest {DAYS} days.")}</p> })}
    }
    .into_any()
}

fn touches_table(touches: &TouchCounts, version: &str) -> AnyView {
    if touches.all == 0 {
        return view! {
            <EmptyState title="No touches" text="There are none in this period that the filter finds."/>
        }
        .into_any();
    }
    let other_rules = touches.by_other_rules(version);
    let versions: Vec<&str> =
        touches.by_rules.iter().map(|(rules, _)| rules.as_str()).filter(|rules| *rules != version).collect();
    let hint = match other_rules {
        0 => format!("The rules are those of version {version}."),
        _ => format!(
            "Classified by version {}, while the rules are those of version {version}. Run “waymark reclassify”.",
            versions.join(", ")
        ),
    };
    let lines = [
        (
            "Derived",
            touches.derived,
            "Source and medium were not in the link but follow from a click id or from the page that linked here."
                .to_owned(),
        ),
        (
            "Internal",
            touches.internal,
            "The link stood on a page of our own. UTM parameters belong on links from elsewhere.".to_owned(),
        ),
        ("Without a source", touches.without_source, "The link named no utm_source.".to_owned()),
        (
            "Without a medium",
            touches.without_medium,
            "The link named no utm_medium: the channel is a guess.".to_owned(),
        ),
        ("Classified by other rules", other_rules, hint),
    ];
    let rows = lines
        .into_iter()
        .map(|(label, count, explanation)| {
            view! {
                <tr>
                    <th scope="row"><TwoLines title=label subtitle=explanation/></th>
                    <td class="num">{format::count(count)}</td>
                    <td class="num">{format::share(count, touches.all)}</td>
                </tr>
            }
        })
        .collect_view();
    let repeats = format!(
        "{}: the same arrival again within half an hour, a reload or a redirect. It counts once.",
        format::plural(touches.repeats, "repeat", "repeats")
    );
    view! {
        <DataTable caption="Touches to look at">
            <thead><tr>
                <Th label="Touches"/>
                <Th label="Number" numeric=true/>
                <Th label="Share" numeric=true/>
            </tr></thead>
            <tbody>{rows}</tbody>
        </DataTable>
        <p class="muted small">{repeats}</p>
    }
    .into_any()
}

/// Names that look alike, names that were merged, and the form for any two.
fn names(flash: &FormState, query: &str, alike: SimilarNames, aliases: Vec<Alias>) -> AnyView {
    let field = move |name: &'static str, value: &str| view! { <HiddenField name value=value.to_owned()/> };
    let more_pairs = alike.pairs.len() > PAIRS;
    let pairs = alike
        .pairs
        .into_iter()
        .take(PAIRS)
        .map(|pair| {
            let label = format!("Merge {} into {}", pair.fewer.name, pair.more.name);
            view! {
                <tr>
                    <th scope="row">{pair.fewer.name.clone()}</th>
                    <td class="num">{format::count(pair.fewer.touches)}</td>
                    <td>{pair.more.name.clone()}</td>
                    <td class="num">{format::count(pair.more.touches)}</td>
                    <td><Tag label=pair.likeness.label() tone=Tone::Plain/></td>
                    <td class="fit">
                        <form method="post" action="/api/campaign-aliases">
                            {field("alias", &pair.fewer.name)}
                            {field("campaign", &pair.more.name)}
                            {field("query", query)}
                            <button class="button small" type="submit" aria-label=label>"Merge"</button>
                        </form>
                    </td>
                </tr>
            }
        })
        .collect::<Vec<_>>();
    let pairs = match pairs.is_empty() {
        true => view! { <p class="muted">"No two names of this period look alike."</p> }.into_any(),
        false => view! {
            <DataTable caption="Campaign names that look alike">
                <thead><tr>
                    <Th label="Name"/>
                    <Th label="Touches" numeric=true/>
                    <Th label="Looks like"/>
                    <Th label="Touches" numeric=true/>
                    <Th label="Differs by"/>
                    <th scope="col"><span class="visually-hidden">"Action"</span></th>
                </tr></thead>
                <tbody>{pairs}</tbody>
            </DataTable>
        }
        .into_any(),
    };
    let full = aliases.len() == ALIASES as usize;
    let merged = aliases
        .into_iter()
        .map(|alias| {
            let label = format!("Undo the merging of {} into {}", alias.alias, alias.campaign);
            view! {
                <tr>
                    <th scope="row">{alias.alias.clone()}</th>
                    <td>{alias.campaign}</td>
                    <td class="fit">
                        <form method="post" action="/api/campaign-aliases/remove">
                            {field("alias", &alias.alias)}
                            {field("query", query)}
                            <button class="button small" type="submit" aria-label=label>"Undo"</button>
                        </form>
                    </td>
                </tr>
            }
        })
        .collect::<Vec<_>>();
    let merged = (!merged.is_empty()).then(|| {
        view! {
            <DataTable caption="Merged campaign names">
                <thead><tr>
                    <Th label="Links say"/>
                    <Th label="Reports show"/>
                    <th scope="col"><span class="visually-hidden">"Action"</span></th>
                </tr></thead>
                <tbody>{merged}</tbody>
            </DataTable>
        }
    });
    let (notice, error) = (flash.notice.clone(), flash.error(""));
    let fields = view! {
        <Field name="alias" label="Name in links" value=flash.value("alias") required=true maxlength=255/>
        <Field name="campaign" label="Show it as" value=flash.value("campaign") required=true maxlength=255/>
        {field("query", query)}
    }
    .into_any();
    view! {
        // above both cards, as forms of both end here
        <FormAlert message=notice kind=AlertKind::Success/>
        <FormAlert message=error kind=AlertKind::Error/>
        <Card title="Campaign names that look alike">
            {pairs}
            {more_pairs.then(|| view! { <p class="muted small">{format!("The first {PAIRS} pairs.")}</p> })}
            {alike.cut.then(|| {
                let most = format::count(i64::from(MOST_NAMES));
                view! { <p class="muted small">{format!("The {most} names with the most touches were compared.")}</p> }
            })}
        </Card>
        <Card title="Merged campaign names">
            <p>"Merging changes what reports show. Touches keep what their link said, so it can be undone."</p>
            <form class="form inline" method="post" action="/api/campaign-aliases">
                {fields}
                <SubmitButton label="Merge"/>
            </form>
            {merged}
            {full.then(|| view! { <p class="muted small">{format!("The first {ALIASES} merged names.")}</p> })}
        </Card>
    }
    .into_any()
}
