use super::*;
use crate::{
    attribution::{
        signal::{Signals, Utm, custom_tags::CustomTags, parse, referrer::Referrer},
        touch::{Landing, store},
    },
    db::testing::each_database,
    timestamp::{MILLISECOND, Timestamp},
};
use store::{StoreMode, store_first};

fn touch(query: &str, at: Timestamp) -> Touch {
    Touch::of_link(parse(query, &CustomTags::default()), "/", at)
}

fn from_page(page: &str, at: Timestamp) -> Touch {
    let utm = Utm { source: Some("blog.example".into()), medium: Some("referral".into()), ..Utm::default() };
    let (signals, referrer) = (Signals { utm, ..Signals::default() }, Referrer::parse(page));
    let landing = Landing { signals, path: "/".into(), referrer, origin: TouchOrigin::Referrer, internal: false };
    Touch::new(landing, at, &Default::default())
}

/// Returns a visitor who came once before.
async fn visitor(db: &Db) -> VisitorId {
    let visitor = VisitorId::new();
    let first = touch("utm_source=first", db.now() - DAY);
    store_first(db, first, visitor, StoreMode::Now).await.expect("stored");
    visitor
}

/// Returns what is stored of a visitor: the sources with their hits.
async fn stored(db: &Db, visitor: VisitorId) -> Vec<(String, i64)> {
    let mut conn = db.read().await.expect("a connection");
    sql("select source, hits from touches where visitor_id = $1 order by occurred_at, source")
        .bind(visitor)
        .fetch_all(&mut conn)
        .await
        .expect("rows")
}

#[tokio::test]
async fn a_group_stores_what_its_touches_would_be_stored_as_alone() {
    each_database(async |db| {
        let known = KnownVisitors::default();
        let now = db.now();
        let arrivals = |n: u32| {
            let at = now + n * MILLISECOND;
            match n % 6 {
                0 | 1 => touch("utm_source=a", at),
                2 => from_page("https://blog.example/post", at),
                3 => touch("utm_source=b&gclid=x", at),
                4 => from_page("https://blog.example/post", at),
                _ => touch(&format!("utm_source=c{}", n / 12), at),
            }
        };
        let (mut together, mut alone) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            together.push(visitor(&db).await);
            alone.push(visitor(&db).await);
        }
        let mut tasks = Vec::new();
        for visitor in together.clone() {
            let (known, db) = (known.clone(), db.clone());
            tasks.push(async move {
                for n in 0..30 {
                    let outcome = known.store(&db, arrivals(n), visitor).await.expect("stored");
                    assert!(outcome.is_some(), "nobody else locks the visitor");
                }
            });
        }
        futures::future::join_all(tasks).await;
        for visitor in &alone {
            for n in 0..30 {
                store::store(&db, arrivals(n), *visitor, StoreMode::Now).await.expect("stored");
            }
        }
        let expected = stored(&db, alone[0]).await;
        assert!(expected.len() > 4 && expected.iter().any(|(_, hits)| *hits > 1), "{expected:?}");
        for visitor in together.into_iter().chain(alone) {
            assert_eq!(stored(&db, visitor).await, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn equal_arrivals_in_one_group_are_one_touch_with_all_hits() {
    each_database(async |db| {
        let (known, visitor, now) = (KnownVisitors::default(), visitor(&db).await, db.now());
        let at_once = (0..20).map(|n| known.store(&db, touch("utm_source=a", now + n * MILLISECOND), visitor));
        let outcomes = futures::future::join_all(at_once).await;
        let new = outcomes.into_iter().filter(|outcome| matches!(outcome, Ok(Some(StoreOutcome::New(_)))));
        assert_eq!(new.count(), 1);
        assert_eq!(stored(&db, visitor).await, [("first".to_owned(), 1), ("a".to_owned(), 20)]);
    })
    .await;
}

#[tokio::test]
async fn the_fifty_first_touch_of_a_day_is_not_kept() {
    each_database(async |db| {
        let (known, visitor, now) = (KnownVisitors::default(), visitor(&db).await, db.now());
        let at_once = (0..60).map(|n| known.store(&db, touch(&format!("utm_source=s{n}"), now + MILLISECOND), visitor));
        let outcomes = futures::future::join_all(at_once).await;
        let over = outcomes.into_iter().filter(|outcome| matches!(outcome, Ok(Some(StoreOutcome::OverCap))));
        assert_eq!(over.count(), 10);
        assert_eq!(stored(&db, visitor).await.len() as i64, 1 + DAILY_CAP);
    })
    .await;
}

#[tokio::test]
async fn a_visitor_without_a_row_is_left_to_the_other_way() {
    each_database(async |db| {
        let known = KnownVisitors::default();
        let (with, without) = (visitor(&db).await, VisitorId::new());
        let (one, other) = tokio::join!(
            known.store(&db, touch("utm_source=a", db.now()), with),
            known.store(&db, touch("utm_source=a", db.now()), without),
        );
        assert!(matches!(one, Ok(Some(StoreOutcome::New(_)))), "{one:?}");
        assert!(matches!(other, Ok(None)), "{other:?}");
    })
    .await;
}

#[tokio::test]
async fn a_group_does_not_wait_for_a_visitor_whom_another_transaction_has_locked() {
    each_database(async |db| {
        if db.dialect() == crate::db::Dialect::Sqlite {
            // SQLite has one writer.
            return;
        }
        let (known, locked, free) = (KnownVisitors::default(), visitor(&db).await, visitor(&db).await);
        let (began, begin) = tokio::sync::oneshot::channel();
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let holder = db.transaction(move |conn| {
            Box::pin(async move {
                sql("select id from visitors where id = $1 for update").bind(locked).execute(conn).await?;
                began.send(()).expect("the test waits");
                ended.await.expect("the test ends it");
                Ok::<_, Error>(())
            })
        });
        let stored = async {
            begin.await.expect("locked");
            let outcomes = tokio::join!(
                known.store(&db, touch("utm_source=a", db.now()), locked),
                known.store(&db, touch("utm_source=a", db.now()), free),
            );
            end.send(()).expect("the holder waits");
            outcomes
        };
        let (held, (of_locked, of_free)) = tokio::join!(holder, stored);
        held.expect("the lock was held");
        assert!(matches!(of_locked, Ok(None)), "{of_locked:?}");
        assert!(matches!(of_free, Ok(Some(StoreOutcome::New(_)))), "{of_free:?}");
    })
    .await;
}
