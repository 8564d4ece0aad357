use std::time::Duration;

use serde_json::json;

use super::{
    Arrival, DAY, Person, THEN, conversion, count, erase, link, person, referred, run, session, touch, visitor,
};
use crate::{
    attribution::conversion::erased_id,
    auth::{User, throttle, user::parse_email},
    db::{Db, sql, testing::each_database},
    id::{TouchId, UserId},
    privacy::{
        erase::{EraseError, find_late, work},
        export::export,
    },
};

async fn texts(db: &Db, touch: TouchId) -> [Option<String>; 6] {
    type Row = (Option<String>, Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);
    let (campaign, term, content, path, referrer, maps): Row =
        sql("select campaign, term, content, landing_path, referrer,
            click_ids || tags from touches where id = $1")
        .bind(touch)
        .fetch_one(&mut db.read().await.expect("a connection"))
        .await
        .expect("a row");
    [campaign, term, content, path, referrer, maps]
}

fn some<const N: usize>(values: [&str; N]) -> [Option<String>; N] {
    values.map(|value| Some(value.to_owned()))
}

/// Does what a round of housekeeping does.
async fn finish_late(db: &Db) {
    find_late(db).await.expect("found");
    assert!(work(db, Duration::from_secs(60), |_| {}).await.expect("finished"));
}

/// Adds Maria with a session, a referral link and a failed sign-in.
async fn maria(db: &Db) -> Person {
    let maria = person(db, "Maria@example.com").await;
    session(db, maria.user).await;
    link(db, maria.user, "marias-link").await;
    throttle::count_failure(db, "maria@example.com", None).await.expect("counted");
    maria
}

#[tokio::test]
async fn nothing_says_who_it_was() {
    each_database(async |db| {
        let maria = maria(&db).await;
        let friend = person(&db, "friend@example.com").await;
        link(&db, friend.user, "friends-link").await;
        referred(&db, maria.user, "friends-link").await;
        referred(&db, friend.user, "marias-link").await;
        let purchase = conversion(&db, maria.user, "order-maria", 4900, None).await;
        conversion(&db, maria.user, "refund-maria", -4900, Some(purchase)).await;
        let (clicks, tags) = (r#"{"gclid":"CLICK"}"#, r#"{"ref":["x"]}"#);
        let mine = Arrival { click_ids: clicks, tags, referrer: "mail.example/inbox/maria", ..Arrival::default() };
        let all = touch(&db, maria.visitor, mine).await;
        let own = Arrival { term: "for-maria", content: "for-maria", landing_path: "/invited/maria-17", ..mine };
        let own = touch(&db, maria.visitor, own).await;
        let strangers = Arrival { click_ids: clicks, tags, ..Arrival::default() };
        let strangers = touch(&db, visitor(&db, THEN).await, strangers).await;

        erase(&db, maria.user).await.expect("erased");

        let mut conn = db.read().await.expect("a connection");
        assert!(User::find_by_email(&mut conn, "maria@example.com").await.expect("answered").is_none());
        let nobody = User::find(&mut conn, maria.user).await.expect("answered").expect("the row stays");
        let document = export(&mut conn, &nobody, THEN).await.expect("exported");
        let document = serde_json::to_value(&document).expect("JSON");
        let email = document["account"]["email"].as_str().expect("a text");
        assert!(email.starts_with("erased-") && parse_email(email).is_err(), "{email}");
        assert!(document["account"]["erased_at"].is_string() && document["account"]["disabled_at"].is_string());
        assert_eq!((&document["sessions"], &document["failed_sign_ins"]), (&json!([]), &json!(null)));
        assert_eq!(document["referral_link"], json!(null));
        assert_eq!(document["referred_by"]["token"], "friends-link", "the link that brought her");
        let text = document.to_string().to_lowercase();
        assert!(!text.contains("maria") && !text.contains("click\""), "{text}");
        let conversions = &document["conversions"];
        assert_eq!(conversions[0]["external_id"], erased_id("checkout", "order-maria"));
        assert_eq!(conversions[0]["value_in_minor_units"], 4900);
        assert_eq!(conversions[1]["external_id"], erased_id("checkout", "refund-maria"));
        assert_eq!(count(&db, "select count(*) from sign_in_failures").await, 0);
        assert_eq!(
            count(
                &db,
                "select count(*) from referral_tokens where token = 'marias-link' and owner_id is null and
                disabled_at is not null"
            )
            .await,
            1
        );
        assert_eq!(count(&db, "select count(*) from referrals where token = 'marias-link'").await, 1);

        assert_eq!(texts(&db, all).await, some(["spring", "shoes", "banner", "/pricing", "mail.example/", "{}{}"]));
        let cut =
            [Some("spring".into()), None, None, Some("/".into()), Some("mail.example/".into()), Some("{}{}".into())];
        assert_eq!(texts(&db, own).await, cut, "what no other visitor has is gone");
        let kept = format!("{clicks}{tags}");
        let kept = ["spring", "shoes", "banner", "/pricing", "blog.example/", &kept];
        assert_eq!(texts(&db, strangers).await, some(kept), "others keep their texts");
    })
    .await;
}

#[tokio::test]
async fn the_address_goes_wherever_it_stands() {
    each_database(async |db| {
        let maria = maria(&db).await;
        let address = Arrival {
            campaign: "welcome maria@example.com",
            content: "MARIA@example.com",
            landing_path: "/unsubscribe/maria%40example.com",
            referrer: "mail.example/to/maria@example.com",
            tags: r#"{"ref":["maria@example.com"]}"#,
            ..Arrival::default()
        };
        let mine = touch(&db, maria.visitor, address).await;
        // a mail that was forwarded to somebody, who opened the link twice
        let somebody = visitor(&db, THEN).await;
        let forwarded = touch(&db, somebody, address).await;
        touch(&db, somebody, address).await;
        let another = Arrival { campaign: "annamaria@example.com", ..address };
        let another =
            Arrival { content: "x@example.com", landing_path: "/", referrer: "a.example/", tags: "{}", ..another };
        let another = touch(&db, somebody, another).await;

        erase(&db, maria.user).await.expect("erased");

        let cleared =
            [None, Some("shoes".into()), None, Some("/".into()), Some("mail.example/".into()), Some("{}{}".into())];
        assert_eq!(texts(&db, mine).await, cleared);
        assert_eq!(texts(&db, forwarded).await, cleared);
        let kept = ["annamaria@example.com", "shoes", "x@example.com", "/", "a.example/", "{}{}"];
        assert_eq!(texts(&db, another).await, some(kept), "another person's");
        let mut fingerprints: Vec<(i64,)> = sql("select distinct fingerprint from touches")
            .fetch_all(&mut db.read().await.expect("a connection"))
            .await
            .expect("rows");
        fingerprints.sort_unstable();
        assert_eq!(fingerprints.len(), 2, "equal where they were equal: {fingerprints:?}");
        assert!(fingerprints.contains(&(-4711,)), "the other person's stays");
    })
    .await;
}

#[tokio::test]
async fn the_address_can_sign_up_again_and_again_be_erased() {
    each_database(async |db| {
        let first = maria(&db).await;
        touch(&db, first.visitor, Arrival::default()).await;
        erase(&db, first.user).await.expect("erased");
        let snapshot =
            "select count(*) from users u join visitors v on v.user_id = u.id join touches t on t.visitor_id = v.id";
        assert_eq!(count(&db, snapshot).await, 1);
        // erasing again, and several times at once, is harmless
        let again = futures::future::join_all((0..4).map(|_| erase(&db, first.user))).await;
        assert!(again.iter().all(Result::is_ok), "{again:?}");
        assert_eq!(count(&db, snapshot).await, 1);
        let second = person(&db, "Maria@example.com").await;
        erase(&db, second.user).await.expect("erased");
        assert_eq!(count(&db, "select count(*) from users where email_lower like 'erased-%'").await, 2);
        assert!(matches!(erase(&db, UserId::NIL).await, Err(EraseError::Unknown)));
    })
    .await;
}

#[tokio::test]
async fn the_last_admin_stays() {
    each_database(async |db| {
        let (one, other) = (person(&db, "one@example.com").await, person(&db, "other@example.com").await);
        run(&db, sql("update users set role = 'admin'")).await;
        let answers = futures::future::join_all([one.user, other.user].map(|user| erase(&db, user))).await;
        let refused = answers.iter().filter(|answer| matches!(answer, Err(EraseError::LastAdmin))).count();
        assert_eq!(refused, 1, "of two who go at once one stays: {answers:?}");
        assert_eq!(count(&db, "select count(*) from users where role = 'admin' and erased_at is null").await, 1);
        assert_eq!(count(&db, "select count(*) from users where role = 'admin'").await, 1);
    })
    .await;
}

#[tokio::test]
async fn what_comes_in_late_is_erased_too() {
    each_database(async |db| {
        let maria = maria(&db).await;
        touch(&db, maria.visitor, Arrival::default()).await;
        erase(&db, maria.user).await.expect("erased");
        finish_late(&db).await;
        assert_eq!(count(&db, "select count(*) from erasures").await, 1, "nothing to do");
        // a landing and a sign-in that were in flight during the erasure
        let late = Arrival { click_ids: r#"{"gclid":"LATE"}"#, term: "for-maria", ..Arrival::default() };
        // a normal fingerprint, which is larger than those of erased touches
        touch(&db, maria.visitor, Arrival { at: THEN + DAY, fingerprint: 1 << 60, ..late }).await;
        finish_late(&db).await;
        assert_eq!(count(&db, "select count(*) from touches where click_ids <> '{}' or term = 'for-maria'").await, 0);
        session(&db, maria.user).await;
        finish_late(&db).await;
        assert_eq!(count(&db, "select count(*) from tower_sessions").await, 0);
        assert_eq!(count(&db, "select count(*) from touches").await, 2);
    })
    .await;
}
