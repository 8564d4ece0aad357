use leptos::{ev::SubmitEvent, form::FromFormData, prelude::*};

use super::{InspectedArrival, InspectorResult, PATH, ReadField, TypedArrival, Verdict, read_fields};
use crate::{
    attribution::signal::custom_tags::CustomTags,
    components::{Card, EmptyState, Fact, Facts, Field, Tag},
};

/// What would become of an arrival. For admins, like the page.
#[server(prefix = "/api", endpoint = "inspect")]
pub async fn inspect(
    #[server(default)] address: String,
    #[server(default)] linked_from: String,
    #[server(default)] agent: String,
    /// Not empty where the box is ticked.
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
            Ok(answer(&expect_context::<AppState>().attribution, &typed))
        }
        Err(rejection) => {
            match rejection {
                AuthRejection::SignedOut => Answer::sign_in_first(PATH),
                AuthRejection::Forbidden => Answer::forbidden(),
            };
            Ok(InspectorResult::NoAnswer)
        }
    }
}

/// The form, and beside it the result.
///
/// The result belongs to the address that was asked about. While another one is typed, a preview stands in its place.
#[island]
pub fn Inspector(
    /// What the form held when the page was asked for.
    typed: TypedArrival,
    /// The answer to `typed`; `None` for an empty form.
    result: Option<InspectorResult>,
    /// The names of the custom tags, as they are configured.
    custom_tags: String,
) -> impl IntoView {
    let tags = CustomTags::parse(&custom_tags, &[]).unwrap_or_default();
    let address = RwSignal::new(typed.address.clone());
    let linked_from = RwSignal::new(typed.linked_from.clone());
    let asked = RwSignal::new((typed.address, typed.linked_from.clone()));
    let edited = Memo::new(move |_| asked.get() != (address.get(), linked_from.get()));
    let preview = Memo::new(move |_| read_fields(&address.read(), &linked_from.read(), &tags));

    let inspect = ServerAction::<Inspect>::new();
    let result = Memo::new(move |_| match inspect.value().get() {
        Some(answer) => Some(answer.unwrap_or(InspectorResult::NoAnswer)),
        None => result.clone(),
    });
    let unreadable = move || !edited.get() && result.read() == Some(InspectorResult::Unreadable);
    let submit = move |event: SubmitEvent| {
        // Without a readable form the browser submits it, and the answer comes with the next page.
        let Ok(arrival) = Inspect::from_event(&event) else { return };
        event.prevent_default();
        asked.set((arrival.address.clone(), arrival.linked_from.clone()));
        keep_in_address(&arrival);
        inspect.dispatch(arrival);
    };
    view! {
        <div class="columns works-without-script">
            <Card title="An arrival">
                <form class="form" method="get" action=PATH on:submit=submit>
                    <AddressField address error=unreadable/>
                    <Field name="linked_from" label="Page that linked there (Referer)" value=typed.linked_from
                        hint="Leave it empty for none." placeholder="https://www.google.com/"
                        on:input=move |event| linked_from.set(event_target_value(&event))/>
                    <Field name="agent" label="Browser (User-Agent)" value=typed.agent/>
                    <label class="check">
                        <input type="checkbox" name="gpc" value="1" checked=typed.gpc/>
                        " The browser asks for privacy (Sec-GPC)"
                    </label>
                    <button class="button primary" type="submit">"Inspect"</button>
                </form>
            </Card>
            <div class="stack" aria-live="polite" aria-busy=move || inspect.pending().get().then_some("true")>
                <Show when=move || edited.get() fallback=move || view! { <ResultView result/> }>
                    <Preview fields=preview/>
                </Show>
            </div>
        </div>
    }
}

/// Keeps the address of the page what it would be without a script, so that it can be shared and reloaded.
fn keep_in_address(arrival: &Inspect) {
    let Inspect { address, linked_from, agent, gpc } = arrival;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("address", address).append_pair("linked_from", linked_from).append_pair("agent", agent);
    if !gpc.is_empty() {
        query.append_pair("gpc", gpc);
    }
    let url = format!("{PATH}?{}", query.finish());
    // A browser that refuses this shows the same result under the old address.
    _ = window()
        .history()
        .and_then(|history| history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&url)));
}

/// The address, with its error where it cannot be read. A [`Field`] is not enough: its error does not change.
#[component]
fn AddressField(address: RwSignal<String>, error: impl Fn() -> bool + Copy + Send + Sync + 'static) -> impl IntoView {
    view! {
        <div class="field">
            <label for="address">"Address that was opened"</label>
            <input id="address" name="address" type="text" required value=address.get_untracked()
                placeholder="https://www.example.com/pricing?utm_source=newsletter"
                aria-describedby=move || error().then_some("address-error") aria-invalid=move || error().then_some("true")
                on:input=move |event| address.set(event_target_value(&event))/>
            <Show when=error>
                <p class="field-error" id="address-error">
                    "This is not an address. Write it like https://www.example.com/pricing?utm_source=newsletter."
                </p>
            </Show>
        </div>
    }
}

/// What the browser reads in an address that is being typed.
#[component]
fn Preview(fields: Memo<Vec<ReadField>>) -> impl IntoView {
    view! {
        <Card title="In the address">
            <Show when=move || !fields.read().is_empty()
                fallback=|| view! { <p class="muted">"No campaign parameter and no click id so far."</p> }>
                <Facts>{move || fields.get().into_iter().map(|field| view! { <FieldFact field/> }).collect_view()}</Facts>
            </Show>
            <p class="muted small">"Press Inspect for the channel, its rule, and whether the arrival counts."</p>
        </Card>
    }
}

#[component]
fn FieldFact(field: ReadField) -> impl IntoView {
    view! { <Fact term=field.term value=field.value mono=field.exact/> }
}

/// The result in words.
#[component]
fn ResultView(result: Memo<Option<InspectorResult>>) -> impl IntoView {
    move || {
        match result.get() {
        None | Some(InspectorResult::Unreadable) => view! {
            <div class="card">
                <EmptyState title="Paste an address"
                    text="The code that captures arrivals reads it and says what it would do."/>
            </div>
        }
        .into_any(),
        Some(InspectorResult::NothingToCapture) => view! {
            <Card title="Nothing to capture">
                <p>
                    "The link says nothing about its source, and no other site links there: a direct visit. No cookie is set, and "
                    "nothing is stored."
                </p>
            </Card>
        }
        .into_any(),
        Some(InspectorResult::NoAnswer) => view! {
            <div class="alert bad" role="alert">
                <p>"The server did not answer. Reload the page and try again."</p>
            </div>
        }
        .into_any(),
        Some(InspectorResult::Arrival(arrival)) => view! { <ArrivalView arrival=*arrival/> }.into_any(),
    }
    }
}

#[component]
fn ArrivalView(arrival: InspectedArrival) -> impl IntoView {
    let InspectedArrival { verdict, channel, rule, fields, read_from, landing_path, referrer, internal, left_out } =
        arrival;
    view! {
        <VerdictAlert verdict/>
        <Card title="Channel">
            <Facts>
                <Fact term="Channel"><Tag label=channel/></Fact>
                <Fact term="Rule">
                    <code>{rule.name}</code>{rule.custom.then(|| view! { " " <Tag label="your rule"/> })}
                </Fact>
                <Fact term="It matches when" value=rule.about/>
            </Facts>
        </Card>
        <Card title="The touch">
            <Facts>
                {fields.into_iter().map(|field| view! { <FieldFact field/> }).collect_view()}
                <Fact term="Read from" value=read_from/>
                <Fact term="Landing page" value=landing_path mono=true/>
                <Fact term="Referrer" value=referrer mono=true/>
                <Fact term="Linked from this site" value=if internal { "yes" } else { "no" }/>
            </Facts>
            {left_out.into_iter().map(|text| view! { <p class="muted small">{text}</p> }).collect_view()}
        </Card>
    }
}

#[component]
fn VerdictAlert(verdict: Verdict) -> impl IntoView {
    let (class, title, text) = match verdict {
        Verdict::NotCaptured { label, explanation } => {
            ("alert bad", format!("Not captured: {label}"), Some(explanation))
        }
        Verdict::Captured { by_beacon } => {
            let text =
                "A part stands behind the #, which browsers do not send to servers. The page’s script reads that part.";
            ("alert good", "Captured".to_owned(), by_beacon.then(|| text.to_owned()))
        }
    };
    view! {
        <div class=class>
            <p><strong>{title}</strong></p>
            {text.map(|text| view! { <p>{text}</p> })}
        </div>
    }
}
