//! A touch and its row: one arrival that carried a marketing signal.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    channel::{Facts, classify},
    params::{Signals, Utm},
    referrer::Referrer,
};
use crate::db::{Conn, Db, Error, Insert, Millis, Table, new_id, sql};

/// The same arrival within this time is the same touch.
pub const REPEAT_WINDOW: Millis = 30 * 60 * 1000;
/// Touches that a visitor can have in 24 hours. What comes on top is not kept: no person arrives so often.
pub const DAILY_CAP: i64 = 50;

/// How long a landing path is kept: longer ones are cut.
const PATH_BYTES: usize = 1024;

static VISITORS: Table = Table { name: "visitors", columns: &["id", "first_seen_at"] };

static TOUCHES: Table = Table {
    name: "touches",
    columns: &[
        "id",
        "visitor_id",
        "occurred_at",
        "source",
        "medium",
        "campaign",
        "term",
        "content",
        "utm_id",
        "source_platform",
        "creative_format",
        "marketing_tactic",
        "channel",
        "click_ids",
        "tags",
        "landing_path",
        "referrer",
        "derived",
        "internal",
        "hits",
        "fingerprint",
    ],
};

/// A touch before it has a visitor.
#[derive(Clone, Debug)]
pub struct Touch {
    pub id: Uuid,
    pub occurred_at: Millis,
    pub utm: Utm,
    pub channel: &'static str,
    /// A JSON object: name to id.
    pub click_ids: String,
    /// A JSON object: name to list of values.
    pub tags: String,
    pub landing_path: String,
    pub referrer: Option<String>,
    pub derived: bool,
    pub internal: bool,
    /// 1, and 1 more for each time it was seen again.
    pub hits: i64,
    fingerprint: i64,
}

/// What became of a touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// A new row.
    New,
    /// The same arrival as a moment ago: one more hit of that touch.
    Repeat,
    /// The visitor had all its touches of this day.
    OverCap,
}

impl Stored {
    /// A fixed word, fit for a metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Repeat => "repeat",
            Self::OverCap => "over_cap",
        }
    }
}

impl Touch {
    /// Makes a touch of what a link said and where it led.
    pub fn new(signals: &Signals, path: &str, referrer: Option<&Referrer>, internal: bool, now: Millis) -> Self {
        let click_ids = serde_json::to_string(&signals.click_ids).unwrap_or_else(|_| "{}".into());
        let tags = serde_json::to_string(&signals.tags).unwrap_or_else(|_| "{}".into());
        let names: Vec<&str> = signals.click_ids.keys().copied().collect();
        let utm = signals.utm.clone();
        let channel = classify(&Facts {
            source: utm.source.as_deref(),
            medium: utm.medium.as_deref(),
            campaign: utm.campaign.as_deref(),
            click_ids: &names,
            gad_source_is_1: signals.click_ids.get("gad_source").is_some_and(|value| value == "1"),
        });
        Self {
            id: new_id(),
            occurred_at: now,
            fingerprint: fingerprint(&utm, &click_ids, &tags),
            utm,
            channel: channel.channel.as_str(),
            click_ids,
            tags,
            landing_path: cut(path),
            referrer: referrer.map(Referrer::as_string),
            derived: signals.derived,
            internal,
            hits: 1,
        }
    }

    /// Its row, under that visitor.
    pub(crate) fn row(self, visitor: Uuid) -> Insert {
        let utm = self.utm;
        Insert {
            table: &TOUCHES,
            values: vec![
                self.id.into(),
                visitor.into(),
                self.occurred_at.into(),
                utm.source.into(),
                utm.medium.into(),
                utm.campaign.into(),
                utm.term.into(),
                utm.content.into(),
                utm.id.into(),
                utm.source_platform.into(),
                utm.creative_format.into(),
                utm.marketing_tactic.into(),
                self.channel.into(),
                self.click_ids.into(),
                self.tags.into(),
                self.landing_path.into(),
                self.referrer.into(),
                self.derived.into(),
                self.internal.into(),
                self.hits.into(),
                self.fingerprint.into(),
            ],
        }
    }

    /// Stores the first touch of a visitor whom nobody else can know yet.
    pub async fn store_first(self, db: &Db, visitor: Uuid) -> Result<Stored, Error> {
        let first = Insert { table: &VISITORS, values: vec![visitor.into(), self.occurred_at.into()] };
        db.insert(vec![first, self.row(visitor)]).await?;
        Ok(Stored::New)
    }

    /// Stores a touch of a visitor who was here before.
    pub async fn store(self, db: &Db, visitor: Uuid) -> Result<Stored, Error> {
        db.transaction(move |conn| Box::pin(store(conn, self, visitor))).await
    }

    /// Stores a touch that may be stored already, under this id, by a request that did not live to tell: then its visitor is one
    /// whom no browser knows, and the touch becomes this visitor's, unless that one has a user.
    pub async fn store_again(self, db: &Db, visitor: Uuid) -> Result<Stored, Error> {
        db.transaction(move |conn| {
            Box::pin(async move {
                let owner: Option<(Uuid, bool)> = sql("select v.id, v.user_id is not null from touches t
                    join visitors v on v.id = t.visitor_id where t.id = $1")
                .bind(self.id)
                .fetch_optional(conn)
                .await?;
                match owner {
                    None => return store(conn, self, visitor).await,
                    Some((owner, linked)) if owner != visitor && !linked => {
                        ensure(conn, visitor, self.occurred_at).await?;
                        sql("update touches set visitor_id = $2 where id = $1
                            and visitor_id in (select id from visitors where user_id is null)")
                        .bind(self.id)
                        .bind(visitor)
                        .execute(conn)
                        .await?;
                    }
                    Some(_) => {}
                }
                Ok(Stored::Repeat)
            })
        })
        .await
    }
}

/// Makes a visitor's row where there is none: it may have been forgotten (retention, a restored backup) while the browser still
/// has its session.
async fn ensure(conn: &mut Conn, visitor: Uuid, seen: Millis) -> Result<(), Error> {
    sql("insert into visitors (id, first_seen_at) values ($1, $2) on conflict (id) do nothing")
        .bind(visitor)
        .bind(seen)
        .execute(conn)
        .await
        .map(|_| ())
}

async fn store(conn: &mut Conn, touch: Touch, visitor: Uuid) -> Result<Stored, Error> {
    ensure(conn, visitor, touch.occurred_at).await?;
    // One arrival of a visitor at a time, at all replicas: two equal ones must not both find no other.
    let lock = format!("select id from visitors where id = $1{}", conn.for_update());
    sql(lock).bind(visitor).execute(conn).await?;
    let repeated = sql("update touches set hits = hits + 1 where id = (
            select id from touches where visitor_id = $1 and fingerprint = $2 and occurred_at > $3
            order by occurred_at desc limit 1)")
    .bind(visitor)
    .bind(touch.fingerprint)
    .bind(touch.occurred_at - REPEAT_WINDOW)
    .execute(conn)
    .await?;
    if repeated > 0 {
        return Ok(Stored::Repeat);
    }
    let today: i64 = sql("select count(*) from touches where visitor_id = $1 and occurred_at > $2")
        .bind(visitor)
        .bind(touch.occurred_at - 24 * 60 * 60 * 1000)
        .fetch_scalar(conn)
        .await?;
    if today >= DAILY_CAP {
        return Ok(Stored::OverCap);
    }
    touch.row(visitor).execute(conn).await?;
    Ok(Stored::New)
}

/// Equal for arrivals by the same link. The path is not part of it: a redirect to a path with a slash is the same arrival.
fn fingerprint(utm: &Utm, click_ids: &str, tags: &str) -> i64 {
    let Utm { source, medium, campaign, term, content, id, source_platform, creative_format, marketing_tactic } = utm;
    let fields = [source, medium, campaign, term, content, id, source_platform, creative_format, marketing_tactic];
    let mut digest = Sha256::new();
    for field in fields.into_iter().map(Option::as_deref).chain([Some(click_ids), Some(tags)]) {
        // a length before each value, so that no two different tuples read the same; absent is not empty
        digest.update(field.map_or(-1, |text| text.len() as i64).to_le_bytes());
        digest.update(field.unwrap_or_default());
    }
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(digest.finalize());
    i64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// A path as it is kept: no control characters, not longer than is sensible.
fn cut(path: &str) -> String {
    let mut path: String = path.chars().filter(|c| !c.is_control()).collect();
    path.truncate(path.floor_char_boundary(PATH_BYTES));
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attribution::{params::parse, tags::CustomTags},
        db::testing::each_database,
    };

    fn touch(query: &str, now: Millis) -> Touch {
        Touch::new(&parse(query, None, &CustomTags::default()), "/", None, false, now)
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
        let of = |query| touch(query, 0).fingerprint;
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
            let visitor = new_id();
            let now = db.now();
            touch("utm_source=a", now).store_first(&db, visitor).await.expect("stored");
            let at_once = (0..20).map(|n| touch("utm_source=a", now + n).store(&db, visitor));
            for answer in futures::future::join_all(at_once).await {
                assert_eq!(answer.expect("stored"), Stored::Repeat);
            }
            assert_eq!(counts(&db).await, (1, 21));
        })
        .await;
    }

    #[tokio::test]
    async fn first_arrivals_of_a_known_visitor_at_once_are_one_touch() {
        each_database(async |db| {
            let visitor = new_id();
            let now = db.now();
            let at_once = (0..20).map(|_| touch("utm_source=a", now).store(&db, visitor));
            let new =
                futures::future::join_all(at_once).await.into_iter().filter(|answer| matches!(answer, Ok(Stored::New)));
            assert_eq!(new.count(), 1);
            assert_eq!(counts(&db).await, (1, 20));
        })
        .await;
    }

    #[tokio::test]
    async fn after_half_an_hour_it_is_a_new_touch() {
        each_database(async |db| {
            let visitor = new_id();
            let now = db.now();
            touch("utm_source=a", now).store_first(&db, visitor).await.expect("stored");
            assert_eq!(
                touch("utm_source=a", now + REPEAT_WINDOW - 1).store(&db, visitor).await.expect("stored"),
                Stored::Repeat
            );
            assert_eq!(
                touch("utm_source=a", now + REPEAT_WINDOW).store(&db, visitor).await.expect("stored"),
                Stored::New
            );
        })
        .await;
    }

    #[tokio::test]
    async fn the_fifty_first_touch_of_a_day_is_not_kept() {
        each_database(async |db| {
            let visitor = new_id();
            let now = db.now();
            let at_once = (0..60).map(|n| touch(&format!("utm_source=s{n}"), now).store(&db, visitor));
            let over = futures::future::join_all(at_once)
                .await
                .into_iter()
                .filter(|answer| matches!(answer, Ok(Stored::OverCap)));
            assert_eq!(over.count(), 10);
            assert_eq!(counts(&db).await.0, DAILY_CAP);
        })
        .await;
    }
}
