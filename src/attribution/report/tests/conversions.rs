//! The list of conversions.

use super::{
    credit::{asked, queries, settings},
    naive_credit::NaiveCredit,
    sample::Sample,
};
use crate::{
    attribution::{
        model::{Minor, Model},
        report::{
            Range,
            conversions::{any_conversion, conversion_count, conversions},
            page::PagePosition,
        },
    },
    db::testing::each_database,
    id::ConversionId,
};

#[tokio::test]
async fn a_conversion_is_listed_where_a_touch_of_its_path_is_found() {
    let sample = Sample::with_conversions(17);
    let naive = NaiveCredit::new(&sample, settings());
    each_database(async |db| {
        sample.store(&db).await;
        let mut conn = db.read().await.expect("a connection");
        let mut found = 0;
        for query in queries() {
            let filter = asked(query);
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
            let count = conversion_count(&mut conn, &filter, &settings()).await.expect("a count");
            assert_eq!(count as usize, expected.len(), "{query}");

            let mut walked = Vec::new();
            let mut position = PagePosition::Newest;
            loop {
                let page = conversions(&mut conn, &filter, &settings(), position, 7).await.expect("a page");
                if let (Some(newer), true) = (page.newer, walked.len() >= 7) {
                    let back = conversions(&mut conn, &filter, &settings(), PagePosition::After(newer), 7).await;
                    let back: Vec<ConversionId> = back.expect("a page").rows.iter().map(|row| row.id).collect();
                    let before: Vec<ConversionId> =
                        expected[walked.len() - 7..walked.len()].iter().map(|row| row.id).collect();
                    assert_eq!(back, before, "{query}");
                }
                walked.extend(page.rows);
                let Some(older) = page.older else { break };
                position = PagePosition::Before(older);
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
async fn without_conversions_there_are_none() {
    each_database(async |db| {
        let mut conn = db.read().await.expect("a connection");
        let filter = asked("period=all&channel=Direct");
        let page = conversions(&mut conn, &filter, &settings(), PagePosition::Newest, 5).await.expect("a page");
        assert_eq!((page.rows.len(), page.newer, page.older), (0, None, None));
        assert!(!any_conversion(&mut conn).await.expect("an answer"));
    })
    .await;
}
