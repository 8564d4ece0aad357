//! Tests of retention, export and erasure.

mod erase_user;
mod erasures;
mod export;
mod files;
mod retention;
mod search;

use std::time::Duration;

use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};

use crate::{
    audit::Actor,
    db::{Db, Error, Query, sql},
    id::{ConversionId, TouchId, UserId, VisitorId},
    privacy::erase::{self, EraseError},
    timestamp::{MILLISECOND, Timestamp},
};

pub use crate::timestamp::DAY;
/// 2026-11-01T12:00:00Z
pub const THEN: Timestamp = Timestamp::from_millis(1_793_534_400_000);

pub async fn run(db: &Db, query: Query) -> u64 {
    db.transaction(|conn| Box::pin(query.execute(conn))).await.expect("the statement is fine")
}

/// Runs all statements in one transaction.
pub async fn run_all(db: &Db, queries: Vec<Query>) {
    let all = db.transaction(|conn| {
        Box::pin(async move {
            for query in queries {
                query.execute(conn).await?;
            }
            Ok::<_, Error>(())
        })
    });
    all.await.expect("the statements are fine");
}

/// Erases a user to the end.
pub async fn erase(db: &Db, user: UserId) -> Result<(), EraseError> {
    let done = erase::erase(db, user, &Actor::command_line(), Duration::from_secs(60), |_| {}).await?;
    assert!(done, "another process works for a minute");
    Ok(())
}

pub async fn count(db: &Db, query: impl Into<std::borrow::Cow<'static, str>>) -> i64 {
    sql(query).fetch_scalar(&mut db.read().await.expect("a connection")).await.expect("a number")
}

/// A member and their visitor.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub user: UserId,
    pub visitor: VisitorId,
}

pub async fn person(db: &Db, email: &str) -> Person {
    let person = Person { user: UserId::new(), visitor: VisitorId::new() };
    run(
        db,
        sql("insert into users (id, email, email_lower, password_hash, created_at) values ($1, $2, $3, 'a-secret-hash', $4)")
            .bind(person.user)
            .bind(email)
            .bind(email.to_lowercase())
            .bind(THEN),
    )
    .await;
    run(
        db,
        sql("insert into visitors (id, user_id, first_seen_at, linked_at) values ($1, $2, $3, $4)")
            .bind(person.visitor)
            .bind(person.user)
            .bind(THEN - DAY)
            .bind(THEN),
    )
    .await;
    person
}

pub async fn visitor(db: &Db, first_seen_at: Timestamp) -> VisitorId {
    let id = VisitorId::new();
    run(db, sql("insert into visitors (id, first_seen_at) values ($1, $2)").bind(id).bind(first_seen_at)).await;
    id
}

/// The values that differ between the touches of these tests.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    pub at: Timestamp,
    pub campaign: &'a str,
    pub term: &'a str,
    pub content: &'a str,
    pub click_ids: &'a str,
    pub tags: &'a str,
    pub landing_path: &'a str,
    pub referrer: &'a str,
    pub fingerprint: i64,
}

impl Default for Arrival<'_> {
    fn default() -> Self {
        Self {
            at: THEN - DAY,
            campaign: "spring",
            term: "shoes",
            content: "banner",
            click_ids: "{}",
            tags: "{}",
            landing_path: "/pricing",
            referrer: "blog.example/",
            fingerprint: -4711,
        }
    }
}

pub async fn touch(db: &Db, visitor: VisitorId, arrival: Arrival<'_>) -> TouchId {
    let id = TouchId::new();
    run(db, touch_row(id, visitor, arrival)).await;
    id
}

pub fn touch_row(id: TouchId, visitor: VisitorId, arrival: Arrival<'_>) -> Query {
    sql("insert into touches (id, visitor_id, occurred_at, source, medium, campaign, term, content, utm_id,
                source_platform, creative_format, marketing_tactic, channel, click_ids, tags, landing_path, referrer,
                derived, internal, hits, fingerprint, origin, rules_version)
            values ($1, $2, $3, 'google', 'cpc', $4, $5, $6, 'id-1', 'platform', 'format', 'tactic', 'Paid Search', $7, $8, $9,
                $10, true, false, 3, $11, 'import', '7')")
        .bind(id)
        .bind(visitor)
        .bind(arrival.at)
        .bind(arrival.campaign)
        .bind(arrival.term)
        .bind(arrival.content)
        .bind(arrival.click_ids)
        .bind(arrival.tags)
        .bind(arrival.landing_path)
        .bind(arrival.referrer)
        .bind(arrival.fingerprint)
}

/// Adds a purchase, or a refund of one.
pub async fn conversion(
    db: &Db,
    user: UserId,
    external_id: &str,
    value: i64,
    refund_of: Option<ConversionId>,
) -> ConversionId {
    let id = ConversionId::new();
    run(
        db,
        sql("insert into conversions (id, user_id, kind, value, currency, occurred_at, recorded_at, source, external_id, refund_of)
            values ($1, $2, 'purchase', $3, 'EUR', $4, $5, 'checkout', $6, $7)")
        .bind(id)
        .bind(user)
        .bind(value)
        .bind(THEN + DAY + u32::from(refund_of.is_some()) * MILLISECOND)
        .bind(THEN + DAY + 9 * MILLISECOND)
        .bind(external_id)
        .bind(refund_of),
    )
    .await;
    id
}

pub async fn session(db: &Db, user: UserId) {
    let ends = OffsetDateTime::now_utc() + time::Duration::days(14);
    let data = [("waymark.signed_in".to_owned(), serde_json::json!({ "since": THEN, "seen": THEN + DAY }))];
    let record = Record { id: Id::default(), data: data.into(), expiry_date: ends };
    run(
        db,
        sql("insert into tower_sessions (id, data, expiry_date, user_id) values ($1, $2, $3, $4)")
            .bind(record.id.to_string())
            .bind(rmp_serde::to_vec(&record).expect("bytes"))
            .bind(ends)
            .bind(user),
    )
    .await;
}

pub async fn link(db: &Db, owner: UserId, token: &str) {
    run(
        db,
        sql(
            "insert into referral_tokens (token, owner_id, campaign, landing_path, created_at, expires_at, disabled_at)
            values ($1, $2, 'friends', '/welcome', $3, $4, $5)",
        )
        .bind(token)
        .bind(owner)
        .bind(THEN)
        .bind(THEN + 90 * DAY)
        .bind(THEN + 80 * DAY),
    )
    .await;
}

pub async fn referred(db: &Db, referee: UserId, token: &str) {
    run(
        db,
        sql("insert into referrals (referee_id, token, created_at) values ($1, $2, $3)")
            .bind(referee)
            .bind(token)
            .bind(THEN + 5 * MILLISECOND),
    )
    .await;
}
