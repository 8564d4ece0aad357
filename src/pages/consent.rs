use axum::http::request::Parts;
use leptos::prelude::*;

use crate::{
    attribution::{
        capture::session_layer::UndecidedLanding,
        consent::{self, Consent, Decision, consent},
        settings::ConsentMode,
    },
    state::AppState,
    timestamp::whole_days,
};

/// Returns the path and query of the page, to which the form leads back.
fn here(parts: &Parts) -> String {
    parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
}

/// The banner that asks visitors who have not decided about consent.
///
/// The landing waits in a hidden field of the form, because nothing is stored before the visitor agrees. The banner covers no part
/// of the page, works without JavaScript, and gives both answers buttons of the same weight.
#[component]
pub fn ConsentBanner() -> impl IntoView {
    let is_undecided = || {
        let config = with_context::<AppState, _>(|state| state.config.clone())?;
        with_context::<Parts, _>(|parts| consent(&parts.headers, &config.attribution) == Consent::Undecided)
    };
    // The contexts are copied only for the few pages with a banner.
    let asked = is_undecided()
        .filter(|undecided| *undecided)
        .and_then(|_| use_context::<Parts>().zip(use_context::<AppState>()));
    asked
        .map(|(parts, state)| {
            let landing = parts.extensions.get::<UndecidedLanding>().map(UndecidedLanding::encoded);
            view! {
                <section class="consent" aria-label="Your choice">
                    <form class="wrap" method="post" action="/api/consent" data-consent>
                        <p>
                            "May this site remember which link brought you here? The link is stored with a random number, which your "
                            "browser keeps in a cookie. It is never sold or shared, and you can withdraw your consent at any time. "
                            <a href="/privacy">"What is stored"</a>
                        </p>
                        <input type="hidden" name="landing" value=landing/>
                        <input type="hidden" name="beacon" data-beacon/>
                        <input type="hidden" name="at" value=state.db.now().as_millis()/>
                        <input type="hidden" name="next" value=here(&parts)/>
                        <div class="consent-buttons">
                            <button class="button" type="submit" name="choice" value="no">"Decline"</button>
                            <button class="button" type="submit" name="choice" value="yes">"Agree"</button>
                        </div>
                    </form>
                </section>
            }
        })
        .into_any()
}

/// The visitor's decision, and a button that changes it. For the privacy page.
#[component]
pub fn ConsentChoice() -> impl IntoView {
    let Some((parts, state)) = use_context::<Parts>().zip(use_context::<AppState>()) else {
        return ().into_any();
    };
    let decision = consent::decision(&parts.headers, state.config.is_secure());
    let (now, label, choice) = match (&decision, consent(&parts.headers, &state.config.attribution)) {
        (Some(Decision { granted: true, .. }), Consent::Given) => ("You agreed.", "Withdraw consent", "no"),
        (_, Consent::Refused) => ("You declined. New visits are not stored.", "Agree", "yes"),
        (_, Consent::Undecided) => ("You have not decided yet. Nothing is stored.", "Decline", "no"),
        (_, Consent::Given) => ("You have not objected.", "Object", "no"),
    };
    let asks_first = state.config.attribution.consent == ConsentMode::Required;
    let days = whole_days(consent::MAX_AGE);
    view! {
        <p>
            {if asks_first { "This site asks before it stores anything. " } else { "You can object at any time. " }}
            <strong>{now}</strong>
            {format!(" Your decision is kept in a cookie for {days} days, then it expires.")}
        </p>
        <form method="post" action="/api/consent" class="row">
            <input type="hidden" name="next" value="/privacy"/>
            <button class="button" type="submit" name="choice" value=choice>{label}</button>
            {(choice == "no").then_some(view! {
                <span class="muted small">"This deletes your stored visits, unless they belong to an account."</span>
            })}
        </form>
    }
    .into_any()
}
