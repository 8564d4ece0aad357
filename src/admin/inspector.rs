use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use leptos::prelude::*;

use super::page::{Asked, Failure, admin_page};
use crate::{
    attribution::{
        Attribution,
        capture::arrival::{Examined, Head},
        channel::{Classified, rules::Listed},
        touch::{Arrived, Origin},
    },
    components::{AdminPage, AdminSection, Card, Columns, DataTable, EmptyState, Fact, Facts, Field, Tag, Th},
};

const PATH: &str = "/admin/inspector";

/// An ordinary browser, for who names none.
const BROWSER: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

/// What would become of an arrival: nothing is stored.
#[component]
pub fn InspectorPage() -> impl IntoView {
    admin_page(AdminSection::Inspector, page)
}

/// What the form holds.
struct Typed {
    address: Option<String>,
    linked_from: Option<String>,
    agent: Option<String>,
    gpc: bool,
}

/// An arrival as it would be seen.
struct Shown {
    path: String,
    /// `None` where nothing says anything.
    examined: Option<Examined>,
    /// Part of it stood behind the `#`, where only the beacon sees it.
    by_beacon: bool,
    channel: String,
    rule: String,
}

async fn page(asked: Asked) -> Result<AnyView, Failure> {
    let typed = Typed {
        address: asked.parameter("address"),
        linked_from: asked.parameter("linked_from"),
        agent: asked.parameter("agent"),
        gpc: asked.parameter("gpc").is_some(),
    };
    let attribution = asked.state.attribution.clone();
    let shown = typed.address.as_deref().map(|address| inspect(&attribution, address, &typed));
    let (error, result) = match shown {
        None => (None, empty()),
        Some(Err(why)) => (Some(why), empty()),
        Some(Ok(shown)) => (None, result(&attribution, shown)),
    };
    let rules = rules(&attribution);
    let agent = typed.agent.unwrap_or_else(|| BROWSER.to_owned());
    let linked_hint = "Leave it empty for none.";
    let form = view! {
        <Card title="An arrival">
            <form class="form" method="get" action=PATH>
                <Field name="address" label="Address that was opened" value=typed.address error=error required=true
                    placeholder="https://www.example.com/pricing?utm_source=newsletter"/>
                <Field name="linked_from" label="Page that linked there (Referer)" value=typed.linked_from hint=linked_hint
                    placeholder="https://www.google.com/"/>
                <Field name="agent" label="Browser (User-Agent)" value=agent/>
                <label class="check">
                    <input type="checkbox" name="gpc" value="1" checked=typed.gpc/>
                    " The browser asks for privacy (Sec-GPC)"
                </label>
                <button class="button primary" type="submit">"Inspect"</button>
            </form>
        </Card>
    };
    Ok(view! {
        <AdminPage title="Inspector" section=AdminSection::Inspector
            subtitle="What would become of an arrival, and why. Nothing is stored.">
            <Columns>{form} <div class="stack">{result}</div></Columns>
            {rules}
        </AdminPage>
    }
    .into_any())
}

fn inspect(attribution: &Attribution, address: &str, typed: &Typed) -> Result<Shown, String> {
    let (address, fragment) = address.split_once('#').unwrap_or((address, ""));
    let wrong =
        || "This is no address; write it like https://www.example.com/pricing?utm_source=newsletter.".to_owned();
    // browsers encode what they are given, and so do we
    let encoded: String = address
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() {
                c.to_string()
            } else {
                form_urlencoded::byte_serialize(c.to_string().as_bytes()).collect()
            }
        })
        .collect();
    let uri: Uri = encoded.parse().map_err(|_| wrong())?;
    if uri.scheme().is_none() && !encoded.starts_with('/') {
        return Err(wrong());
    }
    let path = uri.path().to_owned();
    let query = match (uri.query().unwrap_or_default(), fragment) {
        (query, "") => query.to_owned(),
        (query, fragment) => format!("{query}&{fragment}"),
    };
    let headers = headers(uri.host(), typed);
    let head = Head { method: &Method::GET, path: &path, query: Some(&query), headers: &headers };
    let examined = attribution.examine(head);
    let (mut channel, mut rule) = (String::new(), String::new());
    if let Some(examined) = &examined {
        let Classified { channel: found, rule: name } = arrived(examined, &path).classify(&attribution.settings.rules);
        (channel, rule) = (found.to_string(), name.to_owned());
    }
    let without = Head { query: Some(uri.query().unwrap_or_default()), ..head };
    let seen = |head| attribution.examine(head).map(|examined: Examined| examined.signals);
    let by_beacon = seen(head) != seen(without);
    Ok(Shown { path, examined, by_beacon, channel, rule })
}

fn headers(host: Option<&str>, typed: &Typed) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::HOST, host.unwrap_or_default());
    set(header::ACCEPT, "text/html");
    set(header::USER_AGENT, typed.agent.as_deref().unwrap_or(BROWSER));
    if let Some(referer) = &typed.linked_from {
        set(header::REFERER, referer);
    }
    if typed.gpc {
        set(HeaderName::from_static("sec-gpc"), "1");
    }
    headers
}

fn arrived<'a>(examined: &'a Examined, path: &'a str) -> Arrived<'a> {
    let Examined { signals, referrer, origin, internal, .. } = examined;
    Arrived { signals, path, referrer: referrer.as_ref(), origin: *origin, internal: *internal, at: 0 }
}

fn result(attribution: &Attribution, shown: Shown) -> AnyView {
    let Some(examined) = shown.examined else {
        return view! {
            <Card title="Nothing to capture">
                <p>
                    "The link says nothing, and no page elsewhere linked to it: a direct visit. No cookie is set and nothing is "
                    "stored."
                </p>
            </Card>
        }
        .into_any();
    };
    let verdict = verdict(&examined, shown.by_beacon);
    let listed = attribution.settings.rules.list().find(|listed| listed.name == shown.rule);
    let about = listed.as_ref().map(|listed| listed.about.to_string());
    let custom = listed.is_some_and(|listed| listed.custom).then(|| view! { " " <Tag label="your rule"/> });
    let utm = examined.signals.utm;
    let fields = [
        ("Source", utm.source),
        ("Medium", utm.medium),
        ("Campaign", utm.campaign),
        ("Term", utm.term),
        ("Content", utm.content),
        ("Id", utm.id),
        ("Source platform", utm.source_platform),
        ("Creative format", utm.creative_format),
        ("Marketing tactic", utm.marketing_tactic),
    ];
    let fields = fields
        .into_iter()
        .filter(|(_, value)| value.is_some())
        .map(|(term, value)| view! { <Fact term value/> })
        .collect_view();
    let ids = examined.signals.click_ids.into_iter().map(|(name, value)| (name.to_owned(), value));
    let tags = examined.signals.tags.into_iter().map(|(name, values)| (name, values.join(", ")));
    let further = ids.chain(tags).map(|(term, value)| view! { <Fact term value mono=true/> }).collect_view();
    let read_from = match (examined.origin, examined.signals.derived) {
        (Origin::Referrer, _) => "The page that linked there",
        (_, true) => "The click id",
        _ => "The link",
    };
    let dropped = examined.signals.dropped;
    let too_much =
        (dropped.cut || dropped.pairs > 0).then_some("A part of the query lies beyond the cap and is not read.");
    let too_long = (dropped.ids > 0).then_some("A click id is too long, or no text, and is left out.");
    let referrer = examined.referrer.map(|referrer| referrer.as_string());
    let path = shown.path;
    view! {
        {verdict}
        <Card title="Channel">
            <Facts>
                <Fact term="Channel"><Tag label=shown.channel/></Fact>
                <Fact term="Rule"><code>{shown.rule}</code>{custom}</Fact>
                <Fact term="It matches when" value=about/>
            </Facts>
        </Card>
        <Card title="The touch">
            <Facts>
                {fields}
                {further}
                <Fact term="Read from" value=read_from/>
                <Fact term="Landing page" value=path mono=true/>
                <Fact term="Referrer" value=referrer mono=true/>
                <Fact term="Link on a page of our own" value=if examined.internal { "yes" } else { "no" }/>
            </Facts>
            {[too_much, too_long].into_iter().flatten().map(|text| view! { <p class="muted small">{text}</p> }).collect_view()}
        </Card>
    }
    .into_any()
}

fn verdict(examined: &Examined, by_beacon: bool) -> AnyView {
    match examined.ignored {
        Some(why) => view! {
            <div class="alert bad">
                <p><strong>{format!("Not captured: {}", why.label())}</strong></p>
                <p>{why.explanation()}</p>
            </div>
        }
        .into_any(),
        None => {
            let beacon = by_beacon.then_some(
                "Part of it stands behind the #, which browsers do not send: the page’s script tells, where scripts run.",
            );
            view! {
                <div class="alert good">
                    <p><strong>"Captured"</strong></p>
                    {beacon.map(|text| view! { <p>{text}</p> })}
                </div>
            }
            .into_any()
        }
    }
}

fn empty() -> AnyView {
    view! {
        <div class="card">
            <EmptyState title="Paste an address" text="The very code that captures arrivals reads it, and says what it would do."/>
        </div>
    }
    .into_any()
}

fn rules(attribution: &Attribution) -> AnyView {
    let rules = &attribution.settings.rules;
    let rows = rules
        .list()
        .map(|Listed { name, channel, about, custom }| {
            view! {
                <tr>
                    <th scope="row"><code>{name.to_owned()}</code>{custom.then(|| view! { " " <Tag label="your rule"/> })}</th>
                    <td><Tag label=channel.to_string()/></td>
                    <td>{about.to_string()}</td>
                </tr>
            }
        })
        .collect_view();
    let version = rules.version().to_owned();
    view! {
        <details class="card rules">
            <summary>"All rules, in the order in which they are asked"</summary>
            <p class="muted small">
                "The first that matches decides. Version " <code>{version}</code>
                ". Rules of your own stand in the file that ATTRIBUTION_RULES names; after a change, "
                <code>"waymark reclassify"</code> " applies them to what is stored."
            </p>
            <DataTable caption="Channel rules">
                <thead><tr><Th label="Rule"/><Th label="Channel"/><Th label="It matches when"/></tr></thead>
                <tbody>{rows}</tbody>
            </DataTable>
        </details>
    }
    .into_any()
}
