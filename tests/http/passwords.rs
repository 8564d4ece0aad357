//! Which passwords are accepted, how they are kept, and how one is changed.

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, Version,
    password_hash::{SaltString, rand_core::OsRng},
};
use reqwest::StatusCode;
use waymark::db::sql;

use crate::support::{PASSWORD, TestApp, each_app, header, session_cookie, with_cookie};

/// A password of 32 characters that no list of common passwords has.
const PHRASE: &str = "seven quiet otters, 4 blue kites";

#[tokio::test]
async fn lengths_are_counted_in_characters_and_nothing_is_changed() {
    each_app(async |app| {
        let longest = PHRASE.repeat(4);
        let cases = [
            ("kq7!vz2", false),
            ("kq7!vz2p", true),
            (&longest[..64], true),
            (&longest, true),
            (&format!("{longest}x"), false),
            // 129 and 130 bytes; 128 and 129 characters.
            (&format!("ж{}", &longest[..127]), true),
            (&format!("ж{longest}"), false),
            ("  spaces at both ends  ", true),
            ("one e with its accent: e\u{301}", true),
        ];
        for (number, (password, accepted)) in cases.into_iter().enumerate() {
            let email = format!("user{number}@example.com");
            let form = [("email", email.as_str()), ("password", password)];
            let response = app.browser().post("/api/register", &form).send().await.expect("an answer");
            assert_eq!(header(&response, "location") == "/account", accepted, "{password:?}");
            let signed_in = header(&app.browser().login(&email, password).await, "location") == "/account";
            assert_eq!(signed_in, accepted, "{password:?}");
        }
        for (number, other) in [
            (7, "spaces at both ends"),
            (7, "  spaces at both ends"),
            (8, "one e with its accent: \u{e9}"),
            (3, &format!("{longest}x")),
            (3, &longest[..127]),
        ] {
            let response = app.browser().login(&format!("user{number}@example.com"), other).await;
            assert_eq!(header(&response, "location"), "/login", "{other:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_guesser_tries_first_is_refused() {
    each_app(async |app| {
        let common = [
            "password",
            "12345678",
            "password123",
            "iloveyou",
            "qwertyuiop",
            "baseball",
            "trustno1",
            "superman",
            "Passw0rd",
            "waymark1",
            "waymark2026",
            "marialopez",
            "marialopez1",
            "marialopez@example.com",
        ];
        for password in common {
            let form = [("email", "marialopez@example.com"), ("password", password)];
            let response = app.browser().post("/api/register", &form).send().await.expect("an answer");
            assert_eq!(header(&response, "location"), "/register", "{password}");
        }
        assert_eq!(app.count("select count(*) from users").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_huge_password_is_refused_before_it_is_read() {
    each_app(async |app| {
        let huge = "x".repeat(1024 * 1024);
        let before = app.db.operations();
        for path in ["/api/login", "/api/register", "/api/password"] {
            let form = [("email", "maria@example.com"), ("password", huge.as_str())];
            let response = app.browser().post(path, &form).send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "{path}");
            assert!(header(&response, "content-type").starts_with("text/html"));
            assert!(response.text().await.expect("text").contains("That request did not work"));
        }
        assert_eq!(app.db.operations(), before, "no query");
    })
    .await;
}

#[tokio::test]
async fn a_body_that_grows_while_it_is_sent_is_refused_too() {
    each_app(async |app| {
        let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
        let request = format!(
            "POST /api/register HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{chunk}{chunk}0\r\n\r\n"
        );
        let answer = crate::support::raw(&app.url, &request).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert!(!answer.to_lowercase().contains("\r\nlocation:"), "{answer}");
    })
    .await;
}

async fn stored_hash(app: &TestApp) -> String {
    sql("select password_hash from users").fetch_scalar(&mut app.conn().await).await.expect("one user")
}

#[tokio::test]
async fn a_password_is_kept_as_argon2id_and_a_weaker_hash_is_made_anew_at_the_next_sign_in() {
    const PROMISED: &str = "$argon2id$v=19$m=19456,t=2,p=1$";
    each_app(async |app| {
        app.member("maria@example.com").await;
        assert!(stored_hash(&app).await.starts_with(PROMISED));
        let params = Params::new(8_192, 1, 1, None).expect("parameters");
        for algorithm in [Algorithm::Argon2id, Algorithm::Argon2i] {
            let weak = Argon2::new(algorithm, Version::V0x13, params.clone());
            let weak =
                weak.hash_password(PASSWORD.as_bytes(), &SaltString::generate(&mut OsRng)).expect("a hash").to_string();
            app.execute(sql("update users set password_hash = $1").bind(weak.clone())).await;
            assert_eq!(header(&app.browser().login("maria@example.com", "wrong").await, "location"), "/login");
            assert_eq!(stored_hash(&app).await, weak, "a failure changes nothing");
            let browser = app.browser();
            assert_eq!(header(&browser.login("maria@example.com", PASSWORD).await, "location"), "/account");
            assert!(stored_hash(&app).await.starts_with(PROMISED), "{}", stored_hash(&app).await);
            assert!(browser.is_signed_in().await);
            assert_eq!(header(&app.browser().login("maria@example.com", PASSWORD).await, "location"), "/account");
        }
    })
    .await;
}

#[tokio::test]
async fn a_changed_password_ends_all_other_sessions() {
    each_app(async |app| {
        let here = app.browser();
        here.open("/?utm_source=a").await;
        let old_cookie = session_cookie(&here.register("maria@example.com").await).expect("a cookie");
        let there = app.browser();
        there.login("maria@example.com", PASSWORD).await;
        let bystander = app.member("bob@example.com").await;

        let change = async |current: &str, new: &str| {
            let form = [("current_password", current), ("new_password", new)];
            here.post("/api/password", &form).send().await.expect("an answer")
        };
        for (current, new, message) in [
            ("wrong", PHRASE, "This is not your current password."),
            ("", PHRASE, "This is not your current password."),
            (PASSWORD, "short", "Use at least 8 characters."),
            (PASSWORD, "password123", "easy to guess"),
            (PASSWORD, "maria@example.com", "easy to guess"),
        ] {
            let response = change(current, new).await;
            assert_eq!(
                (response.status(), header(&response, "location")),
                (StatusCode::SEE_OTHER, "/account"),
                "{message}"
            );
            assert_eq!(session_cookie(&response), None, "{message}");
            assert!(here.text("/account").await.contains(message), "{message}");
        }
        assert!(there.is_signed_in().await, "nothing happened yet");

        let response = change(PASSWORD, PHRASE).await;
        assert_eq!(header(&response, "location"), "/account");
        let new_cookie = session_cookie(&response).expect("a new id");
        assert_ne!(new_cookie, old_cookie);
        assert!(here.text("/account").await.contains("The password is changed."));
        assert!(here.is_signed_in().await && bystander.is_signed_in().await);
        assert!(!there.is_signed_in().await);
        assert!(!with_cookie(&app.url, &old_cookie).is_signed_in().await);
        // The visitor is the same as before.
        here.open("/?utm_source=b").await;
        assert_eq!(app.count("select count(distinct visitor_id) from lead_sources").await, 1);
        assert_eq!(app.count("select count(*) from lead_sources").await, 2);

        assert_eq!(header(&app.browser().login("maria@example.com", PASSWORD).await, "location"), "/login");
        assert_eq!(header(&app.browser().login("maria@example.com", PHRASE).await, "location"), "/account");
    })
    .await;
}

#[tokio::test]
async fn two_changes_at_once_do_not_both_win() {
    each_app(async |app| {
        let browser = app.member("maria@example.com").await;
        let change = |new: &'static str| {
            let form = [("current_password", PASSWORD), ("new_password", new)];
            browser.post_json("/api/password", &form).send()
        };
        let (first, second) = tokio::join!(change(PHRASE), change("nine loud herons, 2 red kites"));
        let statuses = [first.expect("an answer").status(), second.expect("an answer").status()];
        assert_eq!(statuses.iter().filter(|status| **status == StatusCode::OK).count(), 1, "{statuses:?}");
    })
    .await;
}

#[tokio::test]
async fn who_is_not_signed_in_changes_no_password() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let before = stored_hash(&app).await;
        let form = [("current_password", PASSWORD), ("new_password", PHRASE), ("email", "maria@example.com")];
        let response = app.browser().post("/api/password", &form).send().await.expect("an answer");
        assert_eq!(
            (response.status(), header(&response, "location")),
            (StatusCode::SEE_OTHER, "/login?next=%2Faccount")
        );
        assert_eq!(stored_hash(&app).await, before);
    })
    .await;
}
