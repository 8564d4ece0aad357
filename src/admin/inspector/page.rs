use leptos::prelude::*;

use super::{
    TypedArrival,
    answer::{BROWSER, answer, nothing_asked},
    island::Inspector,
};
use crate::{
    admin::{
        page::{PageError, PageRequest, admin_page},
        sections::INSPECTOR,
    },
    attribution::channel::rules::{ListedRule, Rules},
    components::{AdminPage, CheckField, DataTable, Field, SubmitButton, Tag, Th},
};

/// The inspector, and the table of all rules.
#[component]
pub fn InspectorPage() -> impl IntoView {
    admin_page(page)
}

async fn page(request: PageRequest) -> Result<impl IntoView, PageError> {
    let parameter = |name| request.parameter(name).unwrap_or_default();
    let typed = TypedArrival {
        address: parameter("address"),
        linked_from: parameter("linked_from"),
        agent: parameter("agent"),
        gpc: !parameter("gpc").is_empty(),
    };
    let attribution = &request.state.attribution;
    let result = if typed.address.is_empty() { nothing_asked() } else { answer(attribution, &typed) };
    let custom_tags = attribution.settings.custom_tags.names().collect::<Vec<_>>().join(",");
    let rules = attribution.settings.rules.clone();
    let agent = if typed.agent.is_empty() { BROWSER.to_owned() } else { typed.agent };
    Ok(view! {
        <AdminPage title=INSPECTOR.title subtitle="See whether an arrival would be captured, and why. Nothing is stored.">
            <Inspector address=typed.address result custom_tags>
                <Field name="linked_from" label="Page that linked there (Referer)" value=typed.linked_from
                    hint="Leave it empty for none." placeholder="https://www.google.com/"/>
                <Field name="agent" label="Browser (User-Agent)" value=agent/>
                <CheckField name="gpc" label="The browser asks for privacy (Sec-GPC)" checked=typed.gpc/>
                <SubmitButton label="Inspect"/>
            </Inspector>
            <RuleTable rules/>
        </AdminPage>
    })
}

#[component]
fn RuleTable(rules: Rules) -> impl IntoView {
    let row = |ListedRule { name, channel, about, custom }: ListedRule<'_>| {
        view! {
            <tr>
                <th scope="row"><code>{name.to_owned()}</code>{custom.then(|| view! { " " <Tag label="your rule"/> })}</th>
                <td><Tag label=channel.to_string()/></td>
                <td>{about.to_string()}</td>
            </tr>
        }
    };
    view! {
        <details class="card rules">
            <summary>"All rules, in the order in which they are tried"</summary>
            <p class="muted small">
                "The first rule that matches decides. Version " <code>{rules.version().to_owned()}</code>
                ". Your own rules stand in the file that ATTRIBUTION_RULES names. After a change, run "
                <code>"waymark reclassify"</code> " to apply them to the touches that are stored."
            </p>
            <DataTable caption="Channel rules">
                <thead><tr><Th label="Rule"/><Th label="Channel"/><Th label="It matches when"/></tr></thead>
                <tbody>{rules.list().map(row).collect_view()}</tbody>
            </DataTable>
        </details>
    }
}
