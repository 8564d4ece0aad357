//! Touches in a row that are one step of a path.

use super::{
    credit::settings,
    sample::{DAY, HOUR, ORIGIN, Sample},
};
use crate::{
    attribution::{
        model::{Credit, Model},
        report::credit::credit_of_user,
    },
    db::{sql, testing::each_database},
};

#[tokio::test]
async fn clicks_on_one_link_in_a_row_are_one_step_whatever_their_click_ids() {
    let mut sample = Sample::default();
    let user = sample.user("a@example.com", ORIGIN);
    let visitor = sample.visitor(Some(user));
    let [first, again, last] = [0, 1, 2].map(|n| sample.touch(visitor, ORIGIN + n * HOUR, Some("spring")));
    sample.aliases.push(("Spring", "spring"));
    sample.conversion(user, "demo", ORIGIN + DAY, (0, ""));
    each_database(async |db| {
        sample.store(&db).await;
        let steps = async || {
            let mut conn = db.read().await.expect("a connection");
            let credited = credit_of_user(&mut conn, user, &settings(), Model::Linear).await.expect("credit");
            let total: Credit = credited[0].shares.iter().map(|(_, share)| share.conversions).sum();
            assert_eq!(total, Credit::ONE);
            credited[0].shares.iter().map(|(touch, _)| *touch).collect::<Vec<_>>()
        };
        let set = async |column: &str, value: crate::db::Value| {
            let text = format!("update touches set {column} = $2 where id = $1");
            let query = sql(text).bind(again).bind_all([value]);
            let done = db.transaction(move |conn| Box::pin(async move { query.execute(conn).await }));
            assert_eq!(done.await.expect("the row is changed"), 1, "{column}");
        };
        let distinct: i64 = sql("select count(distinct fingerprint) from touches")
            .fetch_scalar(&mut db.read().await.expect("a connection"))
            .await
            .expect("a count");
        assert_eq!(distinct, 3, "each has its own click id");
        assert_eq!(steps().await, [first]);
        set("click_ids", r#"{"gclid":"another"}"#.into()).await;
        set("tags", r#"{"ref":["x"]}"#.into()).await;
        set("landing_path", "/elsewhere".into()).await;
        assert_eq!(steps().await, [first]);

        // Another value in any UTM field makes the second touch another link, so the third touch is a step, too.
        for (column, is) in
            [("source", Some("google")), ("medium", Some("cpc")), ("campaign", Some("spring"))].into_iter().chain(
                ["term", "content", "utm_id", "source_platform", "creative_format", "marketing_tactic"]
                    .map(|column| (column, None)),
            )
        {
            // reports show “Spring” as the campaign “spring”, but the link has another name
            set(column, "Spring".into()).await;
            assert_eq!(steps().await, [first, again, last], "{column}");
            set(column, is.into()).await;
            assert_eq!(steps().await, [first], "{column}");
        }
    })
    .await;
}

#[tokio::test]
async fn erased_touches_are_told_apart_by_what_is_left_of_them() {
    let mut sample = Sample::default();
    let user = sample.user("a@example.com", ORIGIN);
    let visitor = sample.visitor(Some(user));
    let touches = [0, 1, 2, 3].map(|n| sample.touch(visitor, ORIGIN + n * HOUR, Some("spring")));
    sample.conversion(user, "demo", ORIGIN + DAY, (0, ""));
    each_database(async |db| {
        sample.store(&db).await;
        // fingerprints as erasure leaves them: the terms differed and are gone
        for (touch, fingerprint) in touches.into_iter().zip([4711_i64, 4711, (1 << 40) - 1, 4711]) {
            let query = sql("update touches set fingerprint = $2 where id = $1").bind(touch).bind(fingerprint);
            let done = db.transaction(move |conn| Box::pin(async move { query.execute(conn).await }));
            assert_eq!(done.await.expect("the row is changed"), 1);
        }
        let mut conn = db.read().await.expect("a connection");
        let credited = credit_of_user(&mut conn, user, &settings(), Model::Linear).await.expect("credit");
        let steps: Vec<_> = credited[0].shares.iter().map(|(touch, _)| *touch).collect();
        assert_eq!(steps, [touches[0], touches[2], touches[3]]);
    })
    .await;
}
