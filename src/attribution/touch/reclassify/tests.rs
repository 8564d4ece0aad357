use std::sync::Mutex;

use tokio::sync::Notify;

use super::*;
use crate::{
    attribution::{channel::rules::Rules, settings::Site},
    db::{Insert, Table, testing::each_database},
    id::{UserId, VisitorId},
    variables::Variables,
};

/// What the same request stores today, compared with a touch of older rules.
mod anew;

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
type OldTouch = (&'static str, &'static str, &'static str, &'static str, &'static str);

const FRAME: OldTouch = ("google", "display", "", r#"{"gclid":"x"}"#, "Paid Search");
const WEBMAIL: OldTouch = ("mail.google.com", "referral", "", "{}", "Referral");
const UNCHANGED: OldTouch = ("fb", "cpc", "spring", r#"{"fbclid":"x"}"#, "Paid Social");
const SEARCH_AD: OldTouch = ("google", "", "", r#"{"gad_source":"1"}"#, "Paid Search");

fn settings(rules: Rules) -> Settings {
    let none = |_: &str| None;
    let site = Site { url: "https://shop.example", no_pages: &[], reserved_parameters: &[] };
    Settings { rules, ..Settings::read(&mut Variables::new(&none), site) }
}

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

fn touch(visitor: VisitorId, (source, medium, campaign, click_ids, channel): OldTouch) -> Insert {
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
        let settings = settings(Rules::default());
        let summary = reclassify(&db, &settings, |_, _| {}).await.expect("a summary");
        let moved = |from: &str, to: &str| ((from.to_owned(), to.to_owned()), 1);
        let moves = BTreeMap::from([moved("Paid Search", "Display"), moved("Referral", "Email")]);
        assert_eq!(summary, Summary { looked_at: 4, changed: 2, moves, ..Summary::default() });
        let version = settings.rules.version();
        let expected = ["Display", "Email", "Paid Search", "Paid Social"].map(|channel| row(channel, version, 1));
        assert_eq!(stored(&db).await, expected);
        let again = reclassify(&db, &settings, |_, _| {}).await.expect("a summary");
        assert_eq!(again, Summary { looked_at: 4, ..Summary::default() });

        let custom =
            Rules::parse("[[rule]]\nname = 'spring'\nchannel = 'Affiliates'\ncampaign = 'spring'").expect("rules");
        let summary = reclassify(&db, &self::settings(custom.clone()), |_, _| {}).await.expect("a summary");
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
        let settings = settings(Rules::default());
        tokio::select! {
            biased;
            () = stop.notified() => {}
            _ = reclassify(&db, &settings, |_, _| stop.notify_one()) => panic!("it was to be interrupted"),
        }
        let heard = Mutex::new(Vec::new());
        let summary =
            reclassify(&db, &settings, |done, total| heard.lock().expect("no panic").push((done, total))).await;
        let summary = summary.expect("a summary");
        assert_eq!(summary.looked_at, count);
        assert!(summary.changed >= 100 && summary.changed <= count - BATCH as u64, "{summary:?}");
        assert_eq!(stored(&db).await, [row("Display", settings.rules.version(), count as i64)]);
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
        let summary = reclassify(&db, &settings(Rules::default()), |_, _| {}).await.expect("a summary");
        assert_eq!(summary, Summary::default());
        assert_eq!(stored(&db).await, [row("Paid Search", "1", 1)]);
    })
    .await;
}
