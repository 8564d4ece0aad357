use std::time::Duration;

use super::{Arrival, DAY, THEN, count, person, run, touch, visitor};
use crate::{
    audit::{Action, Actor, Entry},
    db::{Db, Dialect, sql, testing::each_database},
    id::VisitorId,
    jobs::lease::Lease,
    privacy::retention::{PurgeSummary, Retention, purge, purge_if_due},
    timestamp::{MILLISECOND, Timestamp},
};

const NOW: Timestamp = THEN;

/// Keeps 90 and 760 days. The batches are small, so that a round has several.
fn retention() -> Retention {
    Retention {
        unlinked: Some(Duration::from_secs(90 * 86_400)),
        linked: Some(Duration::from_secs(760 * 86_400)),
        audit: Some(Duration::from_secs(365 * 86_400)),
        batch: 3,
        pause: Duration::ZERO,
    }
}

async fn arrive(db: &Db, visitor: VisitorId, at: Timestamp, campaign: &str) {
    touch(db, visitor, Arrival { at, campaign, ..Arrival::default() }).await;
}

#[tokio::test]
async fn what_was_kept_long_enough_goes_and_nothing_else() {
    each_database(async |db| {
        // More touches of the same moment than fit into a batch.
        for n in 0..8 {
            let stranger = visitor(&db, NOW - 100 * DAY).await;
            arrive(&db, stranger, NOW - 90 * DAY - (1 + n % 2) * MILLISECOND, "old").await;
        }
        let returning = visitor(&db, NOW - 100 * DAY).await;
        arrive(&db, returning, NOW - 91 * DAY, "old").await;
        arrive(&db, returning, NOW - 90 * DAY, "kept").await;
        // a visitor whose deferred touch is older than the visitor
        arrive(&db, visitor(&db, NOW).await, NOW - 92 * DAY, "old").await;
        let member = person(&db, "a@example.com").await;
        arrive(&db, member.visitor, NOW - 760 * DAY - MILLISECOND, "old").await;
        arrive(&db, member.visitor, NOW - 760 * DAY, "kept").await;
        arrive(&db, member.visitor, NOW - 91 * DAY, "kept").await;
        let agreed = visitor(&db, NOW - 200 * DAY).await;
        for (visitor, at) in [(agreed, NOW - 10 * DAY), (visitor(&db, NOW - 200 * DAY).await, NOW - 199 * DAY)] {
            let consent =
                sql("insert into consents (visitor_id, decided_at, granted, wording) values ($1, $2, true, '1')");
            run(&db, consent.bind(visitor).bind(at)).await;
        }
        let sample = visitor(&db, NOW - 900 * DAY).await;
        run(&db, sql("update visitors set sample = true where id = $1").bind(sample)).await;
        arrive(&db, sample, NOW - 900 * DAY, "kept").await;

        for at in [NOW - 365 * DAY - MILLISECOND, NOW - 365 * DAY] {
            let entry = Entry::new(Action::SignIn, &Actor::command_line());
            db.transaction(move |conn| Box::pin(entry.write(conn, at))).await.expect("written");
        }

        let summary = purge(&db, retention(), NOW).await.expect("answered").expect("nobody else is at it");
        let removed =
            PurgeSummary { unlinked_touches: 10, linked_touches: 1, visitors: 9, audit_entries: 1, failed: 0 };
        assert_eq!(summary, removed);
        assert_eq!(count(&db, "select count(*) from audit_entries").await, 1);
        assert_eq!(count(&db, "select count(*) from touches where campaign = 'old'").await, 0);
        assert_eq!(count(&db, "select count(*) from touches where campaign = 'kept'").await, 4);
        assert_eq!(count(&db, "select count(*) from consents").await, 1);
        // left are the visitors who returned, had a deferred touch, belong to the member or the sample, or agreed lately
        assert_eq!(count(&db, "select count(*) from visitors").await, 5);
        let again = purge(&db, retention(), NOW).await.expect("answered").expect("the lease is back");
        assert_eq!(again, PurgeSummary::default());
        assert!(purge_if_due(&db, retention()).await.expect("answered").is_none(), "done a moment ago");
    })
    .await;
}

#[tokio::test]
async fn never_keeps_everything() {
    each_database(async |db| {
        arrive(&db, visitor(&db, Timestamp::EPOCH + MILLISECOND).await, Timestamp::EPOCH + MILLISECOND, "old").await;
        let member = person(&db, "a@example.com").await;
        arrive(&db, member.visitor, Timestamp::EPOCH + MILLISECOND, "old").await;
        let never = Retention { unlinked: None, linked: None, audit: None, ..retention() };
        assert_eq!(purge(&db, never, NOW).await.expect("answered"), Some(PurgeSummary::default()));
        assert_eq!(count(&db, "select count(*) from touches").await, 2);
    })
    .await;
}

#[tokio::test]
async fn two_at_once_are_one_and_do_it_all() {
    each_database(async |db| {
        for n in 0..20 {
            arrive(&db, visitor(&db, NOW - 200 * DAY).await, NOW - 100 * DAY + n * MILLISECOND, "old").await;
        }
        let slowly = Retention { pause: Duration::from_millis(5), ..retention() };
        let rounds = futures::future::join_all((0..4).map(|_| purge(&db, slowly, NOW))).await;
        let done: Vec<PurgeSummary> = rounds.into_iter().filter_map(|round| round.expect("answered")).collect();
        // a purge that begins after the first one has ended finds nothing
        assert_eq!(done.iter().map(|summary| summary.unlinked_touches).sum::<u64>(), 20);
        assert_eq!(done.iter().filter(|summary| **summary != PurgeSummary::default()).count(), 1, "{done:?}");
        let other = Lease::take(&db, "retention", Duration::from_secs(60)).await.expect("answered").expect("free");
        assert_eq!(purge(&db, slowly, NOW).await.expect("answered"), None);
        other.leave(&db).await.expect("given back");
    })
    .await;
}

#[tokio::test]
async fn a_batch_that_fails_does_not_keep_the_rest_and_is_tried_again() {
    each_database(async |db| {
        for n in 0..9 {
            let campaign = if n == 4 { "poison" } else { "old" };
            arrive(&db, visitor(&db, NOW - 10 * DAY).await, NOW - 100 * DAY + n * MILLISECOND, campaign).await;
        }
        let (make, unmake): (&[&'static str], &'static str) = match db.dialect() {
            Dialect::Sqlite => (
                &["create trigger refuse before delete on touches when old.campaign = 'poison'
                   begin select raise(abort, 'on purpose'); end"],
                "drop trigger refuse",
            ),
            Dialect::Postgres => (
                &[
                    "create function refuse() returns trigger language plpgsql as
                     $$ begin if old.campaign = 'poison' then raise exception 'on purpose'; end if; return old; end $$",
                    "create trigger refuse before delete on touches for each row execute function refuse()",
                ],
                "drop trigger refuse on touches",
            ),
        };
        for text in make {
            run(&db, sql(*text)).await;
        }
        let summary = purge(&db, retention(), NOW).await.expect("answered").expect("nobody else is at it");
        assert_eq!((summary.unlinked_touches, summary.failed), (6, 1));
        assert!(summary.to_string().contains("1 batches could not be removed"), "{summary}");
        run(&db, sql(unmake)).await;
        // a round with failures is due again at once, not after an hour
        let next = purge_if_due(&db, Retention { unlinked: retention().unlinked, ..retention() }).await;
        assert!(next.expect("answered").is_some());
        assert_eq!(count(&db, "select count(*) from touches").await, 0);
    })
    .await;
}
