//! What storing a touch does with rows: finding the touch of the same arrival, counting a hit, completing, adding.
//!
//! The functions run in a transaction that holds the lock of the visitor's row.

use std::time::Duration;

use super::{Touch, TouchOrigin, utm_assignments, utm_values};
use crate::{
    db::{Conn, Error, sql},
    id::{TouchId, VisitorId},
    timestamp::{DAY, Timestamp},
};

/// An equal arrival within this time is a repeat of the touch.
pub const REPEAT_WINDOW: Duration = Duration::from_mins(30);
/// The most touches of a visitor in 24 hours. Further touches are not stored, because no person arrives so often.
pub const DAILY_CAP: i64 = 50;

/// What storing a touch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreOutcome {
    /// Added a row.
    New(TouchId),
    /// Found the row of the same arrival, and counted a hit or added to what the row says.
    Repeat(TouchId),
    /// Stored nothing: the visitor had [`DAILY_CAP`] touches in the last 24 hours.
    OverCap,
}

impl StoreOutcome {
    /// Returns a fixed word for a metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New(_) => "new",
            Self::Repeat(_) => "repeat",
            Self::OverCap => "over_cap",
        }
    }

    /// Returns the row of the arrival.
    pub fn touch(self) -> Option<TouchId> {
        match self {
            Self::New(touch) | Self::Repeat(touch) => Some(touch),
            Self::OverCap => None,
        }
    }
}

/// Adds the visitor's row if it is missing. Retention or a restored backup may have removed the row while the browser still has
/// the session.
pub(super) async fn ensure(conn: &mut Conn, visitor: VisitorId, seen: Timestamp) -> Result<(), Error> {
    sql("insert into visitors (id, first_seen_at) values ($1, $2) on conflict (id) do nothing")
        .bind(visitor)
        .bind(seen)
        .execute(conn)
        .await
        .map(|_| ())
}

/// Locks the visitor's row, at all replicas. If two equal arrivals come at once, the second waits and finds the touch of the
/// first.
pub(super) async fn lock(conn: &mut Conn, touch: &Touch, visitor: VisitorId) -> Result<(), Error> {
    ensure(conn, visitor, touch.occurred_at).await?;
    let lock = format!("select id from visitors where id = $1{}", conn.for_update());
    sql(lock).bind(visitor).execute(conn).await.map(|_| ())
}

/// Finds the visitor's latest touch within [`REPEAT_WINDOW`] that has the fingerprint, or had it before it was completed.
pub(super) async fn same_arrival(
    conn: &mut Conn,
    touch: &Touch,
    visitor: VisitorId,
    fingerprint: i64,
) -> Result<Option<TouchId>, Error> {
    let found: Option<(TouchId,)> = sql("select id from touches
        where visitor_id = $1 and (fingerprint = $2 or first_fingerprint = $2) and occurred_at > $3
        order by occurred_at desc limit 1")
    .bind(visitor)
    .bind(fingerprint)
    .bind(touch.occurred_at - REPEAT_WINDOW)
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|(id,)| id))
}

/// Whether a redirect may lie between the touch to find and the one at hand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Redirected {
    /// Finds only a touch with the same path, which comes from a referrer alone.
    No,
    /// Finds a touch with any path.
    Here,
}

/// Finds the visitor's latest touch with the same referrer within [`REPEAT_WINDOW`].
pub(super) async fn linked_from(
    conn: &mut Conn,
    touch: &Touch,
    visitor: VisitorId,
    redirected: Redirected,
) -> Result<Option<TouchId>, Error> {
    let found: Option<(TouchId, String, String)> = sql("select id, origin, landing_path from touches
        where visitor_id = $1 and occurred_at > $2 and not internal
            and (referrer = $3 or (referrer is null and cast($3 as text) is null))
        order by occurred_at desc limit 1")
    .bind(visitor)
    .bind(touch.occurred_at - REPEAT_WINDOW)
    .bind(touch.referrer.clone())
    .fetch_optional(conn)
    .await?;
    Ok(found.and_then(|(id, origin, path)| match redirected {
        Redirected::Here => touch.referrer.is_some().then_some(id),
        Redirected::No => (origin == TouchOrigin::Referrer.as_str() && path == touch.landing_path).then_some(id),
    }))
}

/// Adds a row for the touch, unless the visitor has [`DAILY_CAP`] touches already.
pub(super) async fn add(conn: &mut Conn, touch: Touch, visitor: VisitorId) -> Result<StoreOutcome, Error> {
    let today: i64 = sql("select count(*) from touches where visitor_id = $1 and occurred_at > $2")
        .bind(visitor)
        .bind(touch.occurred_at - DAY)
        .fetch_scalar(conn)
        .await?;
    if today >= DAILY_CAP {
        return Ok(StoreOutcome::OverCap);
    }
    let id = touch.id;
    touch.row(visitor).execute(conn).await?;
    Ok(StoreOutcome::New(id))
}

/// Counts a repeat of a touch.
pub(super) async fn count_hit(conn: &mut Conn, touch: TouchId) -> Result<StoreOutcome, Error> {
    sql("update touches set hits = hits + 1 where id = $1").bind(touch).execute(conn).await?;
    Ok(StoreOutcome::Repeat(touch))
}

/// Adds to a stored touch what was not known before. The touch's time, path and referrer stay.
pub(super) async fn enrich(conn: &mut Conn, known: TouchId, touch: Touch) -> Result<StoreOutcome, Error> {
    sql(format!(
        "update touches set channel = $2, click_ids = $3, tags = $4, derived = $5, fingerprint = $6, origin = $7,
            rules_version = $8, first_fingerprint = coalesce(first_fingerprint, fingerprint), {}
        where id = $1",
        utm_assignments(9)
    ))
    .bind(known)
    .bind_all([
        touch.channel.into(),
        touch.click_ids.into(),
        touch.tags.into(),
        touch.derived.into(),
        touch.fingerprint.into(),
        touch.origin.as_str().into(),
        touch.rules_version.into(),
    ])
    .bind_all(utm_values(&touch.utm))
    .execute(conn)
    .await?;
    Ok(StoreOutcome::Repeat(known))
}

/// Adds the hits of a touch to the equal touch `into`, and removes the first one.
pub(super) async fn absorb(conn: &mut Conn, touch: TouchId, into: TouchId) -> Result<(), Error> {
    sql("update touches set hits = hits + coalesce((select hits from touches where id = $2), 0) where id = $1")
        .bind(into)
        .bind(touch)
        .execute(conn)
        .await?;
    sql("delete from touches where id = $1").bind(touch).execute(conn).await.map(|_| ())
}
