//! The list of conversions.

use super::{
    credit::{asked, queries, settings},
    facts,
    naive_credit::NaiveCredit,
    question,
    sample::{DAY, ORIGIN, Sample},
};
use crate::{
    attribution::{
        facts::Facts,
        model::{Minor, Model},
        report::{
            Question, Range,
            conversions::{ListedConversion, find_conversions, read_conversions},
        },
    },
    db::{
        Db,
        page::{Cursor, Page, Position},
        testing::each_database,
    },
    id::ConversionId,
};

async fn page(
    db: &Db,
    facts: &Facts,
    question: &Question,
    position: Position<Cursor>,
    limit: u32,
) -> (Page<ListedConversion, Cursor>, i64) {
    let found = find_conversions(facts, question, &settings(), position, limit);
    let mut conn = db.read().await.expect("a connection");
    (read_conversions(&mut conn, facts, &found).await.expect("a page"), found.count)
}

#[tokio::test]
async fn a_conversion_is_listed_where_a_touch_of_its_path_is_found() {
    let sample = Sample::with_conversions(17);
    let naive = NaiveCredit::new(&sample, settings());
    each_database(async |db| {
        sample.store(&db).await;
        let facts = facts(&db).await;
        let mut found = 0;
        for query in queries() {
            let filter = asked(query);
            let question = question(&db, &filter).await;
            let range = filter.period.range();
            let mut expected: Vec<_> = sample
                .conversions
                .iter()
                .filter(|row| row.refund_of.is_none() && range.contains(row.occurred_at))
                .filter(|row| filter.kind.as_deref().is_none_or(|kind| kind == row.kind))
                .filter(|row| {
                    let path = naive.shares(row.id, Model::Linear);
                    path.iter().any(|(touch, _)| naive.finds(&filter, row, *touch))
                })
                .collect();
            expected.sort_by_key(|row| std::cmp::Reverse((row.occurred_at, row.id)));
            found += expected.len();
            let mut walked = Vec::new();
            let mut position = Position::Newest;
            loop {
                let (page, count) = self::page(&db, &facts, &question, position, 7).await;
                assert_eq!(count as usize, expected.len(), "{query}");
                if let (Some(newer), true) = (page.newer, walked.len() >= 7) {
                    let (back, _) = self::page(&db, &facts, &question, Position::After(newer), 7).await;
                    let back: Vec<ConversionId> = back.rows.iter().map(|row| row.id).collect();
                    let before: Vec<ConversionId> =
                        expected[walked.len() - 7..walked.len()].iter().map(|row| row.id).collect();
                    assert_eq!(back, before, "{query}");
                }
                walked.extend(page.rows);
                let Some(older) = page.older else { break };
                position = Position::Before(older);
            }
            assert_eq!(walked.len(), expected.len(), "{query}");
            for (listed, expected) in walked.iter().zip(expected) {
                assert_eq!(listed.id, expected.id, "{query}");
                assert_eq!((listed.value, listed.currency.as_deref()), (expected.value, expected.currency));
                let refunds = sample.conversions.iter().filter(|row| row.refund_of == Some(expected.id));
                assert_eq!(listed.refunded, -refunds.map(|row| row.value).sum::<Minor>(), "{query}");
            }
        }
        assert!(found > 500, "{found}");
        assert!(sample.conversions.iter().any(|row| row.refund_of.is_some() && Range::ALL.contains(row.occurred_at)));
    })
    .await;
}

#[tokio::test]
async fn of_conversions_of_one_moment_only_the_kind_asked_for_is_listed() {
    let mut sample = Sample::default();
    let user = sample.user("a@example.com", ORIGIN);
    let purchase = sample.conversion(user, "purchase", ORIGIN + DAY, (100, "EUR"));
    sample.conversion(user, "demo", ORIGIN + DAY, (0, ""));
    each_database(async |db| {
        sample.store(&db).await;
        let (facts, question) = (facts(&db).await, question(&db, &asked("period=all&kind=purchase")).await);
        let (page, count) = page(&db, &facts, &question, Position::Newest, 5).await;
        let ids: Vec<ConversionId> = page.rows.iter().map(|row| row.id).collect();
        assert_eq!((ids, count), (vec![purchase], 1));
    })
    .await;
}

#[tokio::test]
async fn without_conversions_there_are_none() {
    each_database(async |db| {
        let (facts, question) = (facts(&db).await, question(&db, &asked("period=all&channel=Direct")).await);
        let (page, count) = page(&db, &facts, &question, Position::Newest, 5).await;
        assert_eq!((page.rows.len(), page.newer, page.older, count), (0, None, None, 0));
        assert_eq!(facts.counts().conversions, 0);
    })
    .await;
}
