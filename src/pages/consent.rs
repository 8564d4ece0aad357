use axum::http::request::Parts;
use leptos::prelude::*;

use crate::{
    attribution::{
        capture::{consent_form, session_layer::Landing},
        consent::{self, Consent, Decision, consent},
        settings::ConsentMode,
    },
    state::AppState,
};

/// Where the form goes back to: this page, as it was asked for.
fn here(parts: &Parts) -> String {
    parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
}

/// Asks a visitor who has not decided. The touch of this landing waits in the form: nothing is kept before they agree.
///
/// It covers nothing and traps nobody: a landmark at the head of the page, which works without JavaScript, with two
/// buttons that weigh the same.
#[component]
pub fn ConsentBanner() -> impl IntoView {
    let asked = use_context::<Parts>().zip(use_context::<AppState>());
    asked
        .filter(|(parts, state)| consent(&parts.headers, &state.config.attribution) == Consent::Undecided)
        .map(|(parts, state)| {
            let landing = parts.extensions.get::<Landing>().map(consent_form::field);
            view! {
                <section class="consent" aria-label="Your choice">
                    <form class="wrap" method="post" action="/api/consent" data-consent>
                        <p>
                            "May this site remember which link brought you here? It is kept with a random number in a cookie, is "
                            "never sold or shared, and you can take it back at any time. "
                            <a href="/privacy">"What is kept"</a>
                        </p>
                        <input type="hidden" name="landing" value=landing/>
                        <input type="hidden" name="beacon" data-beacon/>
                        <input type="hidden" name="at" value=state.db.now()/>
                        <input type="hidden" name="next" value=here(&parts)/>
                        <div class="consent-buttons">
                            <button class="button" type="submit" name="choice" value="no">"No, thank you"</button>
                            <button class="button" type="submit" name="choice" value="yes">"Yes, remember"</button>
                        </div>
                    </form>
                </section>
            }
        })
        .into_any()
}

/// What holds for this visitor, and the way to change it, for the privacy page.
#[component]
pub fn ConsentChoice() -> impl IntoView {
    let Some((parts, state)) = use_context::<Parts>().zip(use_context::<AppState>()) else {
        return ().into_any();
    };
    let decision = consent::decision(&parts.headers, state.config.is_secure());
    let (now, label, choice) = match (&decision, consent(&parts.headers, &state.config.attribution)) {
        (Some(Decision { granted: true, .. }), Consent::Given) => ("You agreed.", "Take it back", "no"),
        (_, Consent::Refused) => ("You declined: no arrival of yours is kept.", "Agree after all", "yes"),
        (_, Consent::Undecided) => ("You have not decided. Nothing is kept.", "Decline for good", "no"),
        (_, Consent::Given) => ("You have not objected.", "Object", "no"),
    };
    let asks_first = state.config.attribution.consent == ConsentMode::Required;
    let days = consent::MAX_AGE_DAYS;
    view! {
        <p>
            {if asks_first { "This site asks before it keeps anything. " } else { "You can object at any time. " }}
            <strong>{now}</strong>
            {format!(" A decision is kept in a cookie for {days} days and then asked for again.")}
        </p>
        <form method="post" action="/api/consent" class="row">
            <input type="hidden" name="next" value="/privacy"/>
            <button class="button" type="submit" name="choice" value=choice>{label}</button>
            {(choice == "no").then_some(view! {
                <span class="muted small">"Arrivals that belong to no account are removed at once."</span>
            })}
        </form>
    }
    .into_any()
}
