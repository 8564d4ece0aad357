//! The form of the consent banner and of the privacy page: `POST /api/consent`.
//!
//! Agreeing stores the landing's touch, which waited in the form, with the landing's time, and once however often the form is
//! sent. Declining stops capture at once, and forgets what nobody's account holds yet.

use axum::{
    Form,
    extract::{Extension, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tower_sessions::Session;
use tracing::error;

use super::{
    arrival::asks_for_privacy,
    beacon::Beacon,
    consent_handoff,
    deferred::{self, Waiting},
    exclusion::is_machine,
    session_layer::{Landing, Storing},
};
use crate::{
    address_limit::ClientAddress,
    attribution::{
        Attribution, EndedSession, SignedInUser, StartedSession,
        consent::{self, WORDING},
        signal::without_signals,
        touch::{Touch, visitor},
    },
    db::{Conn, Error, sql},
    id::{UserId, VisitorId},
    timestamp::Timestamp,
};

/// What the form sends.
#[derive(Debug, Deserialize)]
pub struct Choice {
    /// `yes` or `no`.
    choice: String,
    /// The touch that waits, as [`field`] wrote it.
    #[serde(default)]
    landing: String,
    /// What the page's script read from the address, as a beacon would send it: a query may not have reached the server.
    #[serde(default)]
    beacon: String,
    /// When the page was made.
    #[serde(default)]
    at: Timestamp,
    /// Where to go back to.
    #[serde(default)]
    next: String,
}

/// A landing's touch for the form's hidden field.
pub fn field(Landing(waiting): &Landing) -> String {
    deferred::encode(std::slice::from_ref(waiting))
}

/// Answers the form with 303.
pub async fn decide(
    State(attribution): State<Attribution>,
    Extension(session): Extension<Session>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    user: Option<Extension<SignedInUser>>,
    ended_session: Option<Extension<EndedSession>>,
    headers: HeaderMap,
    Form(form): Form<Choice>,
) -> Response {
    let (now, secure) = (attribution.db.now(), attribution.settings.secure);
    let see_other = || (StatusCode::SEE_OTHER, [(header::LOCATION, back(&form.next, &attribution))]).into_response();
    let (granted, mut response, waiting) = match form.choice.as_str() {
        "yes" => {
            let machine = is_machine(&headers) || session.id().is_none() && !attribution.admits(Some(address));
            let touch = if machine { None } else { attribution.waited(&form, &headers) };
            let (started, left) = attribution.agree(&session, touch).await;
            let mut response = see_other();
            if let Some(started) = started {
                response.extensions_mut().insert(started);
            }
            let mut waiting = deferred::read(&headers, secure);
            waiting.extend(left);
            (true, response, waiting)
        }
        "no" => {
            let response = match attribution.withdraw(&session, user.is_some(), now).await {
                Ok(ended) => {
                    if let Some(Extension(session)) = ended_session.filter(|_| ended) {
                        session.mark();
                    }
                    see_other()
                }
                // Nothing more is captured, since the cookie says so; but what was could not be removed yet.
                Err(error) => {
                    error!(%error, "a visitor who withdrew could not be forgotten");
                    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")]).into_response()
                }
            };
            // what waits for the database waits for nothing now
            (false, response, Vec::new())
        }
        _ => return StatusCode::BAD_REQUEST.into_response(),
    };
    let mut cookies = vec![consent::set_cookie(granted, now, secure)];
    if waiting != deferred::read(&headers, secure) {
        cookies.push(deferred::set_cookie(&waiting, secure).0);
    }
    for cookie in cookies {
        // ASCII of our own
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

impl Attribution {
    /// The touch that waited. What the script read is more than what the server saw, and the same arrival.
    fn waited(&self, form: &Choice, headers: &HeaderMap) -> Option<Touch> {
        let landing = deferred::decode(&form.landing)
            .into_iter()
            .next()
            .and_then(|waiting| waiting.touch(self, asks_for_privacy(headers)));
        let beacon: Beacon = Beacon::parse(&form.beacon);
        let Some((mut touch, seen)) = self.read_beacon(headers, &beacon) else { return landing };
        match landing {
            Some(landing) if seen.is_none_or(|seen| seen == landing.fingerprint()) => {
                (touch.id, touch.occurred_at) = (landing.id, landing.occurred_at);
            }
            // The page is a copy that was made for somebody else: the address is this visitor's.
            _ => touch.occurred_at = form.at.clamp(touch.occurred_at - deferred::OLDEST, touch.occurred_at),
        }
        Some(touch)
    }

    /// Stores the touch that waited, and notes the agreement with its visitor. Answers the session that began, and the touch
    /// again where the database did not take it.
    async fn agree(&self, session: &Session, touch: Option<Touch>) -> (Option<StartedSession>, Option<Waiting>) {
        let now = self.db.now();
        let (mut started, mut left) = (None, None);
        if let Some(touch) = touch {
            let waiting = Waiting::of(&touch);
            match self.try_capture(session, touch, Storing::Again).await {
                Ok((_, session)) => started = session,
                Err(error) => {
                    error!(%error, "a landing's touch could not be stored with its consent, and waits in a cookie");
                    left = Some(waiting);
                }
            }
        }
        if let Ok(Some(visitor)) = visitor::get(session).await {
            self.note_decision(visitor.id, true, now).await;
        }
        (started, left)
    }

    /// Forgets the touches of a visitor who is nobody's, and the session. Those of a user belong to the account, where they can
    /// be erased. Answers whether the session ended.
    async fn withdraw(
        &self,
        session: &Session,
        signed_in: bool,
        now: Timestamp,
    ) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
        let Some(visitor) = visitor::get(session).await? else { return Ok(false) };
        let id = visitor.id;
        if self.db.transaction(move |conn| Box::pin(forget(conn, id))).await? {
            visitor::unset(session).await?;
            // Of somebody who is not signed in a session holds the visitor, and nothing that outlives it.
            if !signed_in {
                session.flush().await?;
            }
            return Ok(!signed_in);
        }
        self.note_decision(id, false, now).await;
        Ok(false)
    }

    /// Notes what a visitor decided, where it is another decision than the last. A time that a browser told is not believed
    /// beyond what a decision can be old.
    pub(crate) async fn note_decision(&self, visitor: VisitorId, granted: bool, at: Timestamp) {
        let now = self.db.now();
        let at = at.clamp(now - consent::MAX_AGE, now);
        let noted = self.db.transaction(move |conn| {
            Box::pin(async move {
                sql("insert into consents (visitor_id, decided_at, granted, wording)
                    select id, $2, $3, $4 from visitors where id = $1 and $3 is distinct from (
                        select granted from consents where visitor_id = $1 order by decided_at desc limit 1)
                    on conflict (visitor_id, decided_at) do nothing")
                .bind(visitor)
                .bind(at)
                .bind(granted)
                .bind(WORDING)
                .execute(conn)
                .await
            })
        });
        if let Err(error) = noted.await {
            error!(%error, "a decision about consent could not be noted");
        }
    }
}

/// Removes a visitor with all touches, unless somebody signed in with it. Answers whether it is gone.
async fn forget(conn: &mut Conn, visitor: VisitorId) -> Result<bool, Error> {
    let lock = format!("select user_id from visitors where id = $1{}", conn.for_update());
    let owner: Option<(Option<UserId>,)> = sql(lock).bind(visitor).fetch_optional(conn).await?;
    if let Some((Some(_),)) = owner {
        return Ok(false);
    }
    sql("delete from touches where visitor_id = $1").bind(visitor).execute(conn).await?;
    sql("delete from visitors where id = $1").bind(visitor).execute(conn).await?;
    Ok(true)
}

/// Back to the page, without the signals that have become a touch: it would be captured again.
fn back(next: &str, attribution: &Attribution) -> String {
    let fine = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.bytes().all(|byte| byte.is_ascii_graphic());
    let (path, query) = next.split_once('?').unwrap_or((next, ""));
    let carried =
        |pair: &&str| !pair.strip_prefix(consent_handoff::PARAMETER).is_some_and(|rest| rest.starts_with('='));
    let query = query.split('&').filter(carried).collect::<Vec<_>>().join("&");
    match (fine, without_signals(&query, &attribution.settings.custom_tags)) {
        (false, _) => "/".to_owned(),
        (true, query) if query.is_empty() => path.to_owned(),
        (true, query) => format!("{path}?{query}"),
    }
}
