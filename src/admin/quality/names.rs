use leptos::{either::Either, prelude::*};

use crate::{
    admin::{tables::ActionTh, words},
    attribution::{
        campaign_alias::Alias,
        report::quality::{MOST_NAMES, SimilarNames, similar_names::SimilarPair},
    },
    auth::forms::FormState,
    components::{Card, DataTable, Field, HiddenField, SubmitButton, Tag, Th, format},
};

/// The most pairs of names that are shown.
const PAIRS: usize = 50;
/// The most aliases that are shown.
pub const ALIASES: u32 = 500;

/// Campaign names that look alike, each with a button that merges the two.
#[component]
pub fn SimilarNamesCard(
    alike: SimilarNames,
    /// The query of the page, to which the form leads back.
    query: String,
) -> impl IntoView {
    let SimilarNames { pairs, cut } = alike;
    let more = (pairs.len() > PAIRS).then(|| format!("The first {PAIRS} pairs are shown."));
    let cut = cut
        .then(|| format!("Only the {} names with the most touches were compared.", format::count(MOST_NAMES as i64)));
    let notes =
        [more, cut].into_iter().flatten().map(|note| view! { <p class="muted small">{note}</p> }).collect_view();
    let content = match pairs.is_empty() {
        true => Either::Left(view! { <p class="muted">"No two names in this period look alike."</p> }),
        false => {
            let row = |pair| view! { <PairRow pair query=query.clone()/> };
            let rows = pairs.into_iter().take(PAIRS).map(row).collect_view();
            Either::Right(view! {
                <DataTable caption="Campaign names that look alike">
                    <thead><tr>
                        <Th label="Name"/>
                        <Th label="Touches" numeric=true/>
                        <Th label="Looks like"/>
                        <Th label="Touches" numeric=true/>
                        <Th label="Differs by"/>
                        <ActionTh/>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </DataTable>
            })
        }
    };
    view! { <Card title="Campaign names that look alike">{content}{notes}</Card> }
}

#[component]
fn PairRow(pair: SimilarPair, query: String) -> impl IntoView {
    let SimilarPair { fewer, more, likeness } = pair;
    let label = format!("Merge {} into {}", fewer.name, more.name);
    view! {
        <tr>
            <th scope="row">{fewer.name.clone()}</th>
            <td class="num">{format::count(fewer.touches)}</td>
            <td>{more.name.clone()}</td>
            <td class="num">{format::count(more.touches)}</td>
            <td><Tag label=words::likeness(likeness)/></td>
            <td class="fit">
                <form method="post" action="/api/campaign-aliases">
                    <HiddenField name="alias" value=fewer.name/>
                    <HiddenField name="campaign" value=more.name/>
                    <HiddenField name="query" value=query/>
                    <button class="button small" type="submit" aria-label=label>"Merge"</button>
                </form>
            </td>
        </tr>
    }
}

/// The form that merges any two names, and the merged names, each with a button that undoes the merge.
#[component]
pub fn MergedNamesCard(
    aliases: Vec<Alias>,
    /// The query of the page, to which the forms lead back.
    query: String,
    flash: FormState,
) -> impl IntoView {
    let full = aliases.len() == ALIASES as usize;
    let merged = (!aliases.is_empty()).then(|| {
        let row = |alias| view! { <AliasRow alias query=query.clone()/> };
        let rows = aliases.into_iter().map(row).collect_view();
        view! {
            <DataTable caption="Merged campaign names">
                <thead><tr><Th label="Name in links"/><Th label="Shown as"/><ActionTh/></tr></thead>
                <tbody>{rows}</tbody>
            </DataTable>
        }
    });
    view! {
        <Card title="Merged campaign names">
            <p>"Merging changes what reports show. Touches keep the name in their link, so you can undo it at any time."</p>
            <form class="form inline" method="post" action="/api/campaign-aliases">
                <Field name="alias" label="Name in links" value=flash.value("alias") required=true maxlength=255/>
                <Field name="campaign" label="Show as" value=flash.value("campaign") required=true maxlength=255/>
                <HiddenField name="query" value=query.clone()/>
                <SubmitButton label="Merge"/>
            </form>
            {merged}
            {full.then(|| view! { <p class="muted small">{format!("The first {ALIASES} merged names are shown.")}</p> })}
        </Card>
    }
}

#[component]
fn AliasRow(alias: Alias, query: String) -> impl IntoView {
    let Alias { alias, campaign, .. } = alias;
    let label = format!("Undo the merging of {alias} into {campaign}");
    view! {
        <tr>
            <th scope="row">{alias.clone()}</th>
            <td>{campaign}</td>
            <td class="fit">
                <form method="post" action="/api/campaign-aliases/remove">
                    <HiddenField name="alias" value=alias/>
                    <HiddenField name="query" value=query/>
                    <button class="button small" type="submit" aria-label=label>"Undo"</button>
                </form>
            </td>
        </tr>
    }
}
