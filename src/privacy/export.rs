//! Everything stored about a user, as one document: the data to which GDPR's articles 15 and 20 give a right.
//!
//! Field names are stable. Times are RFC 3339, UTC. The document leaves out secrets (the password's hash, session ids) and other
//! people. About the users that a referral link brought, the document tells only when each user signed up. A test compares the
//! document with the schema, column by column.

use std::{borrow::Cow, collections::HashMap};

use serde::Serialize;
use sqlx::FromRow;
use time::OffsetDateTime;
use tower_sessions::session::Record;

use super::exported_time::ExportedTime;
use crate::{
    attribution::signal::Utm,
    auth::{User, own_sessions, session_lifetime, throttle, user::email_key},
    db::{Conn, Error, FromEitherRow, sql},
    id::{ConversionId, TouchId, UserId, VisitorId},
    timestamp::Timestamp,
};

/// A column with JSON. A text that is not JSON is shown as text, because the document leaves nothing out.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct ExportedJson(serde_json::Value);

impl From<String> for ExportedJson {
    fn from(text: String) -> Self {
        Self(serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text)))
    }
}

/// The document.
#[derive(Clone, Debug, Serialize)]
pub struct Export {
    pub exported_at: ExportedTime,
    pub account: ExportedAccount,
    pub sessions: Vec<ExportedSession>,
    pub failed_sign_ins: Option<ExportedFailures>,
    pub known_browsers: Vec<ExportedBrowser>,
    pub invitation: Option<ExportedInvitation>,
    pub providers: Vec<ExportedProvider>,
    pub account_events: Vec<ExportedEvent>,
    pub visitors: Vec<ExportedVisitor>,
    pub conversions: Vec<ExportedConversion>,
    pub projects: Vec<super::projects::ExportedProject>,
    pub referral_link: Option<ExportedReferralLink>,
    pub referred_by: Option<ReferredBy>,
}

#[derive(Clone, Debug, FromRow, Serialize)]
pub struct ExportedAccount {
    pub id: UserId,
    pub email: String,
    pub role: String,
    pub created_at: ExportedTime,
    pub email_verified_at: Option<ExportedTime>,
    pub disabled_at: Option<ExportedTime>,
    pub erased_at: Option<ExportedTime>,
    /// When the second factor was turned on.
    pub second_factor_at: Option<ExportedTime>,
    /// Whether `waymark demo` made the account.
    pub sample: bool,
}

/// A browser in which the user is signed in.
#[derive(Clone, Debug, Serialize)]
pub struct ExportedSession {
    /// The browser in a few words: `Firefox on Linux`.
    pub browser: Option<String>,
    pub signed_in_at: Option<ExportedTime>,
    /// The last noted request. A session notes one request a day at most.
    pub last_seen_at: Option<ExportedTime>,
    pub ends_at: ExportedTime,
}

/// A browser in which the user signed in, with the failed sign-ins there since the last successful one.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct ExportedBrowser {
    #[sqlx(rename = "created_at")]
    pub known_since: ExportedTime,
    #[sqlx(rename = "last_used_at")]
    pub last_sign_in_at: ExportedTime,
    #[sqlx(rename = "failures")]
    pub failed_sign_ins: i64,
    pub last_failed_at: Option<ExportedTime>,
    pub blocked_until: ExportedTime,
}

/// A provider that opens the account.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct ExportedProvider {
    pub provider: String,
    #[sqlx(rename = "subject")]
    pub your_number_there: String,
    #[sqlx(rename = "email")]
    pub your_email_there: Option<String>,
    #[sqlx(rename = "created_at")]
    pub connected_at: ExportedTime,
    #[sqlx(rename = "last_used_at")]
    pub last_sign_in_at: ExportedTime,
}

/// An invitation to the user's address that was not accepted.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct ExportedInvitation {
    pub email: String,
    pub role: String,
    #[sqlx(rename = "created_at")]
    pub invited_at: ExportedTime,
    pub expires_at: ExportedTime,
}

/// What the audit log has by and about the user. The document leaves out which other people are in an entry.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct ExportedEvent {
    #[sqlx(rename = "occurred_at")]
    pub at: ExportedTime,
    pub action: String,
    pub detail: Option<String>,
    /// Whether the user did it.
    pub by_you: bool,
    /// The network that the user came from.
    pub network: Option<String>,
}

/// Failed sign-ins with the user's e-mail address, by anyone, since the last successful sign-in. A day without a failure ends
/// the count too.
#[derive(Clone, Debug, Serialize)]
pub struct ExportedFailures {
    pub count: i64,
    pub last_at: ExportedTime,
    pub blocked_until: ExportedTime,
}

/// A browser in which the user signed in or signed up, with its time before that.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct ExportedVisitor {
    pub id: VisitorId,
    pub first_seen_at: ExportedTime,
    pub linked_at: Option<ExportedTime>,
    pub sample: bool,
    #[sqlx(skip)]
    pub consents: Vec<ExportedConsent>,
    #[sqlx(skip)]
    pub touches: Vec<ExportedTouch>,
}

#[derive(Clone, Debug, FromRow, Serialize)]
pub struct ExportedConsent {
    pub decided_at: ExportedTime,
    pub granted: bool,
    pub wording: String,
}

/// One arrival.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct ExportedTouch {
    pub id: TouchId,
    pub occurred_at: ExportedTime,
    #[serde(flatten)]
    #[sqlx(flatten)]
    pub utm: Utm,
    pub channel: String,
    #[sqlx(try_from = "String")]
    pub click_ids: ExportedJson,
    #[sqlx(rename = "tags", try_from = "String")]
    pub custom_tags: ExportedJson,
    pub landing_path: String,
    pub referrer: Option<String>,
    pub derived: bool,
    pub internal: bool,
    pub hits: i64,
    pub origin: String,
    pub rules_version: String,
}

#[derive(Clone, Debug, FromRow, Serialize)]
pub struct ExportedConversion {
    pub id: ConversionId,
    pub kind: String,
    /// Cents, where the currency has cents. Negative for a refund.
    #[sqlx(rename = "value")]
    pub value_in_minor_units: i64,
    pub currency: Option<String>,
    pub occurred_at: ExportedTime,
    pub recorded_at: ExportedTime,
    pub source: String,
    pub external_id: String,
    pub refund_of: Option<ConversionId>,
    pub sample: bool,
}

#[derive(Clone, Debug, FromRow, Serialize)]
pub struct ExportedReferralLink {
    pub token: String,
    pub campaign: String,
    pub landing_path: String,
    pub created_at: ExportedTime,
    pub expires_at: Option<ExportedTime>,
    pub disabled_at: Option<ExportedTime>,
    /// When users signed up through the link.
    #[sqlx(skip)]
    pub brought: Vec<ExportedTime>,
}

/// The referral link through which the user signed up.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct ReferredBy {
    pub token: String,
    #[sqlx(rename = "created_at")]
    pub at: ExportedTime,
}

/// Reads everything about a user.
pub async fn export(conn: &mut Conn, user: &User, now: Timestamp) -> Result<Export, Error> {
    Ok(Export {
        exported_at: ExportedTime(now),
        account: sql("select id, email, role, created_at, email_verified_at, disabled_at, erased_at, second_factor_at, sample from users where id = $1")
            .bind(user.id)
            .fetch_one(conn)
            .await?,
        sessions: sessions(conn, user.id).await?,
        failed_sign_ins: throttle::failures_of(conn, &user.email).await?.map(|failures| ExportedFailures {
            count: failures.count,
            last_at: ExportedTime(failures.last_at),
            blocked_until: ExportedTime(failures.blocked_until),
        }),
        providers: sql(
            "select provider, subject, email, created_at, last_used_at from user_identities where user_id = $1 order by provider",
        )
        .bind(user.id)
        .fetch_all(conn)
        .await?,
        known_browsers: sql(
            "select created_at, last_used_at, failures, last_failed_at, blocked_until from known_devices
            where user_id = $1 order by created_at, token_hash",
        )
        .bind(user.id)
        .fetch_all(conn)
        .await?,
        invitation: sql("select email, role, created_at, expires_at from invitations where email_lower = $1")
            .bind(email_key(&user.email))
            .fetch_optional(conn)
            .await?,
        account_events: account_events(conn, user.id).await?,
        visitors: visitors(conn, user.id).await?,
        conversions: sql(
            "select id, kind, value, currency, occurred_at, recorded_at, source, external_id, refund_of, sample
            from conversions where user_id = $1 order by occurred_at, id",
        )
        .bind(user.id)
        .fetch_all(conn)
        .await?,
        projects: super::projects::export(conn, user.id).await?,
        referral_link: referral_link(conn, user.id).await?,
        referred_by: sql("select token, created_at from referrals where referee_id = $1")
            .bind(user.id)
            .fetch_optional(conn)
            .await?,
    })
}

async fn sessions(conn: &mut Conn, user: UserId) -> Result<Vec<ExportedSession>, Error> {
    let rows: Vec<(Vec<u8>, OffsetDateTime)> =
        sql("select data, expiry_date from tower_sessions where user_id = $1 order by expiry_date")
            .bind(user)
            .fetch_all(conn)
            .await?;
    let session = |(data, ends): (Vec<u8>, OffsetDateTime)| {
        // a session that cannot be read signs no user in, and only its end is known
        let record: Option<Record> = rmp_serde::from_slice(&data).ok();
        let times = record.as_ref().and_then(|record| session_lifetime::times(&record.data));
        ExportedSession {
            browser: record.as_ref().and_then(|record| own_sessions::browser_of(&record.data)),
            signed_in_at: times.map(|(since, _)| ExportedTime(since)),
            last_seen_at: times.map(|(_, seen)| ExportedTime(seen)),
            ends_at: ExportedTime(Timestamp::from_millis((ends.unix_timestamp_nanos() / 1_000_000) as i64)),
        }
    };
    Ok(rows.into_iter().map(session).collect())
}

async fn account_events(conn: &mut Conn, user: UserId) -> Result<Vec<ExportedEvent>, Error> {
    sql("select occurred_at, action, detail, actor_id is not null and actor_id = $1 as by_you,
            case when actor_id = $1 then network end as network
        from audit_entries where actor_id = $1 or target_id = $1 order by id")
    .bind(user)
    .fetch_all(conn)
    .await
}

async fn visitors(conn: &mut Conn, user: UserId) -> Result<Vec<ExportedVisitor>, Error> {
    let mut visitors: Vec<ExportedVisitor> =
        sql("select id, first_seen_at, linked_at, sample from visitors where user_id = $1 order by first_seen_at, id")
            .bind(user)
            .fetch_all(conn)
            .await?;
    // The statement names its columns. With `*`, a column that a newer release adds would break the prepared statements of this
    // release.
    let touches = format!(
        "select id, visitor_id, occurred_at, {}, channel, click_ids, tags, landing_path, referrer, derived, internal, hits,
            origin, rules_version
        from touches where visitor_id in (select id from visitors where user_id = $1) order by occurred_at, id",
        Utm::COLUMN_LIST
    );
    let mut touches = by_visitor(conn, user, touches).await?;
    let mut consents = by_visitor(
        conn,
        user,
        "select c.visitor_id, c.decided_at, c.granted, c.wording from consents c join visitors v on v.id = c.visitor_id
        where v.user_id = $1 order by c.decided_at",
    )
    .await?;
    for visitor in &mut visitors {
        visitor.touches = touches.remove(&visitor.id).unwrap_or_default();
        visitor.consents = consents.remove(&visitor.id).unwrap_or_default();
    }
    Ok(visitors)
}

/// A row of a table with a column `visitor_id`.
#[derive(FromRow)]
struct OfVisitor<T> {
    visitor_id: VisitorId,
    #[sqlx(flatten)]
    row: T,
}

/// Runs a statement whose `$1` is the user. Returns its rows by visitor.
async fn by_visitor<T>(
    conn: &mut Conn,
    user: UserId,
    statement: impl Into<Cow<'static, str>>,
) -> Result<HashMap<VisitorId, Vec<T>>, Error>
where
    OfVisitor<T>: FromEitherRow,
{
    let rows: Vec<OfVisitor<T>> = sql(statement).bind(user).fetch_all(conn).await?;
    let mut by_visitor = HashMap::<_, Vec<T>>::new();
    for OfVisitor { visitor_id, row } in rows {
        by_visitor.entry(visitor_id).or_default().push(row);
    }
    Ok(by_visitor)
}

async fn referral_link(conn: &mut Conn, user: UserId) -> Result<Option<ExportedReferralLink>, Error> {
    let link: Option<ExportedReferralLink> =
        sql("select token, campaign, landing_path, created_at, expires_at, disabled_at from referral_tokens where owner_id = $1")
            .bind(user)
            .fetch_optional(conn)
            .await?;
    let Some(mut link) = link else { return Ok(None) };
    let brought: Vec<(ExportedTime,)> = sql("select created_at from referrals where token = $1 order by created_at")
        .bind(link.token.as_str())
        .fetch_all(conn)
        .await?;
    link.brought = brought.into_iter().map(|(at,)| at).collect();
    Ok(Some(link))
}
