//! Storing touches: one row for each arrival, under its visitor.
//!
//! One arrival may reach the database several times. The visitor reloads the page, the page's beacon reports the arrival, a
//! browser that got no response tries again, or two replicas receive one request each. A visitor's touches are therefore stored
//! one after the other, and each store first looks for an equal touch.

use std::sync::Arc;

use super::{
    Touch, TouchOrigin, complete,
    fingerprint::ERASED_RANGE,
    rows::{Redirected, add, count_hit, enrich, ensure, linked_from, lock, same_arrival},
};
use crate::{
    db::{Conn, Db, Error, Insert, Patience, Table, sql},
    id::VisitorId,
};

pub use super::rows::{DAILY_CAP, REPEAT_WINDOW, StoreOutcome};

static VISITORS: Table = Table { name: "visitors", columns: &["id", "first_seen_at"] };

/// How a touch comes to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMode {
    /// The request that brought the touch is being answered.
    Now,
    /// A request whose response got lost may have stored the touch before, under the same id.
    Again,
    /// The page's beacon reports the touch. The server may have stored the page's own request before, as the touch with the
    /// fingerprint `seen`.
    Beacon { seen: Option<i64> },
    /// The beacon of a page that was loaded ahead reports the arrival. The page's own request was not stored.
    LoadedAhead,
    /// A handler seeded the touch, whose request was stored as an arrival before, with this outcome. The touch also holds what
    /// the link of the request said.
    Seeded { arrival: StoreOutcome },
}

/// Stores the first touch of a new visitor. No other request can have the visitor's id yet.
pub async fn store_first(
    db: &Db,
    touch: impl Into<Arc<Touch>>,
    visitor: VisitorId,
    mode: StoreMode,
) -> Result<StoreOutcome, Error> {
    let touch = touch.into();
    if mode == StoreMode::Again {
        return store(db, Arc::unwrap_or_clone(touch), visitor, mode).await;
    }
    db.insert_within(Patience::SHORT, first_rows(&touch, visitor)).await?;
    Ok(StoreOutcome::New(touch.id))
}

/// Returns the rows of a new visitor: the visitor's and the first touch's.
pub fn first_rows(touch: &Touch, visitor: VisitorId) -> Vec<Insert> {
    let first = Insert { table: &VISITORS, values: vec![visitor.into(), touch.occurred_at.into()] };
    vec![first, touch.row(visitor)]
}

/// Stores a touch of a visitor who was here before.
pub async fn store(db: &Db, touch: Touch, visitor: VisitorId, mode: StoreMode) -> Result<StoreOutcome, Error> {
    let now = db.now();
    // A touch that is not stored waits in a cookie, so the page need not wait for long.
    db.transaction_within(Patience::SHORT, move |conn| {
        Box::pin(async move {
            match mode {
                StoreMode::Now => store_now(conn, touch, visitor, Repeat::IsHit).await,
                // A page may send its beacon twice.
                StoreMode::LoadedAhead => store_now(conn, touch, visitor, Repeat::IsNone).await,
                StoreMode::Again => {
                    // A cookie says when its touch occurred, and not since when the visitor is known.
                    ensure(conn, visitor, now).await?;
                    store_again(conn, touch, visitor).await
                }
                StoreMode::Beacon { seen } => complete::with_beacon(conn, touch, visitor, seen).await,
                StoreMode::Seeded { arrival } => complete::with_seeds(conn, touch, visitor, arrival).await,
            }
        })
    })
    .await
}

/// Stores a touch that an earlier request may have stored. If so, no browser knows the visitor of the earlier request. The touch
/// then moves to this visitor, unless the earlier visitor is linked to a user.
///
/// The earlier request may have stored its arrival, and failed to complete the touch with what its handler seeded. The touch is
/// then completed.
async fn store_again(conn: &mut Conn, touch: Touch, visitor: VisitorId) -> Result<StoreOutcome, Error> {
    let id = touch.id;
    let known: Option<(VisitorId, bool, i64, Option<i64>)> =
        sql("select v.id, v.user_id is not null, t.fingerprint, t.first_fingerprint from touches t
        join visitors v on v.id = t.visitor_id where t.id = $1")
        .bind(id)
        .fetch_optional(conn)
        .await?;
    let Some((owner, linked, fingerprint, first)) = known else {
        return store_now(conn, touch, visitor, Repeat::IsHit).await;
    };
    if owner != visitor {
        if linked {
            return Ok(StoreOutcome::Repeat(id));
        }
        sql("update touches set visitor_id = $2 where id = $1
                and visitor_id in (select id from visitors where user_id is null)")
        .bind(id)
        .bind(visitor)
        .execute(conn)
        .await?;
    }
    if first.is_none() && fingerprint != touch.fingerprint && !ERASED_RANGE.contains(&fingerprint) {
        return enrich(conn, id, touch).await;
    }
    Ok(StoreOutcome::Repeat(id))
}

/// What a repeat of a stored arrival means.
#[derive(Clone, Copy)]
enum Repeat {
    /// A further hit of the touch.
    IsHit,
    /// Nothing.
    IsNone,
}

async fn store_now(conn: &mut Conn, touch: Touch, visitor: VisitorId, repeat: Repeat) -> Result<StoreOutcome, Error> {
    lock(conn, &touch, visitor).await?;
    let mut known = same_arrival(conn, &touch, visitor, touch.fingerprint).await?;
    if known.is_none() && touch.origin == TouchOrigin::Referrer {
        // A redirect dropped the query, or a seeding handler led to this page. In both cases the browser sends the referrer of
        // the first page.
        known = linked_from(conn, &touch, visitor, Redirected::Here).await?;
    }
    match (known, repeat) {
        (Some(known), Repeat::IsHit) => count_hit(conn, known).await,
        (Some(known), Repeat::IsNone) => Ok(StoreOutcome::Repeat(known)),
        (None, _) => add(conn, touch, visitor).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attribution::signal::{custom_tags::CustomTags, parse},
        db::testing::each_database,
        timestamp::{MILLISECOND, Timestamp},
    };

    fn touch(query: &str, now: Timestamp) -> Touch {
        Touch::of_link(parse(query, &CustomTags::default()), "/", now)
    }

    async fn counts(db: &Db) -> (i64, i64) {
        let mut conn = db.read().await.expect("a connection");
        sql("select count(*), cast(coalesce(sum(hits), 0) as bigint) from touches")
            .fetch_one(&mut conn)
            .await
            .expect("a row")
    }

    #[test]
    fn tuples_that_differ_have_other_fingerprints() {
        let of = |query| touch(query, Timestamp::EPOCH).fingerprint;
        assert_eq!(of("utm_source=a&utm_medium=b"), of("UTM_MEDIUM=B&utm_source=A"));
        let different =
            ["utm_source=a", "utm_medium=a", "utm_source=a&utm_medium=b", "utm_source=ab", "utm_source=a&gclid=x"];
        for (i, one) in different.iter().enumerate() {
            for other in &different[i + 1..] {
                assert_ne!(of(one), of(other), "{one} {other}");
            }
        }
    }

    #[tokio::test]
    async fn equal_arrivals_at_once_are_one_touch_with_all_hits() {
        each_database(async |db| {
            let visitor = VisitorId::new();
            let now = db.now();
            store_first(&db, touch("utm_source=a", now), visitor, StoreMode::Now).await.expect("stored");
            let at_once =
                (0..20).map(|n| store(&db, touch("utm_source=a", now + n * MILLISECOND), visitor, StoreMode::Now));
            for answer in futures::future::join_all(at_once).await {
                assert!(matches!(answer.expect("stored"), StoreOutcome::Repeat(_)));
            }
            assert_eq!(counts(&db).await, (1, 21));
        })
        .await;
    }

    #[tokio::test]
    async fn first_arrivals_of_a_known_visitor_at_once_are_one_touch() {
        each_database(async |db| {
            let visitor = VisitorId::new();
            let now = db.now();
            let at_once = (0..20).map(|_| store(&db, touch("utm_source=a", now), visitor, StoreMode::Now));
            let new = futures::future::join_all(at_once)
                .await
                .into_iter()
                .filter(|answer| matches!(answer, Ok(StoreOutcome::New(_))));
            assert_eq!(new.count(), 1);
            assert_eq!(counts(&db).await, (1, 20));
        })
        .await;
    }

    #[tokio::test]
    async fn after_half_an_hour_it_is_a_new_touch() {
        each_database(async |db| {
            let visitor = VisitorId::new();
            let now = db.now();
            store_first(&db, touch("utm_source=a", now), visitor, StoreMode::Now).await.expect("stored");
            let later = async |after| {
                let touch = touch("utm_source=a", now + after);
                store(&db, touch, visitor, StoreMode::Now).await.expect("stored")
            };
            assert!(matches!(later(REPEAT_WINDOW - MILLISECOND).await, StoreOutcome::Repeat(_)));
            assert!(matches!(later(REPEAT_WINDOW).await, StoreOutcome::New(_)));
        })
        .await;
    }

    #[tokio::test]
    async fn the_fifty_first_touch_of_a_day_is_not_kept() {
        each_database(async |db| {
            let visitor = VisitorId::new();
            let now = db.now();
            let at_once = (0..60).map(|n| store(&db, touch(&format!("utm_source=s{n}"), now), visitor, StoreMode::Now));
            let over = futures::future::join_all(at_once)
                .await
                .into_iter()
                .filter(|answer| matches!(answer, Ok(StoreOutcome::OverCap)));
            assert_eq!(over.count(), 10);
            assert_eq!(counts(&db).await.0, DAILY_CAP);
        })
        .await;
    }
}
