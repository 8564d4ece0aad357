use super::*;
use crate::db::testing::each_database;

/// RFC 6238, appendix B: the secret of the SHA-1 examples.
const RFC_SECRET: &[u8] = b"12345678901234567890";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

#[test]
fn codes_are_those_of_the_rfc() {
    // The examples have eight digits, and codes of six are their ends.
    for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924")] {
        assert_eq!(step(RFC_SECRET.to_vec(), code, at(seconds)), Some(seconds / 30), "{code}");
    }
}

#[test]
fn a_code_is_right_for_its_step_and_one_step_around() {
    for (seconds, right) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
        let found = step(RFC_SECRET.to_vec(), "081804", at(1_111_111_109 + seconds));
        assert_eq!(found.is_some(), right, "{seconds}");
        assert!(found.is_none_or(|step| step == 1_111_111_109 / 30), "the step is the code's own");
    }
    for text in ["", "81804", "0818040", "08180x", "０８１８０４", "081804\0"] {
        assert_eq!(step(RFC_SECRET.to_vec(), text, at(1_111_111_109)), None, "{text:?}");
    }
}

#[test]
fn recovery_codes_are_long_and_unlike_each_other() {
    let codes: std::collections::HashSet<String> = (0..100).flat_map(|_| recovery_codes()).collect();
    assert_eq!(codes.len(), 1_000);
    for code in codes {
        assert_eq!((code.len(), code.matches('-').count()), (19, 3), "{code}");
    }
}

#[tokio::test]
async fn of_two_at_once_one_uses_up_a_code() {
    each_database(async |db| {
        let user = UserId::new();
        let insert = sql("insert into users (id, email, email_lower, password_hash, created_at) values ($1, 'a@b.c', 'a@b.c', '!', 0)");
        db.execute(insert.bind(user)).await.expect("added");
        begin(&db, user).await.expect("begun");
        let digest = digest("abcd-efgh-ijkm-npqr");
        let codes = vec![digest.clone()];
        db.transaction(move |conn| Box::pin(replace_recovery_codes(conn, user, codes, at(0)))).await.expect("stored");
        for found in [Found::Step(7), Found::Recovery(digest)] {
            let tries = (0..8).map(|_| {
                let found = found.clone();
                db.transaction(move |conn| Box::pin(use_up(conn, user, found)))
            });
            let used = futures::future::join_all(tries).await;
            let used = used.into_iter().filter(|used: &Result<bool, Error>| *used.as_ref().expect("answered")).count();
            assert_eq!(used, 1, "{found:?}");
        }
        let earlier = db.transaction(move |conn| Box::pin(use_up(conn, user, Found::Step(6)))).await;
        assert!(!earlier.expect("answered"), "an earlier code does not count after a later one");
    })
    .await;
}
