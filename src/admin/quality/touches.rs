use leptos::{either::Either, prelude::*};

use crate::{
    attribution::report::quality::TouchCounts,
    components::{DataTable, EmptyState, Th, TwoLines, format},
};

/// Touches whose link was incomplete or stood in the wrong place. `version` is the version of the channel rules.
#[component]
pub fn TouchTable(touches: TouchCounts, version: String) -> impl IntoView {
    if touches.all == 0 {
        return Either::Left(view! {
            <EmptyState title="No touches" text="The filter finds no touches in this period."/>
        });
    }
    let rows = lines(&touches, &version)
        .into_iter()
        .map(|(title, count, subtitle)| {
            view! {
                <tr>
                    <th scope="row"><TwoLines title subtitle/></th>
                    <td class="num">{format::count(count)}</td>
                    <td class="num">{format::share(count, touches.all)}</td>
                </tr>
            }
        })
        .collect_view();
    let repeats = format::plural(touches.repeats, "repeat", "repeats");
    Either::Right(view! {
        <DataTable caption="Touches to check">
            <thead><tr>
                <Th label="Touches"/>
                <Th label="Number" numeric=true/>
                <Th label="Share" numeric=true/>
            </tr></thead>
            <tbody>{rows}</tbody>
        </DataTable>
        <p class="muted small">
            {repeats}": the same arrival again within half an hour, by a reload or a redirect. An arrival counts once."
        </p>
    })
}

/// Returns the rows of the table: label, number of touches, explanation.
fn lines(touches: &TouchCounts, version: &str) -> [(&'static str, i64, String); 5] {
    let other_rules = touches.by_other_rules(version);
    let others: Vec<&str> =
        touches.by_rules.iter().map(|(rules, _)| rules.as_str()).filter(|rules| *rules != version).collect();
    let classified = match other_rules {
        0 => format!("The rules have version {version}."),
        _ => format!(
            "Classified by version {}, while the rules have version {version}. Run “waymark reclassify”.",
            others.join(", ")
        ),
    };
    let line = |label, count, explanation: &str| (label, count, explanation.to_owned());
    [
        line(
            "Derived",
            touches.derived,
            "The link named no source or no medium. A click id or the page that linked here says what is missing.",
        ),
        line(
            "Internal",
            touches.internal,
            "The link stood on a page of this site. Use UTM parameters only in links on other sites and in mails.",
        ),
        line(
            "Without a source",
            touches.without_source,
            "The link had no utm_source, and neither a click id nor the page that linked here tells the source.",
        ),
        line(
            "Without a medium",
            touches.without_medium,
            "The link had no utm_medium and no click id of an ad, so the channel is a guess.",
        ),
        ("Classified by other rules", other_rules, classified),
    ]
}
