//! The counts of the data-quality page.

use super::{
    facts, question,
    sample::{ORIGIN, Sample},
};
use crate::{
    attribution::report::{
        Filter, Preset,
        quality::{SimilarNames, TouchCounts, ignored, ignored_days, touches},
    },
    db::{Db, sql, testing::each_database},
    timestamp::Timestamp,
};

const NOW: Timestamp = super::recompute::NOW;

fn filter(query: &str) -> Filter {
    Filter::parse(query, Preset::All, NOW).filter
}

async fn counted(db: &Db, query: &str) -> (TouchCounts, SimilarNames) {
    let (facts, question) = (facts(db).await, question(db, &filter(query)).await);
    touches(&facts, &question)
}

async fn execute(db: &Db, statement: &'static str) {
    db.execute(sql(statement)).await.expect("the statement runs");
}

#[tokio::test]
async fn what_did_not_count_by_reason_and_day() {
    each_database(async |db| {
        execute(
            &db,
            "insert into ignored_arrivals (day, reason, count) values
             ('2026-03-01', 'bot_ai', 5), ('2026-03-01', 'prefetch', 1), ('2026-03-02', 'bot_ai', 1),
             ('2026-03-04', 'prefetch', 7), ('2027-01-01', 'gpc', 9)",
        )
        .await;
        let mut conn = db.read().await.expect("a connection");
        let march = filter("from=2026-03-01&to=2026-03-31").period;
        let reasons = ignored(&mut conn, &march).await.expect("the reasons");
        assert_eq!(reasons, [("prefetch".to_owned(), 8), ("bot_ai".to_owned(), 6)]);
        let days = ignored_days(&mut conn, &march, 2).await.expect("the days");
        let totals: Vec<_> = days.iter().map(|day| (day.day.as_str(), day.total())).collect();
        assert_eq!(totals, [("2026-03-04", 7), ("2026-03-02", 1)]);
        let days = ignored_days(&mut conn, &march, 9).await.expect("the days");
        assert_eq!((days.len(), days[2].counts["bot_ai"], days[2].counts["prefetch"]), (3, 5, 1));
        assert_eq!(ignored(&mut conn, &filter("period=all").period).await.expect("the reasons")[0].0, "gpc");
        assert_eq!(ignored(&mut conn, &filter("from=2026-03-03&to=2026-03-03").period).await.expect("none"), []);
    })
    .await;
}

#[tokio::test]
async fn touches_to_look_at() {
    let sample = Sample::pseudo_random(5);
    each_database(async |db| {
        sample.store(&db).await;
        execute(&db, "update touches set hits = 3, derived = true, rules_version = '1+ab' where campaign = 'spring'")
            .await;
        assert_eq!(counted(&db, "from=2020-01-01&to=2020-01-01").await.0, TouchCounts::default());
        let (found, _) = counted(&db, "period=all").await;
        let count = |holds: &dyn Fn(&super::sample::Touch) -> bool| {
            sample.touches.iter().filter(|touch| holds(touch)).count() as i64
        };
        let spring = count(&|touch| touch.campaign == Some("spring"));
        assert_eq!(found.all, sample.touches.len() as i64);
        assert_eq!((found.repeats, found.derived), (2 * spring, spring));
        assert_eq!(found.internal, count(&|touch| touch.internal));
        assert_eq!(found.without_source, count(&|touch| touch.source.is_none()));
        assert_eq!(found.without_medium, count(&|touch| touch.medium.is_none()));
        assert!(spring > 0 && found.without_source > 0 && found.without_medium > 0 && found.internal > 0);
        assert_eq!((found.by_other_rules("1"), found.by_other_rules("1+ab")), (spring, found.all - spring));
        let (narrow, _) = counted(&db, "period=all&campaign=spring").await;
        assert_eq!((narrow.all, narrow.by_rules), (spring, vec![("1+ab".to_owned(), spring)]));
    })
    .await;
}

#[tokio::test]
async fn merged_names_no_longer_look_alike() {
    let mut sample = Sample::default();
    let visitor = sample.visitor(None);
    for campaign in ["spring_sale", "spring_sale", "spring_sale", "spring-sale", "springsale", "springsale", "other"] {
        sample.touch(visitor, ORIGIN, Some(campaign));
    }
    sample.touch(visitor, ORIGIN, None);
    each_database(async |db| {
        sample.store(&db).await;
        let (_, found) = counted(&db, "period=all").await;
        let pairs: Vec<_> = found
            .pairs
            .iter()
            .map(|pair| (pair.fewer.name.as_str(), pair.fewer.touches, pair.more.name.as_str(), pair.more.touches))
            .collect();
        assert_eq!(pairs, [("springsale", 2, "spring_sale", 3), ("spring-sale", 1, "spring_sale", 3)]);
        assert!(!found.cut);
        assert_eq!(counted(&db, "from=2020-01-01&to=2020-01-01").await.1.pairs, []);
        execute(
            &db,
            "insert into campaign_aliases (alias, campaign, created_at) values ('springsale', 'spring_sale', 0)",
        )
        .await;
        let (_, found) = counted(&db, "period=all").await;
        assert_eq!(found.pairs.len(), 1);
        assert_eq!((found.pairs[0].fewer.name.as_str(), found.pairs[0].more.touches), ("spring-sale", 5));
    })
    .await;
}
