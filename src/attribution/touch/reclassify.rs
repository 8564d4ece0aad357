//! Gives stored touches the channel of the present rules, after a change of the rules or of the lists of sources.
//!
//! A run goes through all touches in the order of their ids, batch by batch. A server can work at the same time, because a run
//! holds the writer only for the rows of a batch that change. If a run is interrupted, the next run changes the remaining
//! touches. Touches that a server adds meanwhile have the channel of the server's rules, so restart servers with the new rules
//! first.
//!
//! Touches of an erased user keep their channel. Erasure removes click ids and shortens referrers, so the rules might choose
//! another channel, and totals must not change.

use std::collections::{BTreeMap, HashMap};

use crate::{
    attribution::{
        channel::{Facts, rules::Rules},
        signal::Utm,
    },
    db::{Db, Error, sql},
    id::TouchId,
};

/// How many touches are read at a time, and changed in one transaction.
const BATCH: i64 = 400;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub looked_at: u64,
    /// How many touches got another channel.
    pub changed: u64,
    /// How many touches went from a channel to another: `(old, new)` → number.
    pub moves: BTreeMap<(String, String), u64>,
}

/// What the channel of a touch depends on, with its present channel.
#[derive(sqlx::FromRow)]
struct ClassifiedTouch {
    id: TouchId,
    #[sqlx(flatten)]
    utm: Utm,
    referrer: Option<String>,
    landing_path: String,
    click_ids: String,
    channel: String,
    rules_version: String,
}

impl ClassifiedTouch {
    fn channel(&self, rules: &Rules) -> &'static str {
        // Waymark wrote this JSON. If the JSON cannot be read anyway, the touch counts as without click ids.
        let ids: HashMap<String, String> = serde_json::from_str(&self.click_ids).unwrap_or_default();
        let names: Vec<&str> = ids.keys().map(String::as_str).collect();
        let facts = Facts {
            source: self.utm.source.as_deref(),
            medium: self.utm.medium.as_deref(),
            campaign: self.utm.campaign.as_deref(),
            term: self.utm.term.as_deref(),
            content: self.utm.content.as_deref(),
            referrer: self.referrer.as_deref(),
            landing_path: Some(&self.landing_path),
            click_ids: &names,
            gad_source_is_1: ids.get("gad_source").is_some_and(|value| value == "1"),
        };
        rules.classify(&facts).channel.as_str()
    }
}

/// Returns whether the owner's own rules chose the channel of any stored touch.
pub async fn custom_rules_were_used(db: &Db) -> Result<bool, Error> {
    let mut conn = db.read().await?;
    let found: Option<(i32,)> =
        sql("select 1 from touches where rules_version like '%+%' limit 1").fetch_optional(&mut conn).await?;
    Ok(found.is_some())
}

/// Reclassifies all touches by these rules. After each batch, calls `progress` with the number of touches so far and the number
/// of all touches.
pub async fn reclassify(db: &Db, rules: &Rules, progress: impl Fn(u64, u64)) -> Result<Summary, Error> {
    let mut summary = Summary::default();
    let total: i64 = sql("select count(*) from touches t join visitors v on v.id = t.visitor_id
        left join users u on u.id = v.user_id where u.erased_at is null")
    .fetch_scalar(&mut db.read().await?)
    .await?;
    let total = u64::try_from(total).unwrap_or_default();
    let mut last = TouchId::NIL;
    loop {
        let rows = after(db, last).await?;
        let Some(end) = rows.last() else {
            return Ok(summary);
        };
        last = end.id;
        summary.looked_at += rows.len() as u64;
        // By the new channel: one statement for each.
        let mut stale: BTreeMap<&'static str, Vec<TouchId>> = BTreeMap::new();
        for row in rows {
            let channel = row.channel(rules);
            if row.channel != channel || row.rules_version != rules.version() {
                stale.entry(channel).or_default().push(row.id);
            }
            if row.channel != channel {
                summary.changed += 1;
                *summary.moves.entry((row.channel, channel.to_owned())).or_default() += 1;
            }
        }
        if !stale.is_empty() {
            update(db, stale, rules.version().to_owned()).await?;
        }
        // A server may have added touches since they were counted.
        progress(summary.looked_at, total.max(summary.looked_at));
    }
}

/// Reads the next batch.
async fn after(db: &Db, last: TouchId) -> Result<Vec<ClassifiedTouch>, Error> {
    sql(format!(
        "select t.id, {}, t.referrer, t.landing_path, t.click_ids, t.channel, t.rules_version
        from touches t join visitors v on v.id = t.visitor_id left join users u on u.id = v.user_id
        where t.id > $1 and u.erased_at is null order by t.id limit $2",
        Utm::COLUMN_LIST
    ))
    .bind(last)
    .bind(BATCH)
    .fetch_all(&mut db.read().await?)
    .await
}

async fn update(db: &Db, stale: BTreeMap<&'static str, Vec<TouchId>>, version: String) -> Result<(), Error> {
    db.transaction(move |conn| {
        Box::pin(async move {
            for (channel, ids) in stale {
                let places: Vec<_> = (3..3 + ids.len()).map(|place| format!("${place}")).collect();
                let places = places.join(", ");
                sql(format!("update touches set channel = $1, rules_version = $2 where id in ({places})"))
                    .bind(channel)
                    .bind(version.as_str())
                    .bind_all(ids.into_iter().map(Into::into))
                    .execute(conn)
                    .await?;
            }
            Ok(())
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::sync::Notify;

    use super::*;
    use crate::{
        db::{Insert, Table, testing::each_database},
        id::{UserId, VisitorId},
    };

    static USERS: Table =
        Table { name: "users", columns: &["id", "email", "email_lower", "password_hash", "created_at", "erased_at"] };
    static VISITORS: Table = Table { name: "visitors", columns: &["id", "first_seen_at", "user_id", "linked_at"] };
    static TOUCHES: Table = Table {
        name: "touches",
        columns: &[
            "id",
            "visitor_id",
            "occurred_at",
            "source",
            "medium",
            "campaign",
            "click_ids",
            "landing_path",
            "fingerprint",
            "channel",
            "rules_version",
        ],
    };

    /// Source, medium, campaign, click ids; the channel that version 1 gave.
    type StoredTouch = (&'static str, &'static str, &'static str, &'static str, &'static str);

    const FRAME: StoredTouch = ("google", "display", "", r#"{"gclid":"x"}"#, "Paid Search");
    const WEBMAIL: StoredTouch = ("mail.google.com", "referral", "", "{}", "Referral");
    const UNCHANGED: StoredTouch = ("fb", "cpc", "spring", r#"{"fbclid":"x"}"#, "Paid Social");
    const SEARCH_AD: StoredTouch = ("google", "", "", r#"{"gad_source":"1"}"#, "Paid Search");

    async fn visitor(db: &Db, erased: bool) -> VisitorId {
        let (user, visitor) = (UserId::new(), VisitorId::new());
        let email = format!("{user}@example.com");
        let erased = erased.then_some(2_i64);
        let user_row = vec![user.into(), email.clone().into(), email.into(), "".into(), 1_i64.into(), erased.into()];
        let visitor_row = vec![visitor.into(), 1_i64.into(), user.into(), 1_i64.into()];
        db.insert(vec![Insert { table: &USERS, values: user_row }]).await.expect("a user");
        db.insert(vec![Insert { table: &VISITORS, values: visitor_row }]).await.expect("a visitor");
        visitor
    }

    fn touch(visitor: VisitorId, (source, medium, campaign, click_ids, channel): StoredTouch) -> Insert {
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        let values = vec![
            TouchId::new().into(),
            visitor.into(),
            1_i64.into(),
            text(source).into(),
            text(medium).into(),
            text(campaign).into(),
            click_ids.into(),
            "/".into(),
            1_i64.into(),
            channel.into(),
            "1".into(),
        ];
        Insert { table: &TOUCHES, values }
    }

    /// Returns each pair of channel and version, with its number of touches.
    async fn stored(db: &Db) -> Vec<(String, String, i64)> {
        sql("select channel, rules_version, count(*) from touches group by channel, rules_version order by channel, rules_version")
            .fetch_all(&mut db.read().await.expect("a connection"))
            .await
            .expect("rows")
    }

    fn row(channel: &str, version: &str, count: i64) -> (String, String, i64) {
        (channel.to_owned(), version.to_owned(), count)
    }

    #[tokio::test]
    async fn touches_get_the_channel_and_version_of_the_rules() {
        each_database(async |db| {
            let visitor = visitor(&db, false).await;
            let rows = [FRAME, WEBMAIL, UNCHANGED, SEARCH_AD].map(|stored| touch(visitor, stored));
            db.insert(rows.into()).await.expect("touches");
            let rules = Rules::default();
            let summary = reclassify(&db, &rules, |_, _| {}).await.expect("a summary");
            let moved = |from: &str, to: &str| ((from.to_owned(), to.to_owned()), 1);
            let moves = BTreeMap::from([moved("Paid Search", "Display"), moved("Referral", "Email")]);
            assert_eq!(summary, Summary { looked_at: 4, changed: 2, moves });
            let version = rules.version();
            let expected = ["Display", "Email", "Paid Search", "Paid Social"].map(|channel| row(channel, version, 1));
            assert_eq!(stored(&db).await, expected);
            let again = reclassify(&db, &rules, |_, _| {}).await.expect("a summary");
            assert_eq!(again, Summary { looked_at: 4, ..Summary::default() });

            let custom =
                Rules::parse("[[rule]]\nname = 'spring'\nchannel = 'Affiliates'\ncampaign = 'spring'").expect("rules");
            let summary = reclassify(&db, &custom, |_, _| {}).await.expect("a summary");
            assert_eq!(summary.moves, BTreeMap::from([moved("Paid Social", "Affiliates")]));
            assert!(stored(&db).await.contains(&row("Affiliates", custom.version(), 1)));
            assert!(stored(&db).await.iter().all(|(_, version, _)| version == custom.version()));
        })
        .await;
    }

    #[tokio::test]
    async fn an_interrupted_run_is_finished_by_the_next() {
        each_database(async |db| {
            let visitor = visitor(&db, false).await;
            let count = 2 * BATCH as u64 + 100;
            db.insert((0..count).map(|_| touch(visitor, FRAME)).collect()).await.expect("touches");
            let stop = Notify::new();
            let rules = Rules::default();
            tokio::select! {
                biased;
                () = stop.notified() => {}
                _ = reclassify(&db, &rules, |_, _| stop.notify_one()) => panic!("it was to be interrupted"),
            }
            let heard = Mutex::new(Vec::new());
            let summary =
                reclassify(&db, &rules, |done, total| heard.lock().expect("no panic").push((done, total))).await;
            let summary = summary.expect("a summary");
            assert_eq!(summary.looked_at, count);
            assert!(summary.changed >= 100 && summary.changed <= count - BATCH as u64, "{summary:?}");
            assert_eq!(stored(&db).await, [row("Display", rules.version(), count as i64)]);
            let batch = BATCH as u64;
            assert_eq!(heard.into_inner().expect("no panic"), [(batch, count), (2 * batch, count), (count, count)]);
        })
        .await;
    }

    #[tokio::test]
    async fn an_erased_users_touches_stay_where_they_were_counted() {
        each_database(async |db| {
            let erased = visitor(&db, true).await;
            db.insert(vec![touch(erased, ("", "", "", "{}", "Paid Search"))]).await.expect("a touch");
            let summary = reclassify(&db, &Rules::default(), |_, _| {}).await.expect("a summary");
            assert_eq!(summary, Summary::default());
            assert_eq!(stored(&db).await, [row("Paid Search", "1", 1)]);
        })
        .await;
    }
}
