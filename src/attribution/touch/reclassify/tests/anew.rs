use super::*;
use crate::{
    attribution::{
        signal::{parse, referrer::Referrer},
        source::completion::{ToldBy, complete},
        touch::{Landing, Touch, TouchOrigin, fingerprint::fingerprint},
    },
    timestamp::{MILLISECOND, Timestamp},
};

static WHOLE_TOUCHES: Table = Table {
    name: "touches",
    columns: &[
        "id",
        "visitor_id",
        "occurred_at",
        "source",
        "medium",
        "campaign",
        "click_ids",
        "tags",
        "landing_path",
        "referrer",
        "derived",
        "origin",
        "fingerprint",
        "channel",
        "rules_version",
    ],
};

/// A request, and the touch that rules of version 2 made of it.
#[derive(Clone, Copy)]
struct Request {
    path: &'static str,
    query: &'static str,
    referrer: &'static str,
    /// Source, medium and campaign.
    stored: [&'static str; 3],
    click_ids: &'static str,
    derived: bool,
}

/// A request to `/` with a query, whose touch has nothing derived and no click id.
const fn link(query: &'static str, referrer: &'static str, stored: [&'static str; 3]) -> Request {
    Request { path: "/", query, referrer, stored, click_ids: "{}", derived: false }
}

/// A request to `/` without a query.
const fn from(referrer: &'static str, source: &'static str, medium: &'static str) -> Request {
    Request { path: "/", query: "", referrer, stored: [source, medium, ""], click_ids: "{}", derived: true }
}

impl Request {
    const fn with_ids(self, click_ids: &'static str) -> Self {
        Self { click_ids, ..self }
    }

    fn row(&self, visitor: VisitorId, at: Timestamp) -> Insert {
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        let [source, medium, campaign] = self.stored.map(text);
        let utm = Utm { source: source.clone(), medium: medium.clone(), campaign: campaign.clone(), ..Utm::default() };
        let values = vec![
            TouchId::new().into(),
            visitor.into(),
            at.into(),
            source.into(),
            medium.into(),
            campaign.into(),
            self.click_ids.into(),
            "{}".into(),
            self.path.into(),
            Referrer::parse(self.referrer).map(|referrer| referrer.as_string()).into(),
            self.derived.into(),
            if self.query.is_empty() { "referrer" } else { "link" }.into(),
            fingerprint(&utm, self.click_ids, "{}").into(),
            "Referral".into(),
            "2".into(),
        ];
        Insert { table: &WHOLE_TOUCHES, values }
    }

    /// Returns what the request stores today.
    fn anew(&self, settings: &Settings) -> Reading {
        let referrer = Referrer::parse(self.referrer);
        let mut signals = parse(self.query, &settings.custom_tags);
        let outside = Landing::outside(referrer.as_ref(), false);
        let origin = match complete(&mut signals, outside, &settings.ignored_referrers) {
            ToldBy::Link => TouchOrigin::Link,
            ToldBy::Referrer => TouchOrigin::Referrer,
            told => panic!("{} {}: {told:?}", self.query, self.referrer),
        };
        let landing = Landing { signals, path: self.path.to_owned(), referrer, origin, internal: false };
        let touch = Touch::new(landing, Timestamp::EPOCH, &settings.rules);
        Reading {
            fingerprint: touch.fingerprint(),
            utm: touch.utm,
            click_ids: touch.click_ids,
            tags: touch.tags,
            derived: touch.derived,
            internal: touch.internal,
            origin: touch.origin,
            channel: touch.channel.to_owned(),
        }
    }
}

async fn readings(db: &Db) -> Vec<Reading> {
    let columns = Utm::COLUMN_LIST;
    sql(format!(
        "select {columns}, click_ids, tags, derived, internal, origin, fingerprint, channel from touches order by id"
    ))
    .fetch_all(&mut db.read().await.expect("a connection"))
    .await
    .expect("rows")
}

/// Stores the touches of the requests, a day apart, and reclassifies them.
async fn reclassified(db: &Db, settings: &Settings, requests: &[Request]) -> Summary {
    let visitor = visitor(db, false).await;
    let day = |place: usize| Timestamp::EPOCH + crate::timestamp::DAY * place as u32;
    let rows = requests.iter().enumerate().map(|(place, request)| request.row(visitor, day(place)));
    db.insert(rows.collect()).await.expect("touches");
    reclassify(db, settings, |_, _| {}).await.expect("a summary")
}

#[tokio::test]
async fn a_touch_of_older_rules_gets_what_the_same_request_stores_today() {
    let requests = [
        link("utm_source=youtube&utm_campaign=launch&gclid=x", "", ["youtube", "", "launch"])
            .with_ids(r#"{"gclid":"x"}"#),
        link("utm_source=tiktok&ttclid=x", "", ["tiktok", "", ""]).with_ids(r#"{"ttclid":"x"}"#),
        link("utm_medium=cpc&gclid=x", "", ["", "cpc", ""]).with_ids(r#"{"gclid":"x"}"#),
        link("utm_medium=cpc", "https://www.youtube.com/", ["", "cpc", ""]),
        link("utm_source=google&utm_medium=organic&gclid=x", "", ["google", "organic", ""])
            .with_ids(r#"{"gclid":"x"}"#),
        link("utm_source=linkedin&utm_medium=social&li_fat_id=x", "", ["linkedin", "social", ""])
            .with_ids(r#"{"li_fat_id":"x"}"#),
        Request { derived: true, ..link("fbclid=x", "", ["facebook", "social", ""]).with_ids(r#"{"fbclid":"x"}"#) },
        link("utm_source=substack&utm_medium=email", "", ["substack", "email", ""]),
        link("utm_source=news&utm_campaign={{campaign.name}}", "", ["news", "", "{{campaign.name}}"]),
        link("utm_source=news&utm_campaign=spring%2520sale", "", ["news", "", "spring%20sale"]),
        link("utm_source=news&gclid={gclid}", "", ["news", "", ""]).with_ids(r#"{"gclid":"{gclid}"}"#),
        link("utm_source=(not set)&utm_medium=(none)", "https://www.google.com/", ["(not set)", "(none)", ""]),
        from("https://search.brave.com/", "brave", "organic"),
        from("https://urldefense.com/", "urldefense.com", "referral"),
        from("https://googleads.g.doubleclick.net/", "googleads.g.doubleclick.net", "referral"),
        from("android-app://org.thunderdog.challegram/", "org.thunderdog.challegram", "referral"),
        from("https://blog.example/post", "blog.example", "referral"),
    ];
    each_database(async |db| {
        let settings = settings(Rules::default());
        let summary = reclassified(&db, &settings, &requests).await;
        assert_eq!((summary.looked_at, summary.kept.len(), summary.unsure.len()), (17, 0, 0), "{summary:?}");
        for (request, reading) in requests.iter().zip(readings(&db).await) {
            assert_eq!(reading, request.anew(&settings), "{} {}", request.query, request.referrer);
        }
        let again = reclassify(&db, &settings, |_, _| {}).await.expect("a summary");
        assert_eq!(again, Summary { looked_at: 17, ..Summary::default() });
    })
    .await;
}

#[tokio::test]
async fn a_touch_that_would_not_be_stored_today_is_kept_and_counted() {
    let requests = [
        from("https://semalt.semalt.com/", "semalt.semalt.com", "referral"),
        from("https://abnamro.nl/", "abnamro.nl", "referral"),
        from("https://blog.shop.example/", "blog.shop.example", "referral"),
        // The browser asked for privacy, so the click id was not stored.
        Request { derived: true, ..link("gclid=x", "", ["google", "cpc", ""]) },
        link("utm_source=(not set)", "", ["(not set)", "", ""]),
    ];
    each_database(async |db| {
        let summary = reclassified(&db, &settings(Rules::default()), &requests).await;
        let kept: Vec<u64> = summary.kept.values().copied().collect();
        assert_eq!((kept.iter().sum::<u64>(), kept.len()), (5, 4), "{summary:?}");
        let readings = readings(&db).await;
        let sources: Vec<_> = readings.iter().map(|reading| reading.utm.source.as_deref()).collect();
        assert_eq!(
            sources,
            [Some("semalt.semalt.com"), Some("abnamro.nl"), Some("blog.shop.example"), Some("google"), None]
        );
        let internal: Vec<_> = readings.iter().map(|reading| reading.internal).collect();
        assert_eq!(internal, [false, false, true, false, false]);
        assert_eq!(readings[3].channel, "Paid Search");
        assert_eq!(readings[4].channel, "Direct");
    })
    .await;
}

#[tokio::test]
async fn what_the_stored_fields_do_not_tell_is_counted() {
    let cut: &str = Box::leak(format!("{}%20", "a".repeat(252)).into_boxed_str());
    let requests = [
        Request { path: "/auth/github/callback", ..from("https://github.com/", "github.com", "referral") },
        link("utm_source=news&utm_campaign=…", "", ["news", "", cut]),
    ];
    each_database(async |db| {
        let summary = reclassified(&db, &settings(Rules::default()), &requests).await;
        assert_eq!(summary.unsure.values().copied().collect::<Vec<_>>(), [1, 1], "{summary:?}");
        let visitor = visitor(&db, false).await;
        let twice = [
            link("utm_source=news", "", ["news", "", ""]),
            link("utm_source=news&utm_medium=(none)", "", ["news", "(none)", ""]),
        ];
        let rows = twice.iter().zip(0..).map(|(request, n)| request.row(visitor, Timestamp::EPOCH + n * MILLISECOND));
        db.insert(rows.collect()).await.expect("touches");
        let summary = reclassify(&db, &settings(Rules::default()), |_, _| {}).await.expect("a summary");
        assert_eq!(summary.unsure, BTreeMap::from([(reread::REPEAT, 1)]));
    })
    .await;
}
