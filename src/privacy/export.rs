//! Everything stored about a user, as one document: what GDPR's articles 15 and 20 ask for.
//!
//! Field names are stable. Times are RFC 3339, UTC. Not in it: secrets (the password's hash, session ids) and other people: of
//! those whom a user's link brought it says how many and when. A test holds it against the schema, column by column.

use std::collections::HashMap;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use tower_sessions::session::Record;

use crate::{
    auth::{User, session_lifetime, throttle},
    db::{Conn, Error, sql},
    id::{ConversionId, TouchId, UserId, VisitorId},
    timestamp::Timestamp,
};

/// A moment, written as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.to_jiff() {
            Ok(time) => serializer.collect_str(&time),
            // beyond the year 9999: no clock said it, and a number is better than no document
            Err(_) => serializer.serialize_i64(self.0.as_millis()),
        }
    }
}

/// The document.
#[derive(Clone, Debug, Serialize)]
pub struct Export {
    pub exported_at: Time,
    pub account: Account,
    pub sessions: Vec<Session>,
    pub failed_sign_ins: Option<FailedSignIns>,
    pub visitors: Vec<Visitor>,
    pub conversions: Vec<Conversion>,
    pub referral_link: Option<ReferralLink>,
    pub referred_by: Option<ReferredBy>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Account {
    pub id: UserId,
    pub email: String,
    pub role: String,
    pub created_at: Time,
    pub disabled_at: Option<Time>,
    pub erased_at: Option<Time>,
    /// Made by `waymark demo`.
    pub sample: bool,
}

/// A browser in which the user is signed in.
#[derive(Clone, Debug, Serialize)]
pub struct Session {
    pub signed_in_at: Option<Time>,
    /// Noted once a day at most.
    pub last_seen_at: Option<Time>,
    pub ends_at: Time,
}

/// Failed sign-ins with the user's address, by anyone, since the last one that did not fail.
#[derive(Clone, Debug, Serialize)]
pub struct FailedSignIns {
    pub count: i64,
    pub last_at: Time,
    pub blocked_until: Time,
}

/// A browser that was used before or after signing in.
#[derive(Clone, Debug, Serialize)]
pub struct Visitor {
    pub id: VisitorId,
    pub first_seen_at: Time,
    pub linked_at: Option<Time>,
    pub sample: bool,
    pub consents: Vec<Consent>,
    pub touches: Vec<Touch>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Consent {
    pub decided_at: Time,
    pub granted: bool,
    pub wording: String,
}

/// One arrival.
#[derive(Clone, Debug, Serialize)]
pub struct Touch {
    pub id: TouchId,
    pub occurred_at: Time,
    pub source: Option<String>,
    pub medium: Option<String>,
    pub campaign: Option<String>,
    pub term: Option<String>,
    pub content: Option<String>,
    pub utm_id: Option<String>,
    pub source_platform: Option<String>,
    pub creative_format: Option<String>,
    pub marketing_tactic: Option<String>,
    pub channel: String,
    pub click_ids: serde_json::Value,
    pub custom_tags: serde_json::Value,
    pub landing_path: String,
    pub referrer: Option<String>,
    pub derived: bool,
    pub internal: bool,
    pub hits: i64,
    pub origin: String,
    pub rules_version: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Conversion {
    pub id: ConversionId,
    pub kind: String,
    /// Cents, where the currency has cents. Negative for a refund.
    pub value_in_minor_units: i64,
    pub currency: Option<String>,
    pub occurred_at: Time,
    pub recorded_at: Time,
    pub source: String,
    pub external_id: String,
    pub refund_of: Option<ConversionId>,
    pub sample: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct ReferralLink {
    pub token: String,
    pub campaign: String,
    pub landing_path: String,
    pub created_at: Time,
    pub expires_at: Option<Time>,
    pub disabled_at: Option<Time>,
    /// When somebody signed up through it.
    pub brought: Vec<Time>,
}

#[derive(Clone, Debug, Serialize)]
pub struct ReferredBy {
    pub token: String,
    pub at: Time,
}

/// Reads everything about a user.
pub async fn export(conn: &mut Conn, user: &User, now: Timestamp) -> Result<Export, Error> {
    Ok(Export {
        exported_at: Time(now),
        account: account(conn, user.id).await?,
        sessions: sessions(conn, user.id).await?,
        failed_sign_ins: throttle::failures_of(conn, &user.email).await?.map(|failures| FailedSignIns {
            count: failures.count,
            last_at: Time(failures.last_at),
            blocked_until: Time(failures.blocked_until),
        }),
        visitors: visitors(conn, user.id).await?,
        conversions: conversions(conn, user.id).await?,
        referral_link: referral_link(conn, user.id).await?,
        referred_by: referred_by(conn, user.id).await?,
    })
}

async fn account(conn: &mut Conn, user: UserId) -> Result<Account, Error> {
    #[derive(sqlx::FromRow)]
    struct Row {
        email: String,
        role: String,
        created_at: Timestamp,
        disabled_at: Option<Timestamp>,
        erased_at: Option<Timestamp>,
        sample: bool,
    }
    let row: Row = sql("select email, role, created_at, disabled_at, erased_at, sample from users where id = $1")
        .bind(user)
        .fetch_one(conn)
        .await?;
    Ok(Account {
        id: user,
        email: row.email,
        role: row.role,
        created_at: Time(row.created_at),
        disabled_at: row.disabled_at.map(Time),
        erased_at: row.erased_at.map(Time),
        sample: row.sample,
    })
}

async fn sessions(conn: &mut Conn, user: UserId) -> Result<Vec<Session>, Error> {
    let rows: Vec<(Vec<u8>, OffsetDateTime)> =
        sql("select data, expiry_date from tower_sessions where user_id = $1 order by expiry_date")
            .bind(user)
            .fetch_all(conn)
            .await?;
    let session = |(data, ends): (Vec<u8>, OffsetDateTime)| {
        // one that cannot be read signs nobody in, and has no more to say
        let record: Option<Record> = rmp_serde::from_slice(&data).ok();
        let times = record.and_then(|record| session_lifetime::times(&record.data));
        Session {
            signed_in_at: times.map(|(since, _)| Time(since)),
            last_seen_at: times.map(|(_, seen)| Time(seen)),
            ends_at: Time(Timestamp::from_millis((ends.unix_timestamp_nanos() / 1_000_000) as i64)),
        }
    };
    Ok(rows.into_iter().map(session).collect())
}

async fn visitors(conn: &mut Conn, user: UserId) -> Result<Vec<Visitor>, Error> {
    let rows: Vec<(VisitorId, Timestamp, Option<Timestamp>, bool)> =
        sql("select id, first_seen_at, linked_at, sample from visitors where user_id = $1 order by first_seen_at, id")
            .bind(user)
            .fetch_all(conn)
            .await?;
    let (mut touches, mut consents) = (touches(conn, user).await?, consents(conn, user).await?);
    let visitor = |(id, first_seen_at, linked_at, sample): (VisitorId, Timestamp, Option<Timestamp>, bool)| Visitor {
        id,
        first_seen_at: Time(first_seen_at),
        linked_at: linked_at.map(Time),
        sample,
        consents: consents.remove(&id).unwrap_or_default(),
        touches: touches.remove(&id).unwrap_or_default(),
    };
    Ok(rows.into_iter().map(visitor).collect())
}

async fn consents(conn: &mut Conn, user: UserId) -> Result<HashMap<VisitorId, Vec<Consent>>, Error> {
    let rows: Vec<(VisitorId, Timestamp, bool, String)> =
        sql("select c.visitor_id, c.decided_at, c.granted, c.wording from consents c
            join visitors v on v.id = c.visitor_id where v.user_id = $1 order by c.decided_at")
        .bind(user)
        .fetch_all(conn)
        .await?;
    let mut consents: HashMap<VisitorId, Vec<Consent>> = HashMap::new();
    for (visitor, decided_at, granted, wording) in rows {
        consents.entry(visitor).or_default().push(Consent { decided_at: Time(decided_at), granted, wording });
    }
    Ok(consents)
}

async fn touches(conn: &mut Conn, user: UserId) -> Result<HashMap<VisitorId, Vec<Touch>>, Error> {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: TouchId,
        visitor_id: VisitorId,
        occurred_at: Timestamp,
        source: Option<String>,
        medium: Option<String>,
        campaign: Option<String>,
        term: Option<String>,
        content: Option<String>,
        utm_id: Option<String>,
        source_platform: Option<String>,
        creative_format: Option<String>,
        marketing_tactic: Option<String>,
        channel: String,
        click_ids: String,
        tags: String,
        landing_path: String,
        referrer: Option<String>,
        derived: bool,
        internal: bool,
        hits: i64,
        origin: String,
        rules_version: String,
    }
    let rows: Vec<Row> =
        sql("select t.id, t.visitor_id, t.occurred_at, t.source, t.medium, t.campaign, t.term, t.content,
            t.utm_id, t.source_platform, t.creative_format, t.marketing_tactic, t.channel, t.click_ids, t.tags,
            t.landing_path, t.referrer, t.derived, t.internal, t.hits, t.origin, t.rules_version
        from touches t join visitors v on v.id = t.visitor_id where v.user_id = $1 order by t.occurred_at, t.id")
        .bind(user)
        .fetch_all(conn)
        .await?;
    // what is no JSON is shown as it is: the document leaves out nothing
    let json = |text: String| serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text));
    let mut touches: HashMap<VisitorId, Vec<Touch>> = HashMap::new();
    for row in rows {
        touches.entry(row.visitor_id).or_default().push(Touch {
            id: row.id,
            occurred_at: Time(row.occurred_at),
            source: row.source,
            medium: row.medium,
            campaign: row.campaign,
            term: row.term,
            content: row.content,
            utm_id: row.utm_id,
            source_platform: row.source_platform,
            creative_format: row.creative_format,
            marketing_tactic: row.marketing_tactic,
            channel: row.channel,
            click_ids: json(row.click_ids),
            custom_tags: json(row.tags),
            landing_path: row.landing_path,
            referrer: row.referrer,
            derived: row.derived,
            internal: row.internal,
            hits: row.hits,
            origin: row.origin,
            rules_version: row.rules_version,
        });
    }
    Ok(touches)
}

async fn conversions(conn: &mut Conn, user: UserId) -> Result<Vec<Conversion>, Error> {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: ConversionId,
        kind: String,
        value: i64,
        currency: Option<String>,
        occurred_at: Timestamp,
        recorded_at: Timestamp,
        source: String,
        external_id: String,
        refund_of: Option<ConversionId>,
        sample: bool,
    }
    let rows: Vec<Row> =
        sql("select id, kind, value, currency, occurred_at, recorded_at, source, external_id, refund_of, sample
        from conversions where user_id = $1 order by occurred_at, id")
        .bind(user)
        .fetch_all(conn)
        .await?;
    let conversion = |row: Row| Conversion {
        id: row.id,
        kind: row.kind,
        value_in_minor_units: row.value,
        currency: row.currency,
        occurred_at: Time(row.occurred_at),
        recorded_at: Time(row.recorded_at),
        source: row.source,
        external_id: row.external_id,
        refund_of: row.refund_of,
        sample: row.sample,
    };
    Ok(rows.into_iter().map(conversion).collect())
}

async fn referral_link(conn: &mut Conn, user: UserId) -> Result<Option<ReferralLink>, Error> {
    type Row = (String, String, String, Timestamp, Option<Timestamp>, Option<Timestamp>);
    let row: Option<Row> = sql("select token, campaign, landing_path, created_at, expires_at, disabled_at
        from referral_tokens where owner_id = $1")
    .bind(user)
    .fetch_optional(conn)
    .await?;
    let Some((token, campaign, landing_path, created_at, expires_at, disabled_at)) = row else { return Ok(None) };
    let brought: Vec<(Timestamp,)> = sql("select created_at from referrals where token = $1 order by created_at")
        .bind(token.as_str())
        .fetch_all(conn)
        .await?;
    Ok(Some(ReferralLink {
        token,
        campaign,
        landing_path,
        created_at: Time(created_at),
        expires_at: expires_at.map(Time),
        disabled_at: disabled_at.map(Time),
        brought: brought.into_iter().map(|(at,)| Time(at)).collect(),
    }))
}

async fn referred_by(conn: &mut Conn, user: UserId) -> Result<Option<ReferredBy>, Error> {
    let row: Option<(String, Timestamp)> =
        sql("select token, created_at from referrals where referee_id = $1").bind(user).fetch_optional(conn).await?;
    Ok(row.map(|(token, at)| ReferredBy { token, at: Time(at) }))
}
