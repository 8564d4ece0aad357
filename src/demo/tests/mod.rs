/// Sample data of a size that is asked for.
mod large;
/// The people, without a database.
mod people;

use std::{
    collections::{BTreeSet, HashSet},
    sync::Mutex,
};

use super::{fill::fill_until, people::People, *};
use crate::{
    attribution::{
        conversion::sign_up_conversion,
        signal::{custom_tags::CustomTags, parse},
        touch::{
            Touch,
            store::{StoreMode, store_first},
        },
    },
    db::{Db, FromEitherRow, sql, testing::each_database},
    id::{ConversionId, TouchId, UserId, VisitorId},
    timestamp::{DAY, MILLISECOND, Timestamp, whole_days},
    visitor::link,
};

/// 2026-11-23T15:30:00Z
const NOW: Timestamp = Timestamp::from_millis(1_795_447_800_000);
/// The first moment of the day of [`NOW`].
const TODAY: Timestamp = Timestamp::from_millis(NOW.as_millis() - NOW.as_millis() % 86_400_000);

/// Returns the number of whole days from the epoch to a moment.
fn day_of(at: Timestamp) -> i64 {
    whole_days(at - Timestamp::EPOCH)
}

fn small() -> Demo {
    Demo { users: 60, ..Demo::default() }
}

async fn filled(db: &Db, demo: &Demo) -> DemoSummary {
    fill_until(db, demo, NOW, |_, _| ()).await.expect("sample data")
}

async fn count(db: &Db, from: &'static str) -> u64 {
    let mut conn = db.read().await.expect("a connection");
    let count: i64 = sql(format!("select count(*) from {from}")).fetch_scalar(&mut conn).await.expect("a count");
    count as u64
}

async fn rows<T: FromEitherRow>(db: &Db, text: &'static str) -> Vec<T> {
    let mut conn = db.read().await.expect("a connection");
    sql(text).fetch_all(&mut conn).await.expect("rows")
}

async fn add_user(db: &Db, email: &'static str, role: &'static str) -> UserId {
    let id = UserId::new();
    db.execute(
        sql("insert into users (id, email, email_lower, password_hash, role, created_at)
            values ($1, $2, $2, '', $3, 1)")
        .bind(id)
        .bind(email)
        .bind(role),
    )
    .await
    .expect("a user");
    id
}

/// Adds a touch of a new visitor, and links the visitor to the user.
async fn add_lead(db: &Db, user: Option<UserId>) {
    let visitor = VisitorId::new();
    let signals = parse("utm_source=real", &CustomTags::default());
    let touch = Touch::of_link(signals, "/", NOW);
    store_first(db, touch, visitor, StoreMode::Now).await.expect("a touch");
    if let Some(user) = user {
        db.transaction(move |conn| Box::pin(link(conn, Some(visitor), user, NOW))).await.expect("a link");
    }
}

/// Returns all stored rows as text.
async fn everything(db: &Db) -> Vec<String> {
    type Touched = (
        TouchId,
        VisitorId,
        i64,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        String,
        String,
        i64,
        i64,
    );
    let touches: Vec<Touched> = rows(
        db,
        "select id, visitor_id, occurred_at, source, medium, campaign, term, click_ids,
        landing_path, hits, fingerprint from touches order by id",
    )
    .await;
    let visitors: Vec<(VisitorId, Option<UserId>, i64, Option<i64>)> =
        rows(db, "select id, user_id, first_seen_at, linked_at from visitors order by id").await;
    let users: Vec<(UserId, String, i64)> = rows(db, "select id, email, created_at from users order by id").await;
    let tokens: Vec<(String, Option<UserId>, i64)> =
        rows(db, "select token, owner_id, created_at from referral_tokens order by token").await;
    let referrals: Vec<(UserId, String, i64)> =
        rows(db, "select referee_id, token, created_at from referrals order by referee_id").await;
    type Converted = (ConversionId, UserId, String, i64, Option<String>, i64, String, String, Option<ConversionId>);
    let conversions: Vec<Converted> = rows(
        db,
        "select id, user_id, kind, value, currency, occurred_at, source, external_id, refund_of from conversions
        order by id",
    )
    .await;
    let mut all: Vec<String> = touches.iter().map(|row| format!("{row:?}")).collect();
    all.extend(visitors.iter().map(|row| format!("{row:?}")));
    all.extend(users.iter().map(|row| format!("{row:?}")));
    all.extend(tokens.iter().map(|row| format!("{row:?}")));
    all.extend(referrals.iter().map(|row| format!("{row:?}")));
    all.extend(conversions.iter().map(|row| format!("{row:?}")));
    all
}

#[tokio::test]
async fn the_same_seed_makes_the_same_rows_on_each_database() {
    let seen: Mutex<Vec<Vec<String>>> = Mutex::default();
    each_database(async |db| {
        filled(&db, &small()).await;
        let one = everything(&db).await;
        filled(&db, &Demo { seed: 2, replace: true, ..small() }).await;
        assert_ne!(everything(&db).await, one);
        filled(&db, &Demo { replace: true, ..small() }).await;
        let again = everything(&db).await;
        assert!(again == one, "filled again, it differs");
        seen.lock().expect("no panic before").push(one);
    })
    .await;
    let seen = seen.into_inner().expect("no panic before");
    assert!(seen[0].len() > 1000 && seen[0] == seen[1], "the databases differ");
}

#[tokio::test]
async fn later_on_the_same_day_there_is_more_of_today() {
    each_database(async |db| {
        // enough users for arrivals on every day
        let demo = Demo { users: 100, days: 5, ..Demo::default() };
        fill_until(&db, &demo, TODAY, |_, _| ()).await.expect("sample data");
        let last: Vec<(Timestamp,)> =
            rows(&db, "select max(occurred_at) from touches union all select max(first_seen_at) from visitors").await;
        assert!(last.iter().all(|(at,)| *at < TODAY), "{last:?}");
        let early: BTreeSet<String> = everything(&db).await.into_iter().collect();
        fill_until(&db, &Demo { replace: true, ..demo }, TODAY + DAY - MILLISECOND, |_, _| ())
            .await
            .expect("sample data");
        let late: BTreeSet<String> = everything(&db).await.into_iter().collect();
        assert!(early.is_subset(&late) && early.len() < late.len());
        assert_eq!(count(&db, "users").await, 100);
    })
    .await;
}

#[tokio::test]
async fn real_data_is_refused_and_an_admin_is_none() {
    each_database(async |db| {
        let admin = add_user(&db, "admin@example.com", "admin").await;
        // an admin's browser without touches
        db.transaction(move |conn| Box::pin(link(conn, None, admin, NOW))).await.expect("a link");
        filled(&db, &small()).await;
        assert!(matches!(fill(&db, &small(), |_, _| ()).await, Err(DemoError::AlreadyFilled)));
        remove(&db).await.expect("removed");

        add_lead(&db, None).await;
        let refused = fill(&db, &small(), |_, _| ()).await;
        assert!(matches!(refused, Err(DemoError::RealData { users: 0, touches: 1 })), "{refused:?}");
        // an address that a sample user of this seed has
        let taken = People::new(&small(), NOW, HashSet::new()).find_map(|person| person.user).expect("a user").email;
        add_user(&db, taken.leak(), "member").await;
        let refused = fill(&db, &Demo { replace: true, ..small() }, |_, _| ()).await;
        assert!(matches!(refused, Err(DemoError::RealData { users: 1, touches: 1 })), "{refused:?}");
        assert_eq!(count(&db, "users where sample").await, 0);

        let mixed = filled(&db, &Demo { mix: true, ..small() }).await;
        assert_eq!(mixed.users, 60);
        assert_eq!(count(&db, "users").await, 62);
    })
    .await;
}

#[tokio::test]
async fn a_removal_leaves_what_is_real_and_nothing_else() {
    each_database(async |db| {
        let admin = add_user(&db, "admin@waymark.example", "admin").await;
        let member = add_user(&db, "member@waymark.example", "member").await;
        add_lead(&db, Some(admin)).await;
        add_lead(&db, Some(member)).await;
        add_lead(&db, None).await;
        crate::attribution::referral::token::own_token(&db, "", member).await.expect("a token");
        db.transaction(move |conn| Box::pin(sign_up_conversion(conn, member, NOW))).await.expect("a conversion");
        let real = everything(&db).await;

        // more visitors than one transaction removes
        let demo = Demo { users: 130, mix: true, ..Demo::default() };
        let added = filled(&db, &demo).await;
        assert!(added.visitors > remove::PAGE as u64 && added.referrals > 0);
        let removed = remove(&db).await.expect("removed");
        assert_eq!(removed, added);
        assert_eq!(everything(&db).await, real);
        assert_eq!(remove(&db).await.expect("nothing to remove"), DemoSummary::default());
    })
    .await;
}

#[tokio::test]
async fn a_fill_that_another_overtakes_is_told_so() {
    each_database(async |db| {
        let demo = small();
        let both = tokio::join!(fill_until(&db, &demo, NOW, |_, _| ()), fill_until(&db, &demo, NOW, |_, _| ()),);
        let (one, other) = match both {
            (Ok(summary), Err(error)) | (Err(error), Ok(summary)) => (summary, error),
            both => panic!("{both:?}"),
        };
        assert!(matches!(other, DemoError::AlreadyFilled), "{other:?}");
        assert_eq!(count(&db, "touches").await, one.touches);
    })
    .await;
}

#[tokio::test]
async fn the_counts_are_what_is_stored_and_progress_ends() {
    each_database(async |db| {
        let mut heard = Vec::new();
        let summary =
            fill_until(&db, &Demo::default(), NOW, |done, total| heard.push((done, total))).await.expect("sample data");
        let stored = DemoSummary {
            users: count(&db, "users where sample and password_hash = '!'").await,
            visitors: count(&db, "visitors where sample").await,
            touches: count(&db, "touches").await,
            referrals: count(&db, "referrals").await,
            conversions: count(&db, "conversions where sample").await,
        };
        assert_eq!(summary, stored);
        assert_eq!(summary.users, 400);
        assert!((4700..=4800).contains(&summary.visitors) && (7500..=9500).contains(&summary.touches), "{summary:?}");
        assert!((15..=80).contains(&summary.referrals), "{summary:?}");
        assert_eq!(count(&db, "conversions where kind = 'signup' and id = user_id").await, 400);
        assert!(heard.is_sorted() && heard.len() > 2 && heard.last() == Some(&(4800, 4800)), "{heard:?}");
    })
    .await;
}
