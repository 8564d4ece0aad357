//! Storing touches: one row for each arrival, under its visitor.
//!
//! One arrival may reach the database several times. The visitor reloads the page, the page's beacon reports the arrival, a
//! browser that got no response tries again, or two replicas receive one request each. A visitor's touches are therefore stored
//! one after the other, and each store first looks for an equal touch.

use std::time::Duration;

use super::{Touch, TouchOrigin, utm_assignments, utm_values};
use crate::{
    db::{Conn, Db, Error, Insert, Patience, Table, sql},
    id::{TouchId, VisitorId},
    timestamp::{DAY, Timestamp},
};

/// An equal arrival within this time is a repeat of the touch.
pub const REPEAT_WINDOW: Duration = Duration::from_mins(30);
/// The most touches of a visitor in 24 hours. Further touches are not stored, because no person arrives so often.
pub const DAILY_CAP: i64 = 50;

static VISITORS: Table = Table { name: "visitors", columns: &["id", "first_seen_at"] };

/// What storing a touch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreOutcome {
    /// Added a row.
    New,
    /// Found the row of the same arrival, and counted a hit or added to what the row says.
    Repeat,
    /// Stored nothing: the visitor had [`DAILY_CAP`] touches in the last 24 hours.
    OverCap,
}

impl StoreOutcome {
    /// Returns a fixed word for a metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Repeat => "repeat",
            Self::OverCap => "over_cap",
        }
    }
}

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
}

/// Stores the first touch of a new visitor. No other request can have the visitor's id yet.
pub async fn store_first(db: &Db, touch: Touch, visitor: VisitorId, mode: StoreMode) -> Result<StoreOutcome, Error> {
    if mode == StoreMode::Again {
        return store(db, touch, visitor, mode).await;
    }
    let first = Insert { table: &VISITORS, values: vec![visitor.into(), touch.occurred_at.into()] };
    db.insert_within(Patience::SHORT, vec![first, touch.row(visitor)]).await?;
    Ok(StoreOutcome::New)
}

/// Stores a touch of a visitor who was here before.
pub async fn store(db: &Db, touch: Touch, visitor: VisitorId, mode: StoreMode) -> Result<StoreOutcome, Error> {
    // A touch that is not stored waits in a cookie, so the page need not wait for long.
    db.transaction_within(Patience::SHORT, move |conn| {
        Box::pin(async move {
            match mode {
                StoreMode::Now => store_now(conn, touch, visitor).await,
                StoreMode::Again => store_again(conn, touch, visitor).await,
                StoreMode::Beacon { seen } => store_beacon(conn, touch, visitor, seen).await,
            }
        })
    })
    .await
}

/// Stores a touch that an earlier request may have stored. If so, no browser knows the visitor of the earlier request. The touch
/// then moves to this visitor, unless the earlier visitor is linked to a user.
async fn store_again(conn: &mut Conn, touch: Touch, visitor: VisitorId) -> Result<StoreOutcome, Error> {
    let owner: Option<(VisitorId, bool)> = sql("select v.id, v.user_id is not null from touches t
        join visitors v on v.id = t.visitor_id where t.id = $1")
    .bind(touch.id)
    .fetch_optional(conn)
    .await?;
    match owner {
        None => return store_now(conn, touch, visitor).await,
        Some((owner, linked)) if owner != visitor && !linked => {
            ensure(conn, visitor, touch.occurred_at).await?;
            sql("update touches set visitor_id = $2 where id = $1
                and visitor_id in (select id from visitors where user_id is null)")
            .bind(touch.id)
            .bind(visitor)
            .execute(conn)
            .await?;
        }
        Some(_) => {}
    }
    Ok(StoreOutcome::Repeat)
}

/// Adds the visitor's row if it is missing. Retention or a restored backup may have removed the row while the browser still has
/// the session.
async fn ensure(conn: &mut Conn, visitor: VisitorId, seen: Timestamp) -> Result<(), Error> {
    sql("insert into visitors (id, first_seen_at) values ($1, $2) on conflict (id) do nothing")
        .bind(visitor)
        .bind(seen)
        .execute(conn)
        .await
        .map(|_| ())
}

async fn store_now(conn: &mut Conn, touch: Touch, visitor: VisitorId) -> Result<StoreOutcome, Error> {
    lock(conn, &touch, visitor).await?;
    if let Some(known) = same_arrival(conn, &touch, visitor, touch.fingerprint).await? {
        sql("update touches set hits = hits + 1 where id = $1").bind(known).execute(conn).await?;
        return Ok(StoreOutcome::Repeat);
    }
    match touch.origin {
        // A redirect dropped the query, or a seeding handler led to this page. In both cases the browser sends the referrer of
        // the first page.
        TouchOrigin::Referrer => {
            if let Some(known) = linked_from(conn, &touch, visitor, Redirected::Here).await? {
                sql("update touches set hits = hits + 1 where id = $1").bind(known).execute(conn).await?;
                return Ok(StoreOutcome::Repeat);
            }
        }
        // The request was stored as an arrival before its handler seeded a lead source.
        TouchOrigin::Seeded => {
            if let Some(known) = linked_from(conn, &touch, visitor, Redirected::No).await? {
                return enrich(conn, known, touch).await;
            }
        }
        TouchOrigin::Link | TouchOrigin::Import => {}
    }
    add(conn, touch, visitor).await
}

async fn store_beacon(
    conn: &mut Conn,
    touch: Touch,
    visitor: VisitorId,
    seen: Option<i64>,
) -> Result<StoreOutcome, Error> {
    lock(conn, &touch, visitor).await?;
    if same_arrival(conn, &touch, visitor, touch.fingerprint).await?.is_some() {
        return Ok(StoreOutcome::Repeat);
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

/// Locks the visitor's row, at all replicas. If two equal arrivals come at once, the second waits and finds the touch of the
/// first.
async fn lock(conn: &mut Conn, touch: &Touch, visitor: VisitorId) -> Result<(), Error> {
    ensure(conn, visitor, touch.occurred_at).await?;
    let lock = format!("select id from visitors where id = $1{}", conn.for_update());
    sql(lock).bind(visitor).execute(conn).await.map(|_| ())
}

/// Finds the visitor's latest touch with the fingerprint within [`REPEAT_WINDOW`].
async fn same_arrival(
    conn: &mut Conn,
    touch: &Touch,
    visitor: VisitorId,
    fingerprint: i64,
) -> Result<Option<TouchId>, Error> {
    let found: Option<(TouchId,)> =
        sql("select id from touches where visitor_id = $1 and fingerprint = $2 and occurred_at > $3
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
enum Redirected {
    /// Finds only a touch with the same path, which comes from a referrer alone.
    No,
    /// Finds a touch with any path.
    Here,
}

/// Finds the visitor's latest touch with the same referrer within [`REPEAT_WINDOW`].
async fn linked_from(
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

/// Adds to a stored touch what was not known before. The touch's time, path and referrer stay.
async fn enrich(conn: &mut Conn, known: TouchId, touch: Touch) -> Result<StoreOutcome, Error> {
    sql(format!(
        "update touches set channel = $2, click_ids = $3, tags = $4, derived = $5, fingerprint = $6, origin = $7,
            rules_version = $8, {}
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
    .bind_all(utm_values(touch.utm))
    .execute(conn)
    .await?;
    Ok(StoreOutcome::Repeat)
}

async fn add(conn: &mut Conn, touch: Touch, visitor: VisitorId) -> Result<StoreOutcome, Error> {
    let today: i64 = sql("select count(*) from touches where visitor_id = $1 and occurred_at > $2")
        .bind(visitor)
        .bind(touch.occurred_at - DAY)
        .fetch_scalar(conn)
        .await?;
    if today >= DAILY_CAP {
        return Ok(StoreOutcome::OverCap);
    }
    touch.row(visitor).execute(conn).await?;
    Ok(StoreOutcome::New)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attribution::signal::{custom_tags::CustomTags, parse},
        db::testing::each_database,
        timestamp::MILLISECOND,
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
                assert_eq!(answer.expect("stored"), StoreOutcome::Repeat);
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
                .filter(|answer| matches!(answer, Ok(StoreOutcome::New)));
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
            assert_eq!(
                store(&db, touch("utm_source=a", now + REPEAT_WINDOW - MILLISECOND), visitor, StoreMode::Now)
                    .await
                    .expect("stored"),
                StoreOutcome::Repeat
            );
            assert_eq!(
                store(&db, touch("utm_source=a", now + REPEAT_WINDOW), visitor, StoreMode::Now).await.expect("stored"),
                StoreOutcome::New
            );
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
