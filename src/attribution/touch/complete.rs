//! Completing a stored touch with what was not known when the touch was stored.
//!
//! A request is stored as an arrival before its handler runs. Afterwards its handler may seed a lead source, and its page's beacon
//! may report more of the address. One arrival is one touch, so both complete the row that the request made.

use super::{
    Touch, TouchOrigin,
    rows::{Redirected, StoreOutcome, absorb, add, count_hit, enrich, linked_from, lock, same_arrival},
};
use crate::{
    db::{Conn, Error, sql},
    id::{TouchId, VisitorId},
};

/// Stores what a handler seeded, together with what the link of the same request said. `arrival` is how the request's own arrival
/// was stored.
///
/// The outcome is one row for the request, in every order of requests that run at the same time:
/// - If the visitor has an equal touch already, the request is a repeat of that touch.
/// - Otherwise the request's own row is completed.
/// - An earlier page may have the same link. The row is then that page's, and stays as it was before this request.
pub(super) async fn with_seeds(
    conn: &mut Conn,
    touch: Touch,
    visitor: VisitorId,
    arrival: StoreOutcome,
) -> Result<StoreOutcome, Error> {
    lock(conn, &touch, visitor).await?;
    let Some(own) = arrival.touch() else { return add(conn, touch, visitor).await };
    let is_new = matches!(arrival, StoreOutcome::New(_));
    match same_arrival(conn, &touch, visitor, touch.fingerprint).await? {
        Some(known) if known == own => Ok(StoreOutcome::Repeat(own)),
        Some(known) if is_new => {
            absorb(conn, own, known).await?;
            Ok(StoreOutcome::Repeat(known))
        }
        Some(known) => {
            take_hit_back(conn, own).await?;
            count_hit(conn, known).await
        }
        None if is_new || is_at(conn, own, &touch.landing_path).await? => enrich(conn, own, touch).await,
        None => {
            take_hit_back(conn, own).await?;
            add(conn, touch, visitor).await
        }
    }
}

/// Adds what a beacon tells to the touch of the page's own request. `seen` is the fingerprint that this touch may have.
pub(super) async fn with_beacon(
    conn: &mut Conn,
    touch: Touch,
    visitor: VisitorId,
    seen: Option<i64>,
) -> Result<StoreOutcome, Error> {
    lock(conn, &touch, visitor).await?;
    if let Some(known) = same_arrival(conn, &touch, visitor, touch.fingerprint).await? {
        return Ok(StoreOutcome::Repeat(known));
    }
    let mut known = None;
    if let Some(seen) = seen.filter(|seen| *seen != touch.fingerprint) {
        known = same_arrival(conn, &touch, visitor, seen).await?;
    }
    if known.is_none() {
        known = linked_from(conn, &touch, visitor, Redirected::No).await?;
    }
    match known {
        Some(known) => enrich(conn, known, touch).await,
        None => add(conn, touch, visitor).await,
    }
}

/// Takes back the hit that this request added to the touch of another page.
async fn take_hit_back(conn: &mut Conn, touch: TouchId) -> Result<(), Error> {
    sql("update touches set hits = hits - 1 where id = $1 and hits > 1").bind(touch).execute(conn).await.map(|_| ())
}

/// Returns whether a touch is of a page, and no handler completed the touch before.
async fn is_at(conn: &mut Conn, touch: TouchId, path: &str) -> Result<bool, Error> {
    let found: Option<(i32,)> = sql("select 1 from touches where id = $1 and landing_path = $2 and origin <> $3")
        .bind(touch)
        .bind(path)
        .bind(TouchOrigin::Seeded.as_str())
        .fetch_optional(conn)
        .await?;
    Ok(found.is_some())
}
