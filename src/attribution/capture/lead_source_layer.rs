//! `LeadSourceLayer`: a lead can come without any query string.
//!
//! Around the handler it sees to two things: a signed-in user's visitor is linked to the user, and **sentinel values** that a
//! handler put into the session (`utm_medium` and `utm_source`, with `utm_campaign`, `utm_term`, `utm_content` where it likes)
//! become a touch and leave the session, in the same response. They stay for the next request only where the database refused
//! them.

use std::{
    net::IpAddr,
    task::{Context, Poll},
};

use axum::http::{Request, Response, header};
use futures::future::BoxFuture;
use tower::{Layer, Service};
use tower_sessions::Session;
use tracing::error;

use super::{exclusion::Ignored, session_layer::Storing};
use crate::{
    address_limit::ClientAddress,
    attribution::{
        Attribution, SignedInUser,
        consent::{Consent, consent},
        signal::{Signals, Utm, clean, referrer::Referrer},
        touch::{
            Arrived, Origin, Touch,
            visitor::{self, SessionVisitor},
        },
    },
    db::{Conn, Error, sql},
    id::{UserId, VisitorId},
    timestamp::Timestamp,
};

/// The names under which a handler seeds a lead source.
pub const SENTINELS: [&str; 5] = ["utm_medium", "utm_source", "utm_campaign", "utm_term", "utm_content"];

/// Links visitors and stores seeded lead sources. It stands inside the session and authentication layers.
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
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let attribution = self.attribution.clone();
        Box::pin(async move {
            let Some(session) = request.extensions().get::<Session>().cloned() else {
                return inner.call(request).await;
            };
            if let Some(SignedInUser(user)) = request.extensions().get().copied() {
                attribution.see_to_link(&session, user).await;
            }
            let path = request.uri().path().to_owned();
            let came = Came::of(&request, &attribution);
            let mut response = inner.call(request).await?;
            if let Some(started) = attribution.take_sentinels(&session, &path, came).await {
                response.extensions_mut().insert(started);
            }
            Ok(response)
        })
    }
}

/// What a seeded touch takes from its request.
struct Came {
    consent: Consent,
    /// The page elsewhere that linked here.
    referrer: Option<Referrer>,
    address: Option<IpAddr>,
}

impl Came {
    fn of<B>(request: &Request<B>, attribution: &Attribution) -> Self {
        let headers = request.headers();
        let referrer = headers.get(header::REFERER).and_then(|value| Referrer::parse(value.to_str().ok()?));
        let outside = |referrer: &Referrer| !attribution.settings.is_own_host(&referrer.host);
        Self {
            consent: consent(headers, &attribution.settings),
            referrer: referrer.filter(outside),
            address: request.extensions().get().map(|ClientAddress(address)| *address),
        }
    }
}

/// Links a visitor to a user, within the transaction that signs the user in or up, and answers the visitor that the session
/// holds from now on.
///
/// It changes nothing where the link stands. A visitor who is somebody else's stays theirs, and the session gets a new one; so
/// does a session that had none, so that a later landing finds its visitor without writing the session.
pub async fn link(
    conn: &mut Conn,
    visitor: Option<VisitorId>,
    user: UserId,
    now: Timestamp,
) -> Result<SessionVisitor, Error> {
    const LINK: &str = "insert into visitors (id, user_id, first_seen_at, linked_at) values ($1, $2, $3, $3)
        on conflict (id) do update set user_id = excluded.user_id, linked_at = excluded.linked_at
        where visitors.user_id is null";
    let id = visitor.unwrap_or_else(VisitorId::new);
    sql(LINK).bind(id).bind(user).bind(now).execute(conn).await?;
    let owner: UserId = sql("select user_id from visitors where id = $1").bind(id).fetch_scalar(conn).await?;
    if owner == user {
        return Ok(SessionVisitor { id, user: Some(user) });
    }
    let id = VisitorId::new();
    sql(LINK).bind(id).bind(user).bind(now).execute(conn).await?;
    Ok(SessionVisitor { id, user: Some(user) })
}

impl Attribution {
    /// Links the visitor of a signed-in user. The sign-in has done so; this is for users who were signed in some other way.
    async fn see_to_link(&self, session: &Session, user: UserId) {
        if let Err(error) = self.try_link(session, user).await {
            metrics::counter!("waymark_links_failed_total").increment(1);
            error!(%error, "a visitor could not be linked to its user");
        }
    }

    async fn try_link(&self, session: &Session, user: UserId) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let known = visitor::get(session).await?;
        if known.is_some_and(|visitor| visitor.user == Some(user)) {
            return Ok(());
        }
        let now = self.db.now();
        let visitor = known.map(|visitor| visitor.id);
        let linked = self.db.transaction(move |conn| Box::pin(link(conn, visitor, user, now))).await?;
        visitor::set(session, linked).await?;
        Ok(())
    }

    /// Makes a touch of what a handler seeded, and takes it out of the session.
    async fn take_sentinels(
        &self,
        session: &Session,
        path: &str,
        came: Came,
    ) -> Option<crate::attribution::StartedSession> {
        let mut found = [const { None }; SENTINELS.len()];
        for (name, value) in SENTINELS.iter().zip(&mut found) {
            // a session that cannot be read holds nothing
            *value = session.get_value(name).await.ok().flatten();
            // without the first two there is no lead source, and most requests end here
            if value.is_none() && (*name == "utm_medium" || *name == "utm_source") {
                return None;
            }
        }
        let mut values = found.iter().map(|value| value.as_ref().and_then(|value| clean(value.as_str()?)));
        let mut next = || values.next().flatten();
        let (medium, source) = (next()?, next()?);
        let utm = Utm {
            medium: Some(medium),
            source: Some(source),
            campaign: next(),
            term: next(),
            content: next(),
            ..Utm::default()
        };
        let signals = Signals { utm, ..Signals::default() };
        let arrived = Arrived {
            signals: &signals,
            path,
            referrer: came.referrer.as_ref(),
            origin: Origin::Seeded,
            internal: false,
            at: self.db.now(),
        };
        let touch = Touch::new(&arrived, &self.settings.rules);
        // Out first: saving a new session must not store them.
        for name in SENTINELS {
            take_out(session, name).await;
        }
        match came.consent {
            Consent::Given => {}
            Consent::Undecided => {
                self.count_ignored(Ignored::Undecided);
                return None;
            }
            Consent::Refused => {
                self.count_ignored(Ignored::Refused);
                return None;
            }
        }
        if session.id().is_none() && !self.admits(came.address) {
            return None;
        }
        match self.try_capture(session, touch, Storing::Now).await {
            Ok((_, started)) => started,
            Err(error) => {
                metrics::counter!("waymark_touches_total", "outcome" => "lost").increment(1);
                error!(%error, "a seeded lead source could not be stored");
                // Back for the next request. A session that is not stored yet cannot hold them: it lives in the same database.
                if session.id().is_some() {
                    for (name, value) in SENTINELS.iter().zip(found) {
                        if let Some(value) = value {
                            let _ = session.insert_value(name, value).await;
                        }
                    }
                }
                None
            }
        }
    }
}

async fn take_out(session: &Session, name: &str) {
    // `remove` marks a session as changed even where there is nothing to remove
    if let Ok(Some(_)) = session.get_value(name).await {
        let _ = session.remove_value(name).await;
    }
}
