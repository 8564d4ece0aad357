use jiff::tz::TimeZone;
use leptos::prelude::*;

use super::with_next;
use crate::{
    auth::{
        forms::FormState,
        providers::{Provider, connection::Connection},
    },
    components::{AlertKind, Card, FormAlert, HiddenField, format},
    state::AppState,
};

/// Returns the providers that the owner has set up.
fn providers() -> Vec<Provider> {
    expect_context::<AppState>().providers.all().collect()
}

fn way_to(provider: Provider, next: Option<&str>) -> String {
    with_next(&format!("/login/{}", provider.word()), next)
}

/// The ways into the site beside the password: links to GitHub and Google. Nothing, if the owner has set up none.
#[component]
pub(super) fn ProviderLinks(next: Option<String>) -> impl IntoView {
    let providers = providers();
    (!providers.is_empty()).then(|| {
        let links = providers.into_iter().map(|provider| {
            let href = way_to(provider, next.as_deref());
            // The router must not take the link for a page of this site.
            view! { <a class="button" href=href rel="external nofollow">"Continue with "{provider.name()}</a> }
        });
        view! { <nav class="other-ways" aria-label="Other ways to sign in">{links.collect_view()}</nav> }
    })
}

/// The providers that open the user's account, with a button for each: connect or disconnect.
#[component]
pub(super) fn ConnectedProviders(connections: Vec<Connection>, flash: FormState) -> impl IntoView {
    // A provider that the owner no longer offers can still be disconnected.
    let mut known = providers();
    known.extend(connections.iter().map(|connection| connection.provider));
    known.sort_by_key(|provider| provider.name());
    known.dedup();
    (!known.is_empty()).then(|| {
        let row = |provider: Provider| {
            let connection = connections.iter().find(|connection| connection.provider == provider).cloned();
            view! { <ProviderRow provider connection/> }
        };
        let rows = known.into_iter().map(row).collect_view();
        view! {
            <Card title="Sign in with">
                <FormAlert kind=AlertKind::Error message=flash.error("")/>
                <ul class="rows" id="providers">{rows}</ul>
            </Card>
        }
    })
}

#[component]
fn ProviderRow(provider: Provider, connection: Option<Connection>) -> impl IntoView {
    let name = provider.name();
    match connection {
        Some(Connection { email, last_used_at, .. }) => {
            let used = format!("last used on {}", format::date(last_used_at, &TimeZone::UTC));
            view! {
                <li class="row">
                    <p><strong>{name}</strong>" "<span class="muted">{email}" · "{used}</span></p>
                    <form method="post" action="/api/disconnect">
                        <HiddenField name="provider" value=Some(provider.word().to_owned())/>
                        <button class="button small" type="submit" aria-label=format!("Disconnect {name}")>"Disconnect"</button>
                    </form>
                </li>
            }
            .into_any()
        }
        None => view! {
            <li class="row">
                <p><strong>{name}</strong>" "<span class="muted">"not connected"</span></p>
                <a class="button small" href=way_to(provider, None) rel="external nofollow" aria-label=format!("Connect {name}")>
                    "Connect"
                </a>
            </li>
        }
        .into_any(),
    }
}
