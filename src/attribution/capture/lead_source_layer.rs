//! Before the handler, `LeadSourceLayer` links the visitor of a signed-in user. After the handler, the layer makes a touch of the
//! sentinel values that the handler seeded into the session.
//!
//! A lead can come without any link. A handler puts the values of [`SENTINELS`] into the session, at least `utm_medium` and
//! `utm_source`. In the same request, the layer takes the values out and stores a touch. The referral link is the worked example.
//!
//! One arrival is one touch. If the request's own link had signals, the session layer has stored the link's touch before the
//! handler ran. The seeded values then complete this touch: they win field by field, and the link's other fields, click ids and
//! tags stay. Example: `/r/{token}?utm_content=a&gclid=x` → medium `referral`, source `internal`, content `a`, `gclid`.

use std::{
    net::IpAddr,
    task::{Context, Poll},
};

use axum::http::{Extensions, HeaderMap, Request, Response};
use futures::future::BoxFuture;
use tower::{Layer, Service};
use tower_sessions::Session;
use tracing::error;

use super::{
    Attribution, SignedInUser,
    arrival::{LinkingPage, forbids_capture},
    deferred::DeferredTouch,
    exclusion::Exclusion,
    recorder::{CaptureError, CompletedArrival, OwnArrival, StoredUnder, count_touch},
};
use crate::{
    address_limit::ClientAddress,
    attribution::{
        consent::{Consent, consent},
        settings::Settings,
        signal::{Signals, Utm, referrer::Referrer, value},
        touch::{Landing, Touch, TouchOrigin, store::StoreMode},
    },
    id::UserId,
    visitor::{self, link},
};

/// The session keys under which a handler seeds a lead source.
pub const SENTINELS: [&str; 5] = ["utm_medium", "utm_source", "utm_campaign", "utm_term", "utm_content"];

/// Links visitors and stores seeded lead sources. This layer goes inside the session and authentication layers.
#[derive(Clone, Debug)]
pub struct LeadSourceLayer {
    attribution: Attribution,
}

impl LeadSourceLayer {
    pub fn new(attribution: Attribution) -> Self {
        Self { attribution }
    }
}

impl<S> Layer<S> for LeadSourceLayer {
    type Service = LeadSource<S>;

    fn layer(&self, inner: S) -> Self::Service {
        LeadSource { inner, attribution: self.attribution.clone() }
    }
}

/// The service that [`LeadSourceLayer`] makes.
#[derive(Clone, Debug)]
pub struct LeadSource<S> {
    inner: S,
    attribution: Attribution,
}

impl<S, B, R> Service<Request<B>> for LeadSource<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Send + 'static,
    R: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready is the one to call.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let attribution = self.attribution.clone();
        Box::pin(async move {
            let Some(session) = request.extensions().get::<Session>().cloned() else {
                return inner.call(request).await;
            };
            if let Some(SignedInUser(user)) = request.extensions().get().copied() {
                ensure_link(&attribution, &session, user).await;
            }
            let mut context = SeedContext::of(&request, &attribution.settings);
            if context.own.is_some() && Seeds::of(&session).await.is_some() {
                // An earlier request left the values, because the database failed. They are another arrival.
                context.own = None;
            }
            let mut response = inner.call(request).await?;
            store_seeded(&attribution, &session, context, response.extensions_mut()).await;
            Ok(response)
        })
    }
}

/// Links the visitor of a signed-in user. Signing in links too; this function is for users who were signed in some other way.
async fn ensure_link(attribution: &Attribution, session: &Session, user: UserId) {
    if let Err(error) = try_link(attribution, session, user).await {
        metrics::counter!("waymark_links_failed_total").increment(1);
        error!(%error, "a visitor could not be linked to its user");
    }
}

async fn try_link(attribution: &Attribution, session: &Session, user: UserId) -> Result<(), CaptureError> {
    let known = visitor::get(session).await?;
    if known.is_some_and(|visitor| visitor.user == Some(user)) {
        return Ok(());
    }
    let now = attribution.db.now();
    let visitor = known.map(|visitor| visitor.id);
    let linked = attribution.db.transaction(move |conn| Box::pin(link(conn, visitor, user, now))).await?;
    Ok(visitor::set(session, linked).await?)
}

/// What a seeded touch takes from its request.
struct SeedContext {
    path: String,
    consent: Consent,
    /// Whether the browser asks for privacy, and nothing is captured then.
    forbidden: bool,
    /// The page of another site that linked here.
    referrer: Option<Referrer>,
    address: Option<IpAddr>,
    /// The arrival of the request itself, if its link or referrer said something.
    own: Option<OwnArrival>,
}

impl SeedContext {
    fn of<B>(request: &Request<B>, settings: &Settings) -> Self {
        let headers: &HeaderMap = request.headers();
        let LinkingPage { referrer, internal } = LinkingPage::of(headers, settings);
        Self {
            path: request.uri().path().to_owned(),
            consent: consent(headers, settings),
            forbidden: forbids_capture(headers, settings),
            referrer: referrer.filter(|_| !internal),
            address: request.extensions().get().map(|ClientAddress(address)| *address),
            own: request.extensions().get().cloned(),
        }
    }
}

/// The values that a handler seeded, in the order of [`SENTINELS`].
struct Seeds([Option<serde_json::Value>; SENTINELS.len()]);

impl Seeds {
    /// Returns the session's values, or `None` if medium or source is missing, as in most requests.
    async fn of(session: &Session) -> Option<Self> {
        let mut values = [const { None }; SENTINELS.len()];
        for (name, value) in SENTINELS.iter().zip(&mut values) {
            // A session that cannot be read counts as empty.
            *value = session.get_value(name).await.ok().flatten();
            if value.is_none() && matches!(*name, "utm_medium" | "utm_source") {
                return None;
            }
        }
        Some(Self(values))
    }

    /// Returns the values as a link's values are read, or `None` if medium or source says nothing.
    fn utm(&self) -> Option<Utm> {
        let [medium, source, campaign, term, content] =
            self.0.each_ref().map(|value| value.as_ref().and_then(|value| value::utm(value.as_str()?).into_text()));
        let complete = medium.is_some() && source.is_some();
        complete.then(|| Utm { medium, source, campaign, term, content, ..Utm::default() })
    }

    /// Removes the values from the session. Absent values are skipped, because removing one would mark the session as changed.
    async fn take_out(&self, session: &Session) {
        for (name, value) in SENTINELS.iter().zip(&self.0) {
            if value.is_some() {
                let _ = session.remove_value(name).await;
            }
        }
    }

    async fn put_back(self, session: &Session) {
        for (name, value) in SENTINELS.iter().zip(self.0) {
            if let Some(value) = value {
                let _ = session.insert_value(name, value).await;
            }
        }
    }
}

/// Makes a touch of the values that a handler seeded, and takes them out of the session. Adds to the extensions of the response
/// what the browser has to keep.
async fn store_seeded(attribution: &Attribution, session: &Session, context: SeedContext, response: &mut Extensions) {
    let Some(seeds) = Seeds::of(session).await else { return };
    // The values leave the session first, so that saving a new session does not store them.
    seeds.take_out(session).await;
    let Some(utm) = seeds.utm() else { return };
    let excluded = match context.consent {
        _ if context.forbidden => Some(Exclusion::Gpc),
        Consent::Given => None,
        Consent::Undecided => Some(Exclusion::Undecided),
        Consent::Refused => Some(Exclusion::Refused),
    };
    if let Some(why) = excluded {
        attribution.count_excluded(why);
    } else if let Some(own) = context.own {
        if let Some(waiting) = complete(attribution, session, own, utm).await {
            response.insert(waiting);
        }
    } else if attribution.admits(session, context.address, 1) {
        let signals = Signals { utm, ..Signals::default() };
        let SeedContext { path, referrer, .. } = context;
        let landing = Landing { signals, path, referrer, origin: TouchOrigin::Seeded, internal: false };
        let touch = Touch::new(landing, attribution.db.now(), &attribution.settings.rules);
        match attribution.store(session, touch.into(), StoreMode::Now).await {
            Ok(StoredUnder { started, .. }) => {
                started.map(|started| response.insert(started));
            }
            Err(error) => {
                count_touch("lost");
                error!(%error, "a seeded lead source could not be stored");
                // The values go back into the session for the next request. A session that is not stored yet cannot keep the
                // values, because the session would go into the same database.
                if session.id().is_some() {
                    seeds.put_back(session).await;
                }
            }
        }
    }
}

/// Completes the touch of the request's own arrival with what the handler seeded. If the database fails, returns the touch that
/// waits in the cookie, in place of the arrival's own touch.
async fn complete(
    attribution: &Attribution,
    session: &Session,
    own: OwnArrival,
    seeded: Utm,
) -> Option<CompletedArrival> {
    let link = DeferredTouch::of(&own.touch);
    let mut landing = link.landing(&attribution.settings);
    for (field, seeded) in landing.signals.utm.values_mut().into_iter().zip(seeded.into_values()) {
        if seeded.is_some() {
            *field = seeded;
        }
    }
    (landing.signals.derived, landing.origin) = (false, TouchOrigin::Seeded);
    let touch = Touch::new(landing, attribution.db.now(), &attribution.settings.rules);
    let completed = CompletedArrival(link.completed(&touch));
    // An arrival that waits in the cookie waits for the database, which is not tried again in this request.
    let Some(arrival) = own.stored else { return Some(completed) };
    let Err(error) = attribution.store(session, touch.into(), StoreMode::Seeded { arrival }).await else { return None };
    error!(%error, "a touch could not be completed with a seeded lead source, which waits in a cookie");
    Some(completed)
}
