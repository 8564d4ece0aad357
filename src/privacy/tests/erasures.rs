//! The job that finishes erasures: one pass for several, stopped and begun again, with new rows meanwhile.

use std::{sync::Mutex, time::Duration};

use super::{
    Arrival, Person, THEN, conversion, count, erase, person, run, run_all, session, touch, touch_row, visitor,
};
use crate::{
    audit::Actor,
    db::{Db, sql, testing::each_database},
    id::{TouchId, VisitorId},
    jobs::lease::Lease,
    privacy::{
        erase::{
            begin,
            confirmation::{self, KEPT, status},
            waiting, work,
        },
        file_wipe,
    },
    timestamp::MILLISECOND,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Adds touches of another visitor: more than the job looks at between two of its notes.
async fn many(db: &Db, touches: u32) -> VisitorId {
    let stranger = visitor(db, THEN).await;
    for chunk in (0..touches).collect::<Vec<_>>().chunks(500) {
        let row = |n| touch_row(TouchId::new(), stranger, Arrival { at: THEN - n * MILLISECOND, ..Arrival::default() });
        run_all(db, chunk.iter().map(|n| row(*n)).collect()).await;
    }
    stranger
}

/// Adds members whose addresses stand in links that others opened.
async fn members(db: &Db, count: usize) -> Vec<Person> {
    let mut members = Vec::new();
    let friend = visitor(db, THEN).await;
    for n in 0..count {
        let email = format!("member.{n}@example.com");
        let member = person(db, &email).await;
        session(db, member.user).await;
        let mine = format!("only-{n}");
        touch(db, member.visitor, Arrival { term: &mine, content: &email, ..Arrival::default() }).await;
        touch(db, friend, Arrival { content: &email, ..Arrival::default() }).await;
        conversion(db, member.user, &format!("order-of-{email}"), 100, None).await;
        members.push(member);
    }
    members
}

const LEFT: &str = "select
    (select count(*) from touches where content like '%@%' or term like 'only-%' or landing_path like '%@%') +
    (select count(*) from conversions where external_id like '%@%') +
    (select count(*) from users where email like '%@%') +
    (select count(*) from tower_sessions) + (select count(*) from erasures where task is not null)";

#[tokio::test]
async fn the_request_closes_the_account_and_the_job_does_the_rest() {
    each_database(async |db| {
        let members = members(&db, 1).await;
        let token = begin(&db, members[0].user, &Actor::command_line()).await.expect("begun");
        let token = token.as_str();
        assert_eq!(count(&db, "select count(*) from users where email like '%@%'").await, 0);
        assert_eq!(count(&db, "select count(*) from tower_sessions").await, 0);
        // the link that a friend opened, and the term that only the member has
        assert_eq!(count(&db, "select count(*) from touches where content like '%@%'").await, 1);
        assert_eq!(count(&db, "select count(*) from touches where term like 'only-%'").await, 1);
        let stored: String = sql("select task from erasures")
            .fetch_scalar(&mut db.read().await.expect("a connection"))
            .await
            .expect("a task");
        assert!(!stored.contains("member.0") && !stored.contains("example"), "{stored}");
        let begun = status(&db, token).await.expect("answered").expect("known");
        assert_eq!((begun.rows_cleaned_at, begun.files_cleaned_at), (None, None));
        assert!(
            !file_wipe::clear(&db, Duration::ZERO).await.expect("answered")
                || waiting(&db).await.expect("answered") == 1
        );

        assert!(work(&db, PATIENCE, |_| {}).await.expect("worked"));
        assert_eq!(count(&db, LEFT).await, 0);
        let cleaned = status(&db, token).await.expect("answered").expect("known");
        assert!(cleaned.rows_cleaned_at.is_some() && cleaned.files_cleaned_at.is_none());
        assert!(file_wipe::clear(&db, PATIENCE).await.expect("cleared"));
        assert!(status(&db, token).await.expect("answered").expect("known").files_cleaned_at.is_some());
        for unknown in ["", "0123456789012345678901", &token.to_uppercase()] {
            assert_eq!(status(&db, unknown).await.expect("answered"), None, "{unknown}");
        }
        confirmation::delete_old(&db).await.expect("deleted");
        assert_eq!(count(&db, "select count(*) from erasures").await, 1, "it is kept for a while");
        run(&db, sql("update erasures set files_cleaned_at = $1").bind(db.now() - KEPT - MILLISECOND)).await;
        confirmation::delete_old(&db).await.expect("deleted");
        assert_eq!(count(&db, "select count(*) from erasures").await, 0);
    })
    .await;
}

#[tokio::test]
async fn five_at_once_share_a_pass() {
    each_database(async |db| {
        many(&db, 2500).await;
        let members = members(&db, 5).await;
        let looked = Mutex::new(Vec::new());
        let note = |looked_at| looked.lock().expect("a lock").push(looked_at);
        let begun = futures::future::join_all(
            members.iter().map(async |member| begin(&db, member.user, &Actor::command_line()).await),
        )
        .await;
        assert!(begun.iter().all(Result::is_ok));
        let works = futures::future::join_all((0..5).map(|_| work(&db, PATIENCE, &note))).await;
        assert!(works.iter().all(|done| matches!(done, Ok(true))), "{works:?}");
        assert_eq!(count(&db, LEFT).await, 0);
        assert_eq!(
            count(&db, "select count(*) from touches where term = 'shoes'").await,
            2505,
            "others keep their values"
        );
        // all touches, and those of the last days once more, which here are all
        let most = looked.lock().expect("a lock").iter().max().copied();
        assert_eq!(most, Some(2 * 2510), "each touch twice, for all five together");
    })
    .await;
}

#[tokio::test]
async fn a_process_that_dies_leaves_the_rest_to_the_next() {
    each_database(async |db| {
        let member = members(&db, 1).await[0];
        // shared with a touch that the first process sees, and the second does not
        touch(&db, member.visitor, Arrival { landing_path: "/seen-early", ..Arrival::default() }).await;
        let stranger = visitor(&db, THEN).await;
        touch(&db, stranger, Arrival { landing_path: "/seen-early", ..Arrival::default() }).await;
        // so old that the second look does not reach these touches
        run(
            &db,
            sql("update touches set id = $1 where landing_path = '/seen-early' and visitor_id = $2")
                .bind(uuid::Uuid::from_u128(1))
                .bind(stranger),
        )
        .await;
        many(&db, 8_000).await;
        begin(&db, member.user, &Actor::command_line()).await.expect("begun");
        let died = async {
            // The progress is reported before the page's writes. After 7 pages the pass has noted 5.
            let (send, mut reached) = tokio::sync::mpsc::unbounded_channel();
            let job = tokio::spawn({
                let db = db.clone();
                async move {
                    work(&db, PATIENCE, move |looked_at| {
                        let _ = send.send(looked_at);
                    })
                    .await
                }
            });
            while reached.recv().await.is_some_and(|looked_at| looked_at < 7_000) {}
            job.abort();
            let _ = job.await;
        };
        died.await;
        assert_eq!(waiting(&db).await.expect("answered"), 1);
        assert!(!work(&db, Duration::ZERO, |_| {}).await.expect("answered"), "the lease of the dead process holds");
        run(&db, sql("update jobs set leased_until = 0")).await;
        let looked = Mutex::new(Vec::new());
        assert!(work(&db, PATIENCE, |looked_at| looked.lock().expect("a lock").push(looked_at)).await.expect("worked"));
        let most = looked.lock().expect("a lock").iter().max().copied().unwrap_or_default();
        assert!(most < 8_000 + 4_000, "it goes on where the other stopped: {most}");
        assert_eq!(count(&db, LEFT).await, 0);
        assert_eq!(count(&db, "select count(*) from touches where landing_path = '/seen-early'").await, 2);
    })
    .await;
}

#[tokio::test]
async fn what_arrives_during_the_pass_is_seen() {
    each_database(async |db| {
        let member = members(&db, 1).await[0];
        many(&db, 6000).await;
        begin(&db, member.user, &Actor::command_line()).await.expect("begun");
        let (send, mut reached) = tokio::sync::mpsc::unbounded_channel();
        let job = tokio::spawn({
            let db = db.clone();
            async move {
                work(&db, PATIENCE, move |looked_at| {
                    let _ = send.send(looked_at);
                })
                .await
            }
        });
        reached.recv().await.expect("a page");
        // before the place of the pass: a touch that waited in a cookie for two days
        let (stranger, waited) = (visitor(&db, THEN).await, db.now() - Duration::from_hours(48));
        let id = crate::random::Random::new(1).id(waited);
        run(&db, touch_row(id, stranger, Arrival { content: "member.0@example.com", ..Arrival::default() })).await;
        assert!(job.await.expect("no panic").expect("worked"));
        assert_eq!(count(&db, LEFT).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_lost_its_lease_changes_nothing_more() {
    each_database(async |db| {
        let member = members(&db, 1).await[0];
        many(&db, 6000).await;
        begin(&db, member.user, &Actor::command_line()).await.expect("begun");
        let (send, mut reached) = tokio::sync::mpsc::unbounded_channel();
        let job = tokio::spawn({
            let db = db.clone();
            async move {
                work(&db, Duration::ZERO, move |looked_at| {
                    let _ = send.send(looked_at);
                })
                .await
            }
        });
        reached.recv().await.expect("a page");
        // The job renews its lease with each transaction, so the other process may come too late.
        let other = loop {
            run(&db, sql("update jobs set leased_until = 0")).await;
            if let Some(lease) = Lease::take(&db, "erase", PATIENCE).await.expect("answered") {
                break lease;
            }
        };
        assert!(!job.await.expect("no panic").expect("answered"), "the other process has it");
        assert_eq!(waiting(&db).await.expect("answered"), 1);
        other.leave(&db).await.expect("given back");
        erase(&db, member.user).await.expect("erased");
        assert_eq!(count(&db, LEFT).await, 0);
    })
    .await;
}
