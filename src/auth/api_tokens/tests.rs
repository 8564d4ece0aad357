use super::*;
use crate::{
    db::testing::each_database,
    timestamp::{DAY, MILLISECOND},
};

#[test]
fn tokens_are_long_random_and_unlike_each_other() {
    let tokens: std::collections::HashSet<String> = (0..1000).map(|_| Secret::random().0).collect();
    assert_eq!(tokens.len(), 1000);
    for token in tokens {
        let random = BASE64_URL_SAFE_NO_PAD.decode(&token[PREFIX.len()..]).expect("base64url");
        assert_eq!(random.len() * 8, 256);
        assert!(Secret::parse(&token).is_some(), "{token}");
    }
}

#[tokio::test]
async fn a_token_is_known_until_it_is_revoked_and_stored_nowhere() {
    each_database(async |db| {
        let token = create(&db, "checkout", Terms::default(), &Actor::command_line()).await.expect("a token");
        let other = create(&db, "other", Terms::default(), &Actor::command_line()).await.expect("a token");
        let caller = authenticate(&db, &token).await.expect("an answer");
        assert_eq!(caller.map(|caller| caller.name), Some("checkout".into()));
        for wrong in [
            "",
            "wmk_",
            &token[..token.len() - 1],
            &token.to_uppercase(),
            &token.to_lowercase(),
            &token.replacen("wmk_", "wmk-", 1),
            &format!("{token}="),
            &format!("wmk_{}", "A".repeat(RANDOM_CHARS)),
            "wmk_\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        ] {
            assert_eq!(authenticate(&db, wrong).await.expect("an answer"), None, "{wrong}");
        }
        let hashes: Vec<(Vec<u8>,)> = sql("select token_hash from api_tokens order by name")
            .fetch_all(&mut db.read().await.expect("a connection"))
            .await
            .expect("rows");
        assert_eq!(hashes[0].0, Sha256::digest(&token).to_vec());

        assert!(revoke(&db, "checkout", &Actor::command_line()).await.expect("an answer"));
        assert!(!revoke(&db, "checkout", &Actor::command_line()).await.expect("an answer"), "it is over already");
        assert!(!revoke(&db, "nobody", &Actor::command_line()).await.expect("an answer"));
        assert!(!revoke(&db, "a\0b", &Actor::command_line()).await.expect("an answer"));
        assert_eq!(authenticate(&db, &token).await.expect("an answer"), None);
        assert!(authenticate(&db, &other).await.expect("an answer").is_some());
    })
    .await;
}

#[tokio::test]
async fn a_name_has_one_good_token() {
    each_database(async |db| {
        let first = create(&db, "checkout", Terms::default(), &Actor::command_line()).await.expect("a token");
        let error =
            create(&db, "checkout", Terms::default(), &Actor::command_line()).await.expect_err("the name is taken");
        assert!(matches!(error, ApiTokenError::Taken), "{error}");
        assert!(authenticate(&db, &first).await.expect("an answer").is_some());
        revoke(&db, "checkout", &Actor::command_line()).await.expect("revoked");
        let second =
            create(&db, "checkout", Terms::default(), &Actor::command_line()).await.expect("the name is free again");
        assert_eq!(authenticate(&db, &first).await.expect("an answer"), None, "the old one stays revoked");
        assert!(authenticate(&db, &second).await.expect("an answer").is_some());
        for name in ["", "a\nb", " checkout", "waymark", "erased:x", &"x".repeat(256)] {
            let error = create(&db, name, Terms::default(), &Actor::command_line()).await.expect_err("no name");
            assert!(matches!(error, ApiTokenError::Name(_)), "{name}: {error}");
        }
        assert_eq!(list(&db).await.expect("tokens").len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_last_use_is_noted_once_a_minute() {
    each_database(async |db| {
        let token = create(&db, "checkout", Terms::default(), &Actor::command_line()).await.expect("a token");
        let last_use = async || list(&db).await.expect("tokens")[0].last_used_at;
        assert_eq!(last_use().await, None);
        authenticate(&db, &token).await.expect("an answer");
        let noted = last_use().await.expect("noted");
        authenticate(&db, &token).await.expect("an answer");
        assert_eq!(last_use().await, Some(noted), "not again within a minute");
        let id: ApiTokenId = sql("select id from api_tokens")
            .fetch_scalar(&mut db.read().await.expect("a connection"))
            .await
            .expect("an id");
        note_use(&db, id, noted + USE_NOTED_EVERY - MILLISECOND).await.expect("an answer");
        assert_eq!(last_use().await, Some(noted));
        note_use(&db, id, noted + USE_NOTED_EVERY).await.expect("an answer");
        assert_eq!(last_use().await, Some(noted + USE_NOTED_EVERY));
    })
    .await;
}

#[tokio::test]
async fn a_token_reports_as_its_sources_until_it_ends() {
    each_database(async |db| {
        let sources = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let terms = |names: &[&str], lasts| Terms { sources: sources(names), lasts, reads: false };
        let own = create(&db, "checkout", Terms::default(), &Actor::command_line()).await.expect("a token");
        let several = create(&db, "relay", terms(&["checkout", "a, b"], Some(DAY)), &Actor::command_line())
            .await
            .expect("a token");
        let allowed = async |token: &str, source: &str| {
            authenticate(&db, token).await.expect("an answer").map(|caller| caller.scope.allows(source))
        };
        for (token, source, expected) in [
            (&own, "checkout", true),
            (&own, "Checkout", false),
            (&own, "relay", false),
            (&several, "checkout", true),
            (&several, "a, b", true),
            (&several, "a", false),
            (&several, "relay", false),
        ] {
            assert_eq!(allowed(token, source).await, Some(expected), "{source}");
        }
        let error = create(&db, "x", terms(&["waymark"], None), &Actor::command_line())
            .await
            .expect_err("this site's own name");
        assert!(matches!(error, ApiTokenError::Source(..)), "{error}");

        assert!(change(&db, "checkout", terms(&["relay"], None), &Actor::command_line()).await.expect("an answer"));
        assert_eq!((allowed(&own, "checkout").await, allowed(&own, "relay").await), (Some(false), Some(true)));
        assert!(!change(&db, "nobody", Terms::default(), &Actor::command_line()).await.expect("an answer"));

        assert!(matches!(
            create(&db, "relay", Terms::default(), &Actor::command_line()).await,
            Err(ApiTokenError::Taken)
        ));
        let end = sql("update api_tokens set expires_at = $1 where name = 'relay'").bind(db.now());
        db.transaction(|conn| Box::pin(end.execute(conn))).await.expect("the token ends");
        assert_eq!(allowed(&several, "checkout").await, None, "the token has ended");
        let new = create(&db, "relay", Terms::default(), &Actor::command_line()).await.expect("the name is free again");
        assert_eq!(allowed(&new, "relay").await, Some(true));
    })
    .await;
}
