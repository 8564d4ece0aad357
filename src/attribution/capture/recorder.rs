use std::{net::IpAddr, sync::Arc};

use axum::http::{HeaderMap, Request, Response};
use tower_sessions::{Session, session};
use tracing::{error, warn};

use super::{
    arrival::RequestHead,
    counters::Counters,
    deferred::{self, DeferredTouch},
    exclusion::Exclusion,
    left_out,
    limits::{CaptureLimits, Demand},
    page_arrival::{PageArrival, TouchToken},
    plan::{Planned, Recording, SessionState, plan},
};
use crate::{
    address_limit::ClientAddress,
    attribution::{
        consent::log,
        settings::Settings,
        touch::{
            Touch,
            known::KnownVisitors,
            store::{self, StoreMode, StoreOutcome},
        },
    },
    cookie::{self, StartedSession},
    db::{self, Db, Patience},
    id::VisitorId,
    visitor::{self, SessionVisitor},
};

/// What the layers and forms of attribution share. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Attribution {
    pub db: Db,
    pub settings: Arc<Settings>,
    /// What did not become a touch, and what was left out of links, by reason.
    pub counters: Counters,
    /// Stores the touches of known visitors.
    pub known: KnownVisitors,
    /// Limits what each address may store.
    pub limits: CaptureLimits,
}

impl Attribution {
    pub fn new(db: Db, settings: Arc<Settings>) -> Self {
        let (counters, known, limits) = (Counters::default(), KnownVisitors::default(), CaptureLimits::default());
        Self { db, settings, counters, known, limits }
    }
}

/// Why a touch was not stored.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The session could not be read or saved.
    #[error(transparent)]
    Session(#[from] session::Error),
    /// The database did not take the touch.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// A stored touch.
#[derive(Debug)]
pub struct StoredUnder {
    /// The visitor that the touch was stored under.
    pub visitor: VisitorId,
    pub outcome: StoreOutcome,
    /// The session that began with the touch.
    pub started: Option<StartedSession>,
}

/// A request extension: the arrival of the request itself. The lead source layer completes the arrival's touch with what the
/// handler seeds.
#[derive(Clone, Debug)]
pub(super) struct OwnArrival {
    pub touch: Arc<Touch>,
    /// How the touch was stored. `None` if the touch waits in a cookie.
    pub stored: Option<StoreOutcome>,
}

/// A response extension: the touch of the request's own arrival, which a handler completed, and which has to wait in the cookie.
#[derive(Clone, Debug)]
pub(super) struct CompletedArrival(pub DeferredTouch);

/// What recording did.
#[derive(Debug, Default)]
pub struct Recorded {
    /// This request's own arrival.
    pub(super) own: Option<OwnArrival>,
    /// The visitor that the request's own arrival was stored under.
    visitor: Option<VisitorId>,
    started: Option<StartedSession>,
    /// The touches that waited in the cookie before.
    deferred: Vec<DeferredTouch>,
    /// The touches that wait in the cookie from now on.
    left: Vec<DeferredTouch>,
}

impl Recorded {
    /// Returns what the page says about its arrival, if the arrival's touch is stored. `headers` are those of the request.
    pub(super) fn page(&self, headers: &HeaderMap) -> Option<PageArrival> {
        let touch = self.own.as_ref()?.stored?.touch()?;
        let token = TouchToken::new(touch, self.visitor?, headers);
        Some(PageArrival::Counted { token, began: self.started.is_some() })
    }

    /// Adds to the response what the browser has to keep.
    pub fn apply<R>(self, response: &mut Response<R>, secure: bool) {
        let Self { started, deferred, mut left, .. } = self;
        if let Some(started) = started {
            response.extensions_mut().insert(started);
        }
        if let Some(CompletedArrival(touch)) = response.extensions_mut().remove() {
            touch.put_into(&mut left);
        }
        if left != deferred {
            let (set_cookie, lost) = deferred::set_cookie(&left, secure);
            (0..lost).for_each(|_| count_touch("lost"));
            cookie::append(response.headers_mut(), &set_cookie);
        }
    }
}

impl Attribution {
    /// Decides what a request means, and counts what will not be stored.
    pub(super) fn plan<B>(&self, request: &Request<B>, session: SessionState) -> Planned {
        let address = request.extensions().get().map(|ClientAddress(address)| *address);
        let admits = |demand| self.address_admits(address, demand);
        let planned = plan(RequestHead::of(request), session, &self.settings, self.db.now(), admits);
        planned.excluded.iter().for_each(|why| self.count_excluded(*why));
        left_out::counters(&planned.dropped).for_each(|counter| self.counters.count(counter));
        planned
    }

    /// Stores this request's touch and the deferred ones, the oldest first, under the session's visitor.
    ///
    /// If the database fails, the touches go into a cookie, and the page is served. The browser gets a session's cookie only if
    /// the session was stored.
    pub(super) async fn record(&self, session: &Session, recording: Box<Recording>) -> Recorded {
        let Recording { touch, deferred, gpc, agreed_at } = *recording;
        // An `Arc` keeps the futures on the way small: each has room for its arguments.
        let touch = touch.map(Arc::new);
        let mut recorded = Recorded::default();
        let restored = deferred.iter().filter_map(|touch| touch.restore(&self.settings, self.db.now(), gpc));
        let retries = restored.map(|touch| (Arc::new(touch), StoreMode::Again));
        for (touch, mode) in retries.chain(touch.map(|touch| (touch, StoreMode::Now))) {
            // After one failure the recorder does not try the other touches, because each would only wait and fail too.
            let stored =
                if recorded.left.is_empty() { Some(self.store(session, touch.clone(), mode).await) } else { None };
            let (stored, error) = match stored {
                Some(Ok(stored)) => (Some(stored), None),
                Some(Err(error)) => (None, Some(error)),
                None => (None, None),
            };
            if mode == StoreMode::Now {
                recorded.visitor = stored.as_ref().map(|stored| stored.visitor);
                let stored = stored.as_ref().map(|stored| stored.outcome);
                recorded.own = Some(OwnArrival { touch: touch.clone(), stored });
            }
            if let Some(StoredUnder { visitor, started, .. }) = stored {
                if let (Some(at), true) = (agreed_at, started.is_some()) {
                    log::note(&self.db, visitor, true, at).await;
                }
                recorded.started = recorded.started.or(started);
                continue;
            }
            if mode == StoreMode::Now {
                count_touch("waiting");
                error!(
                    error = error.as_ref().map(tracing::field::display),
                    "a touch could not be stored, and waits in a cookie"
                );
            }
            recorded.left.push(DeferredTouch::of(&touch));
        }
        recorded.deferred = deferred;
        recorded
    }

    /// Stores a touch under the session's visitor. A session without a visitor gets a new visitor.
    pub(super) async fn store(
        &self,
        session: &Session,
        touch: Arc<Touch>,
        mode: StoreMode,
    ) -> Result<StoredUnder, CaptureError> {
        if let Some(visitor) = visitor::get(session).await? {
            let outcome = self.counted(self.store_known(touch, visitor.id, mode).await?);
            return Ok(StoredUnder { visitor: visitor.id, outcome, started: None });
        }
        let visitor = VisitorId::new();
        visitor::set(session, SessionVisitor { id: visitor, user: None }).await?;
        if session.id().is_some() {
            // The session exists already, so only the visitor and the touch are new.
            return match self.store_first(touch, visitor, mode).await {
                Ok(outcome) => Ok(StoredUnder { visitor, outcome, started: None }),
                Err(error) => {
                    visitor::unset(session).await?;
                    Err(error.into())
                }
            };
        }
        let begun = self.begin(session, touch, visitor, mode).await;
        if begun.is_err() {
            // After `flush` the session is not saved again, and the browser gets no cookie.
            if let Err(error) = session.flush().await {
                warn!(%error, "a half-made session stays until it expires");
            }
        }
        let outcome = begun?;
        let started = session.id().map(|id| StartedSession(id.to_string()));
        Ok(StoredUnder { visitor, outcome, started })
    }

    /// Stores the first touch of a visitor whose session begins.
    async fn begin(
        &self,
        session: &Session,
        touch: Arc<Touch>,
        visitor: VisitorId,
        mode: StoreMode,
    ) -> Result<StoreOutcome, CaptureError> {
        if mode == StoreMode::Again {
            let outcome = self.store_first(touch, visitor, mode).await?;
            session.save().await?;
            return Ok(outcome);
        }
        // The session, the visitor and the touch are new rows, added together or not at all.
        let (saved, left) = db::with_rows(store::first_rows(&touch, visitor), session.save()).await;
        saved?;
        if !left.is_empty() {
            self.db.insert_within(Patience::SHORT, left).await?;
        }
        Ok(self.counted(StoreOutcome::New(touch.id)))
    }

    async fn store_known(
        &self,
        touch: Arc<Touch>,
        visitor: VisitorId,
        mode: StoreMode,
    ) -> Result<StoreOutcome, db::Error> {
        if mode == StoreMode::Now
            && let Some(outcome) = self.known.store(&self.db, touch.clone(), visitor).await?
        {
            return Ok(outcome);
        }
        store::store(&self.db, Arc::unwrap_or_clone(touch), visitor, mode).await
    }

    async fn store_first(
        &self,
        touch: Arc<Touch>,
        visitor: VisitorId,
        mode: StoreMode,
    ) -> Result<StoreOutcome, db::Error> {
        Ok(self.counted(store::store_first(&self.db, touch, visitor, mode).await?))
    }

    fn counted(&self, outcome: StoreOutcome) -> StoreOutcome {
        count_touch(outcome.as_str());
        if outcome == StoreOutcome::OverCap {
            self.counters.count(outcome.as_str());
        }
        outcome
    }

    /// Returns whether this many touches of a session may be stored, by the limits of the client's address.
    pub(super) fn admits(&self, session: &Session, address: Option<IpAddr>, touches: usize) -> bool {
        let admitted = self.address_admits(address, Demand { new_visitor: session.id().is_none(), touches });
        if !admitted {
            self.count_excluded(Exclusion::Flood);
        }
        admitted
    }

    fn address_admits(&self, address: Option<IpAddr>, demand: Demand) -> bool {
        address.is_none_or(|address| self.limits.admits(address, demand))
    }

    /// Counts an arrival that is not stored, for the metrics and for the data-quality page.
    pub fn count_excluded(&self, why: Exclusion) {
        metrics::counter!("waymark_arrivals_ignored_total", "why" => why.as_str()).increment(1);
        self.counters.count(why.as_str());
    }
}

/// Counts a touch for the metrics.
pub(super) fn count_touch(outcome: &'static str) {
    metrics::counter!("waymark_touches_total", "outcome" => outcome).increment(1);
}
