//! `UtmSessionLayer`: before the handler, a request that arrived with a marketing signal becomes a touch under the session's
//! visitor.
//!
//! It stands before routing, so redirects, missing pages and failing ones count like any other arrival. The touch is on disk
//! before the page is rendered. A request without a signal passes through untouched.

use std::task::{Context, Poll};

use axum::http::{HeaderMap, HeaderValue, Request, Response, header};
use futures::future::{BoxFuture, Either};
use tower::{Layer, Service};
use tower_sessions::Session;
use tracing::{error, warn};
use uuid::Uuid;

use super::{
    Attribution, StartedSession,
    eligibility::{Ignored, eligible},
    params::{Dropped, parse},
    pending::{self, Waiting},
    referrer::Referrer,
    touch::{Stored, Touch},
    visitor::{self, SessionVisitor},
};
use crate::{
    config::Gpc,
    db::{self, new_id},
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
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<S::Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let arrival = self.attribution.arrival(&request);
        let waiting = pending::read(request.headers(), self.attribution.config.is_secure());
        let session = request.extensions().get::<Session>().cloned();
        let Some(session) = session.filter(|_| arrival.is_some() || !waiting.is_empty()) else {
            return Either::Left(self.inner.call(request));
        };
        // the service that was polled ready is the one to call
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let attribution = self.attribution.clone();
        Either::Right(Box::pin(async move {
            let captured = attribution.capture(&session, arrival, waiting).await;
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

/// What capturing means for the response.
#[derive(Default)]
struct Captured {
    /// A session began.
    started: Option<StartedSession>,
    /// The touches that wait have changed.
    cookie: Option<HeaderValue>,
}

impl Attribution {
    /// The touch in a request, if there is one. Touches no database.
    fn arrival<B>(&self, request: &Request<B>) -> Option<Touch> {
        // almost all requests end here
        let query = request.uri().query().filter(|query| !query.is_empty())?;
        let headers = request.headers();
        let referrer = text(headers, header::REFERER).and_then(Referrer::parse);
        let mut signals = parse(query, referrer.as_ref(), &self.config.custom_tags);
        if signals.dropped != Dropped::default() {
            metrics::counter!("waymark_signals_dropped_total").increment(1);
        }
        if signals.is_empty() {
            return None;
        }
        if let Err(ignored) = eligible(request.method(), request.uri().path(), headers) {
            count_ignored(ignored);
            return None;
        }
        // https://www.w3.org/TR/gpc/: a person who asks not to be sold or shared
        if headers.get("sec-gpc").is_some_and(|value| value == "1") {
            match self.config.gpc {
                Gpc::NoCapture => return None,
                Gpc::NoClickIds => signals.click_ids.clear(),
                Gpc::Ignore => {}
            }
            if signals.is_empty() {
                return None;
            }
        }
        let internal = referrer.as_ref().is_some_and(|referrer| {
            self.config.is_own_host(&referrer.host)
                || text(headers, header::HOST).is_some_and(|host| is_host(host, referrer))
        });
        Some(Touch::new(&signals, request.uri().path(), referrer.as_ref(), internal, self.db.now()))
    }

    /// Stores the touch of this arrival and those that wait, under the session's visitor, whom it gives one where there is none.
    ///
    /// What the database does not take waits in a cookie: the page is served all the same. A browser gets no cookie for a session
    /// that does not exist.
    async fn capture(&self, session: &Session, arrival: Option<Touch>, waiting: Vec<Waiting>) -> Captured {
        let mut captured = Captured::default();
        let mut left = Vec::new();
        // the older first; one that is no touch any more is dropped
        let waited = waiting.iter().filter_map(|waiting| waiting.touch(self)).map(|touch| (touch, true));
        for (touch, waited) in waited.chain(arrival.map(|touch| (touch, false))) {
            let copy = Waiting::of(&touch);
            // after one failure the next would only wait for another
            let answer =
                if left.is_empty() { self.try_capture(session, touch, waited).await } else { Err("no answer".into()) };
            match answer {
                Ok((stored, started)) => {
                    count_touch(stored.as_str());
                    captured.started = captured.started.or(started);
                }
                Err(error) => {
                    if !waited {
                        count_touch("waiting");
                        error!(%error, "a touch could not be stored, and waits in a cookie");
                    }
                    left.push(copy);
                }
            }
        }
        if left != waiting {
            let (cookie, dropped) = pending::set_cookie(&left, self.config.is_secure());
            for _ in 0..dropped.min(left.len()) {
                count_touch("lost");
            }
            // base64 and our own words
            captured.cookie = HeaderValue::from_str(&cookie).ok();
        }
        captured
    }

    /// `waited`: the touch may have been stored before, by a request whose answer got lost.
    pub(super) async fn try_capture(
        &self,
        session: &Session,
        touch: Touch,
        waited: bool,
    ) -> Result<(Stored, Option<StartedSession>), Box<dyn std::error::Error + Send + Sync>> {
        if let Some(visitor) = visitor::get(session).await? {
            let stored = if waited {
                touch.store_again(&self.db, visitor.id).await
            } else {
                touch.store(&self.db, visitor.id).await
            };
            return Ok((stored?, None));
        }
        if session.id().is_some() {
            // A session without a visitor: someone's code began it. Its cookie is out already.
            let id = new_id();
            visitor::set(session, SessionVisitor { id, user: None }).await?;
            return match self.store_first(touch, id, waited).await {
                Ok(stored) => Ok((stored, None)),
                Err(error) => {
                    visitor::unset(session).await?;
                    Err(error.into())
                }
            };
        }
        let id = new_id();
        visitor::set(session, SessionVisitor { id, user: None }).await?;
        // Both are rows to add, and share a commit.
        let (saved, stored) = tokio::join!(session.save(), self.store_first(touch, id, waited));
        match (saved, stored) {
            (Ok(()), Ok(stored)) => Ok((stored, session.id().map(|id| StartedSession(id.to_string())))),
            (saved, stored) => {
                // An emptied session is neither saved again nor given to the browser.
                session
                    .flush()
                    .await
                    .unwrap_or_else(|error| warn!(%error, "a half-made session stays until it expires"));
                saved?;
                stored?;
                Ok((Stored::OverCap, None))
            }
        }
    }

    async fn store_first(&self, touch: Touch, visitor: Uuid, waited: bool) -> Result<Stored, db::Error> {
        if waited { touch.store_again(&self.db, visitor).await } else { touch.store_first(&self.db, visitor).await }
    }
}

fn count_touch(outcome: &'static str) {
    metrics::counter!("waymark_touches_total", "outcome" => outcome).increment(1);
}

/// A header as text.
fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a `Host` header, with or without a port, names the host of a referrer.
fn is_host(header: &str, referrer: &Referrer) -> bool {
    let host = match header.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => header,
    };
    host.eq_ignore_ascii_case(&referrer.host)
}

/// Counts a request that carried a signal but is nobody's arrival.
pub(super) fn count_ignored(why: Ignored) {
    metrics::counter!("waymark_arrivals_ignored_total", "why" => why.as_str()).increment(1);
}
