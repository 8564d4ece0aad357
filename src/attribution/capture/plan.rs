//! Decides once, from a request's head, what the request means for attribution.
//!
//! [`plan`] only decides; the session layer carries the plan out. The table in `plan/tests.rs` has all cases.

use std::mem;

use axum::http::HeaderValue;
use tower_sessions::Session;

use super::{
    arrival::{Arrival, RequestHead, arrival, asks_for_privacy},
    consent_handoff::{Handoff, handoff, without_foreign_landing},
    deferred::{self, DeferredTouch},
    exclusion::{Exclusion, is_machine},
    limits::Demand,
};
use crate::{
    attribution::{
        consent::{self, Consent, consent},
        settings::{ConsentMode, Settings},
        signal::Dropped,
        touch::Touch,
    },
    timestamp::Timestamp,
};

/// What to do with a request.
#[derive(Clone, Debug)]
pub enum Plan {
    /// Serve the page. There is nothing to store.
    PassThrough,
    /// Serve the page. The visitor returns from a page that does not count, such as the page of an identity provider. If the
    /// handler redirects, the browser must not name that page as the referrer of the next page.
    Return,
    /// Redirect with 303 to the same page, at an address that carries the landing of an undecided visitor, or that no longer
    /// carries the landing of another one.
    AskAgainAt(HeaderValue),
    /// Serve the page with its consent form. The touch waits in the form.
    AskForConsent(Box<DeferredTouch>),
    /// Store the touches, then serve the page.
    Record(Box<Recording>),
}

/// The touches to store for a request.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// This request's touch.
    pub touch: Option<Touch>,
    /// Touches of earlier requests that wait in the browser's cookie.
    pub deferred: Vec<DeferredTouch>,
    /// Whether the browser sends `Sec-GPC: 1`. The signal also applies to the deferred touches.
    pub gpc: bool,
    /// When the visitor agreed, where consent is required.
    pub agreed_at: Option<Timestamp>,
}

/// What is known about a request's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// There is no session layer.
    Missing,
    /// The browser brought no session.
    New,
    Known,
}

impl SessionState {
    pub fn of(session: Option<&Session>) -> Self {
        match session {
            None => Self::Missing,
            Some(session) if session.id().is_none() => Self::New,
            Some(_) => Self::Known,
        }
    }
}

/// A plan, and what the caller has to count.
#[derive(Clone, Debug)]
pub struct Planned {
    pub plan: Plan,
    /// Why arrivals were not stored.
    pub excluded: Vec<Exclusion>,
    /// Parts of the query that were not kept.
    pub dropped: Dropped,
}

impl Planned {
    /// Returns whether the browser loads an arrival's page ahead of the click that may open the page.
    pub fn is_loaded_ahead(&self) -> bool {
        self.excluded.contains(&Exclusion::Prefetch)
    }

    /// Returns the touch of an arrival, or notes why the arrival does not count. Notes what was not kept of the query.
    fn touch_of(&mut self, found: Arrival, settings: &Settings, now: Timestamp) -> Option<Touch> {
        let Arrival { mut landing, exclusion } = found;
        if matches!(exclusion, None | Some(Exclusion::Placeholders)) {
            self.dropped = mem::take(&mut landing.signals.dropped);
        }
        match exclusion {
            Some(why) => {
                self.excluded.push(why);
                None
            }
            None => Some(Touch::new(landing, now, &settings.rules)),
        }
    }
}

impl From<Plan> for Planned {
    fn from(plan: Plan) -> Self {
        Self { plan, excluded: Vec::new(), dropped: Dropped::default() }
    }
}

/// Returns the plan for a request. `admits` returns whether the client's address may bring this many touches, and perhaps a
/// new visitor. [`plan`] calls `admits` at most once, and only before touches would be stored.
pub fn plan(
    head: RequestHead<'_>,
    session: SessionState,
    settings: &Settings,
    now: Timestamp,
    admits: impl FnOnce(Demand) -> bool,
) -> Planned {
    let found = arrival(head, settings);
    let mut deferred = deferred::read(head.headers, settings.secure);
    if found.is_none() && deferred.is_empty() && settings.consent == ConsentMode::Implied {
        return Plan::PassThrough.into();
    }
    if !deferred.is_empty() && is_machine(head.headers) {
        deferred.clear();
    }
    let mut planned = Planned::from(Plan::PassThrough);
    let touch = found.and_then(|found| planned.touch_of(found, settings, now));
    let consent = consent(head.headers, settings);
    if consent == Consent::Undecided
        && let Some(address) = without_foreign_landing(head, settings, now)
    {
        // The next request brings this arrival again.
        return Plan::AskAgainAt(address).into();
    }
    match (consent, touch) {
        (Consent::Given, touch) => {
            let touches = deferred.len() + usize::from(touch.is_some());
            if session == SessionState::Missing || touches == 0 {
                // There is nothing to store, or no visitor to store it under.
            } else if admits(Demand { new_visitor: session == SessionState::New, touches }) {
                let gpc = asks_for_privacy(head.headers);
                let agreed_at = agreed_at(head, settings);
                planned.plan = Plan::Record(Box::new(Recording { touch, deferred, gpc, agreed_at }));
            } else {
                planned.excluded.push(Exclusion::Flood);
            }
        }
        (Consent::Undecided, Some(touch)) => {
            planned.excluded.push(Exclusion::Undecided);
            planned.plan = Plan::AskForConsent(Box::new(DeferredTouch::of(&touch)));
        }
        (Consent::Undecided, None) => match handoff(head, settings, now) {
            Some(Handoff::Present(touch)) => planned.plan = Plan::AskForConsent(touch),
            Some(Handoff::RedirectTo(address)) => planned.plan = Plan::AskAgainAt(address),
            None => {}
        },
        (Consent::Refused, Some(_)) => planned.excluded.push(Exclusion::Refused),
        (Consent::Refused, None) => {}
    }
    if matches!((&planned.plan, &*planned.excluded), (Plan::PassThrough, [Exclusion::Referrer(_)])) {
        planned.plan = Plan::Return;
    }
    planned
}

fn agreed_at(head: RequestHead<'_>, settings: &Settings) -> Option<Timestamp> {
    match settings.consent {
        ConsentMode::Required => consent::decision(head.headers, settings.secure).map(|decision| decision.decided_at),
        ConsentMode::Implied => None,
    }
}

#[cfg(test)]
mod tests;
