use leptos::{ev::SubmitEvent, html, prelude::*, task::spawn_local};

use super::{InspectorResult, PATH, ResultCard, ResultFact, TypedArrival, Verdict, preview::preview};
use crate::attribution::signal::custom_tags::CustomTags;

/// Returns what the server would do with an arrival. Only admins may call this function, as only admins may open the page.
#[server(prefix = "/api", endpoint = "inspect")]
pub async fn inspect(
    #[server(default)] address: String,
    #[server(default)] linked_from: String,
    #[server(default)] agent: String,
    /// The text is not empty if the box is ticked.
    #[server(default)]
    gpc: String,
) -> Result<InspectorResult, ServerFnError> {
    use super::answer::answer;
    use crate::{
        auth::{AuthRejection, forms::Answer, require_admin},
        state::AppState,
    };
    match require_admin() {
        Ok(_) => {
            let typed = TypedArrival { address, linked_from, agent, gpc: !gpc.is_empty() };
            return Ok(answer(&expect_context::<AppState>().attribution, &typed));
        }
        Err(AuthRejection::SignedOut) => Answer::sign_in_first(PATH),
        Err(AuthRejection::Forbidden) => Answer::forbidden(),
    };
    Ok(InspectorResult::default())
}

/// The form, and beside it the result.
///
/// While an address is typed, a preview stands in the place of the result.
///
/// The views are plain elements, not components such as [`Card`](crate::components::Card). A component with children may hold any
/// view, and the code for any view would be most of what the browser loads.
#[cfg_attr(feature = "split", island(lazy))]
#[cfg_attr(not(feature = "split"), island)]
pub fn Inspector(
    address: String,
    /// What stands beside the form at first.
    result: InspectorResult,
    /// The names of the custom tags, as they are configured.
    custom_tags: String,
    /// The other fields of the form, and its button.
    children: Children,
) -> impl IntoView {
    let form = NodeRef::<html::Form>::new();
    let shown = RwSignal::new(result);
    let tags = CustomTags::parse(&custom_tags, &[]).unwrap_or_default();
    let type_address = move |_| {
        let typed = typed(form);
        shown.set(preview(&typed.address, &typed.linked_from, &tags).into());
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let asked = typed(form);
        keep_in_address(form);
        spawn_local(async move {
            let TypedArrival { address, linked_from, agent, gpc } = asked.clone();
            let gpc = if gpc { "1" } else { "" };
            let result = inspect(address, linked_from, agent, gpc.to_owned()).await;
            // the form may hold another arrival by now
            if typed(form) == asked {
                let failed = || Verdict::bad("No answer", "Reload the page and try again.").into();
                shown.set(result.unwrap_or_else(|_| failed()));
            }
        });
    };
    view! {
        <div class="columns works-without-script">
            <section class="card">
                <div class="card-head"><h2>"An arrival"</h2></div>
                <form class="form" method="get" action=PATH node_ref=form on:input=type_address on:submit=submit>
                    <AddressField address shown/>
                    {children()}
                </form>
            </section>
            <div class="stack" aria-live="polite">
                {move || shown.get().verdict.map(|verdict| view! { <VerdictAlert verdict/> })}
                {move || shown.get().cards.into_iter().map(|card| view! { <CardOfResult card/> }).collect_view()}
            </div>
        </div>
    }
}

/// Returns what the form holds.
fn typed(form: NodeRef<html::Form>) -> TypedArrival {
    #[cfg(feature = "hydrate")]
    if let Some(data) = form_data(form) {
        let text = |name| data.get(name).as_string().unwrap_or_default();
        return TypedArrival {
            address: text("address"),
            linked_from: text("linked_from"),
            agent: text("agent"),
            gpc: !text("gpc").is_empty(),
        };
    }
    _ = form;
    TypedArrival::default()
}

/// Gives the page the address that it would have without a script, so that it can be reloaded and shared.
fn keep_in_address(form: NodeRef<html::Form>) {
    #[cfg(feature = "hydrate")]
    if let Some(data) = form_data(form)
        && let Ok(query) = web_sys::UrlSearchParams::new_with_str_sequence_sequence(&data)
        && let Ok(history) = window().history()
    {
        let url = format!("{PATH}?{}", String::from(query.to_string()));
        // a browser that refuses shows the result under the old address
        _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&url));
    }
    _ = form;
}

#[cfg(feature = "hydrate")]
fn form_data(form: NodeRef<html::Form>) -> Option<web_sys::FormData> {
    web_sys::FormData::new_with_form(&form.get_untracked()?).ok()
}

/// The address, with its error if it cannot be read.
#[component]
fn AddressField(address: String, shown: RwSignal<InspectorResult>) -> impl IntoView {
    let error = move || shown.read().unreadable;
    view! {
        <div class="field">
            <label for="address">"Address that was opened"</label>
            <input id="address" name="address" type="text" required value=address
                placeholder="https://www.example.com/pricing?utm_source=newsletter"
                aria-describedby=move || error().then_some("address-error") aria-invalid=move || error().then_some("true")/>
            {move || error().then(|| view! {
                <p class="field-error" id="address-error">
                    "This is not an address. Write it like https://www.example.com/pricing?utm_source=newsletter."
                </p>
            })}
        </div>
    }
}

#[component]
fn VerdictAlert(verdict: Verdict) -> impl IntoView {
    let class = if verdict.good { "alert good" } else { "alert bad" };
    view! { <div class=class><p><strong>{verdict.title}</strong></p><p>{verdict.text}</p></div> }
}

#[component]
fn CardOfResult(card: ResultCard) -> impl IntoView {
    let fact = |ResultFact { term, value, mono }| {
        view! { <div><dt>{term}</dt><dd class=if mono { "mono" } else { "" }>{value}</dd></div> }
    };
    view! {
        <section class="card">
            <div class="card-head"><h2>{card.title}</h2></div>
            <dl class="facts">{card.facts.into_iter().map(fact).collect_view()}</dl>
            {card.notes.into_iter().map(|note| view! { <p class="muted small">{note}</p> }).collect_view()}
        </section>
    }
}
