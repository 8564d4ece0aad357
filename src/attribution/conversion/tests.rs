use super::*;
use crate::{
    db::{Db, testing::each_database},
    id::{ConversionId, UserId},
    timestamp::MILLISECOND,
};

/// 2026-11-23T15:30:00Z
const NOW: Timestamp = Timestamp::from_millis(1_795_447_800_000);

async fn add_user(db: &Db, email: &'static str) -> UserId {
    let id = UserId::new();
    db.transaction(move |conn| {
        Box::pin(async move {
            sql("insert into users (id, email, email_lower, password_hash, created_at) values ($1, $2, $2, '', $3)")
                .bind(id)
                .bind(email)
                .bind(NOW)
                .execute(conn)
                .await?;
            sign_up_conversion(conn, id, NOW).await
        })
    })
    .await
    .expect("a user");
    id
}

fn purchase(user: UserId, external_id: &str) -> Draft<'_> {
    Draft {
        user: Some(user),
        kind: Some("purchase"),
        value: Minor(4900),
        currency: Some("EUR"),
        source: "checkout",
        external_id,
        ..Draft::default()
    }
}

fn refund<'a>(of: &'a str, external_id: &'a str, value: i64) -> Draft<'a> {
    Draft { value: Minor(value), source: "checkout", external_id, refunds: Some(of), ..Draft::default() }
}

/// Records in a transaction of its own. The transaction commits after a refusal too, so a test sees any row that the refusal left
/// behind.
async fn record(db: &Db, draft: Draft<'_>) -> Result<Recorded, RecordError> {
    let new = NewConversion::parse(draft, NOW).map_err(RecordError::Refused)?;
    db.transaction(move |conn| {
        Box::pin(async move {
            let answer = record_conversion(conn, &new, NOW).await;
            // the caller's transaction goes on after a refusal too
            sql("select 1").execute(conn).await?;
            Ok::<_, Error>(answer)
        })
    })
    .await
    .expect("a commit")
}

/// Returns the fields that were refused.
fn fields(answer: Result<Recorded, RecordError>) -> Vec<&'static str> {
    match answer {
        Err(RecordError::Refused(mistakes)) => mistakes.into_iter().map(|mistake| mistake.field).collect(),
        other => panic!("{other:?}"),
    }
}

fn conflict(answer: Result<Recorded, RecordError>) -> &'static str {
    match answer {
        Err(RecordError::Conflict { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

async fn number(db: &Db, query: &'static str) -> i64 {
    sql(query).fetch_scalar(&mut db.read().await.expect("a connection")).await.expect("a number")
}

/// Changes a user's rows as erasure does.
async fn erase(db: &Db, user: UserId) {
    db.transaction(move |conn| {
        Box::pin(async move {
            sql("update users set erased_at = $2 where id = $1").bind(user).bind(NOW).execute(conn).await?;
            let rows: Vec<(ConversionId, String, String)> =
                sql("select id, source, external_id from conversions where user_id = $1")
                    .bind(user)
                    .fetch_all(conn)
                    .await?;
            for (id, source, external_id) in rows {
                sql("update conversions set external_id = $2 where id = $1")
                    .bind(id)
                    .bind(erased_id(&source, &external_id))
                    .execute(conn)
                    .await?;
            }
            Ok::<_, Error>(())
        })
    })
    .await
    .expect("erased");
}

#[tokio::test]
async fn a_report_counts_once_and_a_different_one_is_refused() {
    each_database(async |db| {
        let (user, other) = (add_user(&db, "a@example.com").await, add_user(&db, "b@example.com").await);
        let first = record(&db, purchase(user, "o-1")).await.expect("recorded");
        assert!(matches!(first, Recorded::New(_)));
        let again = Draft { occurred_at: Some(NOW - MILLISECOND), kind: Some("PURCHASE"), ..purchase(user, "o-1") };
        assert_eq!(record(&db, again).await.expect("recorded"), Recorded::Already(first.id()));
        let differing = [
            ("user", Draft { user: Some(other), ..purchase(user, "o-1") }),
            ("kind", Draft { kind: Some("demo"), ..purchase(user, "o-1") }),
            ("value", Draft { value: Minor(4901), ..purchase(user, "o-1") }),
            ("currency", Draft { currency: Some("USD"), ..purchase(user, "o-1") }),
        ];
        for (field, draft) in differing {
            assert_eq!(conflict(record(&db, draft).await), field);
        }
        // another source's names are its own
        let elsewhere = Draft { source: "sales-desk", value: Minor(1), ..purchase(user, "o-1") };
        assert!(matches!(record(&db, elsewhere).await, Ok(Recorded::New(_))));
        assert!(matches!(record(&db, purchase(user, "O-1")).await, Ok(Recorded::New(_))), "case matters");
        assert_eq!(fields(record(&db, purchase(UserId::new(), "o-9")).await), ["user"]);
        assert_eq!(number(&db, "select count(*) from conversions where kind = 'purchase'").await, 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_count_once() {
    each_database(async |db| {
        let (user, other) = (add_user(&db, "a@example.com").await, add_user(&db, "b@example.com").await);
        for round in ["one", "two", "three"] {
            let same = (0..20).map(|_| record(&db, purchase(user, round)));
            let answers: Vec<Recorded> = futures::future::try_join_all(same).await.expect("each is answered");
            assert_eq!(answers.iter().filter(|answer| matches!(answer, Recorded::New(_))).count(), 1, "{round}");
            assert!(answers.iter().all(|answer| answer.id() == answers[0].id()), "{round}");
        }
        // reports of one conversion for two users: no user's lock orders them
        let mixed = (0..20).map(|n| record(&db, purchase(if n % 2 == 0 { user } else { other }, "mixed")));
        let answers = futures::future::join_all(mixed).await;
        assert_eq!(answers.iter().filter(|answer| matches!(answer, Ok(Recorded::New(_)))).count(), 1);
        let conflicts =
            answers.iter().filter(|answer| matches!(answer, Err(RecordError::Conflict { field: "user", .. })));
        assert_eq!(conflicts.count(), 10);
        assert_eq!(number(&db, "select count(*) from conversions where source = 'checkout'").await, 4);
    })
    .await;
}

#[tokio::test]
async fn it_counts_only_if_the_callers_transaction_does() {
    each_database(async |db| {
        let user = add_user(&db, "a@example.com").await;
        let new = NewConversion::parse(purchase(user, "o-1"), NOW).expect("fine");
        let undone: Result<(), RecordError> = db
            .transaction(move |conn| {
                Box::pin(async move {
                    record_conversion(conn, &new, NOW).await?;
                    Err(Error::from(sqlx::Error::RowNotFound).into())
                })
            })
            .await;
        assert!(undone.is_err());
        assert!(matches!(record(&db, purchase(user, "o-1")).await, Ok(Recorded::New(_))));
        // a refusal that the caller returns as an error undoes the caller's changes
        let new = NewConversion::parse(Draft { value: Minor(1), ..purchase(user, "o-1") }, NOW).expect("fine");
        let undone = db
            .transaction(move |conn| {
                Box::pin(async move {
                    sql("update users set email = 'changed'").execute(conn).await?;
                    record_conversion(conn, &new, NOW).await
                })
            })
            .await;
        assert!(undone.expect_err("refused").to_string().contains("another value"));
        assert_eq!(number(&db, "select count(*) from users where email = 'changed'").await, 0);
    })
    .await;
}

#[tokio::test]
async fn refunds_bring_the_sum_to_zero_and_never_below() {
    each_database(async |db| {
        let user = add_user(&db, "a@example.com").await;
        let first = record(&db, purchase(user, "o-1")).await.expect("recorded").id();
        assert_eq!(fields(record(&db, refund("o-1", "r-0", -4901)).await), ["value"]);
        record(&db, refund("o-1", "r-1", -900)).await.expect("a part");
        let whole = Draft { refunds: None, refund_of: Some(first), source: "sales-desk", ..refund("", "r-2", -4000) };
        record(&db, whole).await.expect("the rest, by the id, from elsewhere");
        assert_eq!(fields(record(&db, refund("o-1", "r-3", -1)).await), ["value"]);
        // a repeated report is not a second refund
        assert!(matches!(record(&db, refund("o-1", "r-1", -900)).await, Ok(Recorded::Already(_))));
        assert_eq!(conflict(record(&db, refund("o-1", "r-1", -901)).await), "value");
        let sum = "select cast(sum(value) as bigint) from conversions where kind = 'purchase' and currency = 'EUR'";
        assert_eq!(number(&db, sum).await, 0);
        let of = "select count(*) from conversions r join conversions f on f.id = r.refund_of
            where f.external_id = 'o-1' and r.user_id = f.user_id";
        assert_eq!(number(&db, of).await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_refund_is_of_what_it_names() {
    each_database(async |db| {
        let (user, other) = (add_user(&db, "a@example.com").await, add_user(&db, "b@example.com").await);
        record(&db, purchase(user, "o-1")).await.expect("recorded");
        record(&db, purchase(user, "o-2")).await.expect("recorded");
        record(&db, Draft { value: Minor::ZERO, currency: None, kind: Some("demo"), ..purchase(user, "d-1") })
            .await
            .expect("recorded");
        record(&db, refund("o-1", "r-1", -100)).await.expect("refunded");
        let fine = refund("o-1", "r-2", -100);
        for (expected, draft) in [
            (&["refunds"][..], Draft { refunds: Some("o-9"), ..fine }),
            (&["refunds"], Draft { source: "sales-desk", ..fine }),
            (&["refunds"], Draft { refunds: None, refund_of: Some(ConversionId::new()), ..fine }),
            (&["refunds"], Draft { refunds: Some("r-1"), ..fine }),
            (&["refunds"], Draft { refunds: Some("r-2"), ..fine }),
            (&["refunds"], Draft { refunds: Some("d-1"), ..fine }),
            (&["currency"], Draft { currency: Some("USD"), ..fine }),
            (&["user"], Draft { user: Some(other), ..fine }),
            (&["user", "kind", "value"], Draft { user: Some(other), kind: Some("demo"), value: Minor(-4801), ..fine }),
        ] {
            assert_eq!(fields(record(&db, draft).await), expected, "{draft:?}");
        }
        assert_eq!(conflict(record(&db, Draft { refunds: Some("o-2"), ..refund("", "r-1", -100) }).await), "refunds");
        let same = Draft { user: Some(user), kind: Some("purchase"), currency: Some("eur"), ..fine };
        assert!(matches!(record(&db, same).await, Ok(Recorded::New(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refunds_at_once_do_not_exceed_the_first() {
    each_database(async |db| {
        let user = add_user(&db, "a@example.com").await;
        record(&db, purchase(user, "o-1")).await.expect("recorded");
        let names: Vec<String> = (0..20).map(|n| format!("r-{n}")).collect();
        let answers = futures::future::join_all(names.iter().map(|name| record(&db, refund("o-1", name, -1000)))).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 4);
        assert_eq!(number(&db, "select cast(sum(value) as bigint) from conversions").await, 900);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_doubled_webhook_that_goes_on_to_change_the_user_waits_for_its_twin() {
    each_database(async |db| {
        let user = add_user(&db, "a@example.com").await;
        let twins = (0..8).map(|_| {
            let new = NewConversion::parse(purchase(user, "o-1"), NOW).expect("fine");
            db.transaction(move |conn| {
                Box::pin(async move {
                    let recorded = record_conversion(conn, &new, NOW).await?;
                    sql("update users set email = 'b' where id = $1").bind(user).execute(conn).await?;
                    Ok::<_, RecordError>(recorded)
                })
            })
        });
        let answers = futures::future::try_join_all(twins).await.expect("no deadlock");
        assert_eq!(answers.iter().filter(|answer| matches!(answer, Recorded::New(_))).count(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_was_erased_is_recognised_and_not_brought_back() {
    each_database(async |db| {
        let user = add_user(&db, "a@example.com").await;
        let first = record(&db, purchase(user, "order-of-maria")).await.expect("recorded");
        record(&db, refund("order-of-maria", "refund-of-maria", -100)).await.expect("recorded");
        erase(&db, user).await;
        let again = record(&db, purchase(user, "order-of-maria")).await.expect("an answer");
        assert_eq!(again, Recorded::Already(first.id()));
        let refunded = record(&db, refund("order-of-maria", "refund-of-maria", -100)).await.expect("an answer");
        assert!(matches!(refunded, Recorded::Already(_)));
        for expected in [Recorded::New, Recorded::Already] {
            let late = record(&db, refund("order-of-maria", "late-refund-of-maria", -4800)).await.expect("an answer");
            assert_eq!(late, expected(late.id()));
        }
        assert_eq!(fields(record(&db, purchase(user, "order-2-of-maria")).await), ["user"]);
        assert_eq!(number(&db, "select count(*) from conversions where external_id like '%maria%'").await, 0);
        assert_eq!(number(&db, "select cast(sum(value) as bigint) from conversions").await, 0);

        let mut conn = db.read().await.expect("a connection");
        let owner = async |conn: &mut Conn, source, name| erased_owner(conn, source, name).await.expect("an answer");
        assert_eq!(owner(&mut conn, "checkout", "order-of-maria").await, Some(user));
        assert_eq!(owner(&mut conn, "sales-desk", "order-of-maria").await, None);
        assert_eq!(owner(&mut conn, "checkout\0", "order\0-of-maria").await, None);
    })
    .await;
}

#[tokio::test]
async fn a_sign_up_is_recorded_once_like_the_migration_did() {
    each_database(async |db| {
        let user = add_user(&db, "a@example.com").await;
        db.transaction(move |conn| Box::pin(sign_up_conversion(conn, user, NOW + MILLISECOND)))
            .await
            .expect("twice is fine");
        type SignUp = (ConversionId, UserId, String, i64, Option<String>, Timestamp, String, String, bool);
        let rows: Vec<SignUp> =
            sql("select id, user_id, kind, value, currency, occurred_at, source, external_id, sample from conversions")
                .fetch_all(&mut db.read().await.expect("a connection"))
                .await
                .expect("rows");
        let external_id = format!("signup:{}", user.as_uuid().simple());
        assert_eq!(
            rows,
            [(
                ConversionId::of_sign_up(user),
                user,
                "signup".into(),
                0,
                None,
                NOW,
                "waymark".into(),
                external_id,
                false
            )]
        );
    })
    .await;
}

#[test]
fn the_erased_form_is_the_digest_of_both_names() {
    // printf 'checkout\0o-1' | sha256sum
    let expected = "erased:a2cbd793b335a6cb93315ece3bd43a5350eedaef01f5a866b46773fb626a0eaa";
    assert_eq!(erased_id("checkout", "o-1"), expected);
    assert_ne!(erased_id("checkouto", "-1"), expected);
}
