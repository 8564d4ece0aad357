//! `UtmSessionLayer`: before the handler, a request that arrived with a marketing signal becomes a touch under the session's
//! visitor.
//!
//! It stands before routing, so redirects, missing pages and failing ones count like any other arrival. The touch is on disk
//! before the page is rendered. A request without a signal passes through untouched.

use std::{
    net::IpAddr,
    task::{Context, Poll},
};

use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use futures::future::{BoxFuture, Either};
use tower::{Layer, Service};
use tower_sessions::Session;
use tracing::{error, warn};

use super::{
    arrival::{Head, asks_for_privacy},
    consent_handoff::Carried,
    deferred::{self, Waiting},
    exclusion::{Ignored, is_machine},
};
use crate::{
    address_limit::ClientAddress,
    attribution::settings::ConsentMode,
    attribution::{
        Attribution, StartedSession,
        consent::{self, Consent, consent},
        signal::Dropped,
        touch::{
            Touch,
            store::Stored,
            visitor::{self, SessionVisitor},
        },
    },
    db::{self},
    id::VisitorId,
};

/// Makes touches of arrivals. It stands inside the session layer.
#[derive(Clone, Debug)]
pub struct UtmSessionLayer {
    attribution: Attribution,
}

impl UtmSessionLayer {
    pub fn new(attribution: Attribution) -> Self {
        Self { attribution }
    }
}

impl<S> Layer<S> for UtmSessionLayer {
    type Service = UtmSession<S>;

    fn layer(&self, inner: S) -> Self::Service {
        UtmSession { inner, attribution: self.attribution.clone() }
    }
}

/// The service that [`UtmSessionLayer`] makes.
#[derive(Clone, Debug)]
pub struct UtmSession<S> {
    inner: S,
    attribution: Attribution,
}

impl<S, B, R> Service<Request<B>> for UtmSession<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Send + 'static,
    R: Default + Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<S::Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut arrival = self.attribution.arrival(&request);
        let mut waiting = deferred::read(request.headers(), self.attribution.settings.secure);
        if !waiting.is_empty() && is_machine(request.headers()) {
            waiting.clear();
        }
        if arrival.is_some() || !waiting.is_empty() {
            match consent(request.headers(), &self.attribution.settings) {
                Consent::Given => {}
                undecided_or_refused => {
                    if let Some(touch) = arrival.take() {
                        self.attribution.hold_back(touch, undecided_or_refused, &mut request);
                    }
                    waiting.clear();
                }
            }
        }
        // Who has not decided brings the landing along.
        if self.attribution.settings.consent == ConsentMode::Required
            && request.extensions().get::<Landing>().is_none()
            && consent(request.headers(), &self.attribution.settings) == Consent::Undecided
        {
            match self.attribution.carried(Head::of(&request)) {
                Some(Carried::Here(waiting)) => {
                    request.extensions_mut().insert(Landing(*waiting));
                }
                Some(Carried::Onward(address)) => {
                    if let Ok(location) = HeaderValue::from_str(&address) {
                        return Either::Right(Box::pin(async { Ok(see_other(location)) }));
                    }
                }
                None => {}
            }
        }
        let session = request.extensions().get::<Session>().cloned();
        let Some(session) = session.filter(|_| arrival.is_some() || !waiting.is_empty()) else {
            if request.extensions().get::<Landing>().is_some() {
                return Either::Right(Box::pin(uncached(self.inner.call(request))));
            }
            return Either::Left(self.inner.call(request));
        };
        let gpc = asks_for_privacy(request.headers());
        let agreed = match self.attribution.settings.consent {
            ConsentMode::Required => consent::decision(request.headers(), self.attribution.settings.secure),
            ConsentMode::Implied => None,
        };
        // the service that was polled ready is the one to call
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let attribution = self.attribution.clone();
        let address = request.extensions().get().map(|ClientAddress(address)| *address);
        Either::Right(Box::pin(async move {
            if session.id().is_none() && !attribution.admits(address) {
                return inner.call(request).await;
            }
            let captured = attribution.capture(&session, arrival, waiting, gpc).await;
            if let (Some(agreed), Some(visitor)) = (agreed, captured.new_visitor) {
                attribution.note_decision(visitor, true, agreed.decided_at).await;
            }
            let mut response = inner.call(request).await?;
            if let Some(id) = captured.started {
                response.extensions_mut().insert(id);
            }
            if let Some(cookie) = captured.cookie {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            Ok(response)
        }))
    }
}

/// A page in which somebody's arrival waits is nobody else's.
async fn uncached<R, E>(page: impl Future<Output = Result<Response<R>, E>>) -> Result<Response<R>, E> {
    let mut response = page.await?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn see_other<R: Default>(location: HeaderValue) -> Response<R> {
    let mut response = Response::new(R::default());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// A request extension: the touch that waits until its visitor has decided about consent.
#[derive(Clone, Debug)]
pub struct Landing(pub(crate) Waiting);

/// How a touch comes to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storing {
    /// Its request is being answered.
    Now,
    /// It may have been stored before, by a request whose answer got lost.
    Again,
    /// Its page tells, whose request the server may have seen: as the touch of that fingerprint.
    Beacon { seen: Option<i64> },
}

/// What capturing means for the response.
#[derive(Default)]
struct Captured {
    /// A session began.
    started: Option<StartedSession>,
    /// Whose it is.
    new_visitor: Option<VisitorId>,
    /// The touches that wait have changed.
    cookie: Option<HeaderValue>,
}

impl Attribution {
    /// The touch in a request, if there is one. Touches no database.
    fn arrival<B>(&self, request: &Request<B>) -> Option<Touch> {
        let head = Head::of(request);
        let examined = self.examine(head)?;
        if let Some(why) = examined.ignored {
            self.count_ignored(why);
            return None;
        }
        let Dropped { ids, pairs, cut } = examined.signals.dropped;
        if ids > 0 {
            self.count("click_id_dropped");
        }
        if pairs > 0 || cut {
            self.count("query_cut");
        }
        Some(self.touch(&examined, head.path))
    }

    /// A touch that may not be stored, or not yet: before the visitor decided it waits in the page that is about to be made.
    fn hold_back<B>(&self, touch: Touch, why: Consent, request: &mut Request<B>) {
        if why == Consent::Undecided {
            self.count_ignored(Ignored::Undecided);
            request.extensions_mut().insert(Landing(Waiting::of(&touch)));
        } else {
            self.count_ignored(Ignored::Refused);
        }
    }

    /// Stores the touch of this arrival and those that wait, under the session's visitor, whom it gives one where there is none.
    ///
    /// What the database does not take waits in a cookie: the page is served all the same. A browser gets no cookie for a session
    /// that does not exist.
    async fn capture(&self, session: &Session, arrival: Option<Touch>, waiting: Vec<Waiting>, gpc: bool) -> Captured {
        let mut captured = Captured::default();
        let mut left = Vec::new();
        // the older first; one that is no touch any more is dropped
        let waited = waiting.iter().filter_map(|waiting| waiting.touch(self, gpc)).map(|touch| (touch, Storing::Again));
        for (touch, how) in waited.chain(arrival.map(|touch| (touch, Storing::Now))) {
            let copy = Waiting::of(&touch);
            // after one failure the next would only wait for another
            let answer =
                if left.is_empty() { self.try_capture(session, touch, how).await } else { Err("no answer".into()) };
            match answer {
                Ok((visitor, started)) => {
                    captured.new_visitor = captured.new_visitor.or(started.is_some().then_some(visitor));
                    captured.started = captured.started.or(started);
                }
                Err(error) => {
                    if how == Storing::Now {
                        count_touch("waiting");
                        error!(%error, "a touch could not be stored, and waits in a cookie");
                    }
                    left.push(copy);
                }
            }
        }
        if left != waiting {
            let (cookie, dropped) = deferred::set_cookie(&left, self.settings.secure);
            for _ in 0..dropped.min(left.len()) {
                count_touch("lost");
            }
            // base64 and our own words
            captured.cookie = HeaderValue::from_str(&cookie).ok();
        }
        captured
    }

    /// Stores a touch under the session's visitor, whom it gives one where there is none. Answers the visitor, and the session
    /// where one began.
    pub(crate) async fn try_capture(
        &self,
        session: &Session,
        touch: Touch,
        how: Storing,
    ) -> Result<(VisitorId, Option<StartedSession>), Box<dyn std::error::Error + Send + Sync>> {
        if let Some(visitor) = visitor::get(session).await? {
            let stored = match how {
                Storing::Now => touch.store(&self.db, visitor.id).await,
                Storing::Again => touch.store_again(&self.db, visitor.id).await,
                Storing::Beacon { seen } => touch.store_beacon(&self.db, visitor.id, seen).await,
            };
            self.count_stored(stored?);
            return Ok((visitor.id, None));
        }
        let id = VisitorId::new();
        visitor::set(session, SessionVisitor { id, user: None }).await?;
        if session.id().is_some() {
            // A session without a visitor: someone's code began it. Its cookie is out already.
            return match self.store_first(touch, id, how).await {
                Ok(()) => Ok((id, None)),
                Err(error) => {
                    visitor::unset(session).await?;
                    Err(error.into())
                }
            };
        }
        // Both are rows to add, and share a commit.
        let (saved, stored) = tokio::join!(session.save(), self.store_first(touch, id, how));
        match (saved, stored) {
            (Ok(()), Ok(())) => Ok((id, session.id().map(|id| StartedSession(id.to_string())))),
            (saved, stored) => {
                // An emptied session is neither saved again nor given to the browser.
                session
                    .flush()
                    .await
                    .unwrap_or_else(|error| warn!(%error, "a half-made session stays until it expires"));
                saved?;
                stored?;
                Ok((id, None))
            }
        }
    }

    async fn store_first(&self, touch: Touch, visitor: VisitorId, how: Storing) -> Result<(), db::Error> {
        let stored = match how {
            Storing::Again => touch.store_again(&self.db, visitor).await,
            Storing::Now | Storing::Beacon { .. } => touch.store_first(&self.db, visitor).await,
        };
        self.count_stored(stored?);
        Ok(())
    }

    fn count_stored(&self, stored: Stored) {
        count_touch(stored.as_str());
        if stored == Stored::OverCap {
            self.count(stored.as_str());
        }
    }

    /// Whether a visitor who is new may have a row: an address that brings too many is no person's.
    pub(crate) fn admits(&self, address: Option<IpAddr>) -> bool {
        let admitted = address.is_none_or(|address| self.new_visitors.admits(address));
        if !admitted {
            self.count_ignored(Ignored::Flood);
        }
        admitted
    }

    /// Counts what carried a signal but is nobody's arrival.
    pub(crate) fn count_ignored(&self, why: Ignored) {
        metrics::counter!("waymark_arrivals_ignored_total", "why" => why.as_str()).increment(1);
        self.count(why.as_str());
    }

    /// Counts for the data-quality page.
    fn count(&self, reason: &'static str) {
        self.counters.count(reason);
    }
}

fn count_touch(outcome: &'static str) {
    metrics::counter!("waymark_touches_total", "outcome" => outcome).increment(1);
}
