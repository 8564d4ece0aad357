//! Sessions: which user each belongs to, when it ends, and that an ended session does not come back.

use std::time::Duration;

use axum::{Json, Router, extract::Path, routing::get};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tower_sessions::Session;
use waymark::{
    db::sql,
    timestamp::{DAY, Timestamp},
};

use crate::support::{
    Browser, PASSWORD, Setup, TestApp, each_app, each_app_with, header, session_cookie, set_cookies, with_cookie,
};

/// The session's key for the time when it began and the time of its last use.
const SIGNED_IN: &str = "waymark.signed_in";

/// Adds handlers that write into the session and read it.
fn setup() -> Setup {
    let put = async |session: Session, Path(key): Path<String>| session.insert(&key, "kept").await.expect("a session");
    let got = async |session: Session, Path(key): Path<String>| {
        Json(session.get_value(&key).await.expect("a session").unwrap_or(Value::Null))
    };
    Setup { routes: Router::new().route("/put/{key}", get(put)).route("/got/{key}", get(got)), ..Setup::default() }
}

async fn got(browser: &Browser, key: &str) -> Value {
    browser.get(&format!("/got/{key}")).send().await.expect("an answer").json().await.expect("JSON")
}

async fn sign_in(browser: &Browser, email: &str) -> String {
    let response = browser.login(email, PASSWORD).await;
    assert_eq!(header(&response, "location"), "/account", "{email}");
    session_cookie(&response).expect("a cookie")
}

async fn opens_account(app: &TestApp, cookie: &str) -> bool {
    with_cookie(&app.url, cookie).is_signed_in().await
}

#[tokio::test]
async fn every_sign_in_has_a_new_id_and_the_old_one_is_dead() {
    each_app_with(setup, async |app| {
        let browser = app.browser();
        browser.open("/put/cart").await;
        browser.open("/?utm_source=a").await;
        let mut cookies = vec![session_cookie(&browser.register("a@example.com").await).expect("a cookie")];
        assert_eq!(got(&browser, "cart").await, "kept", "what an anonymous visitor did is the new member's");
        for _ in 0..3 {
            cookies.push(sign_in(&browser, "a@example.com").await);
            assert_eq!(got(&browser, "cart").await, "kept", "the same person");
        }
        let current = cookies.pop().expect("the last");
        for old in &cookies {
            assert_ne!(*old, current);
            assert!(!opens_account(&app, old).await, "{old}");
        }
        assert!(opens_account(&app, &current).await);
    })
    .await;
}

#[tokio::test]
async fn nothing_of_one_user_is_left_for_the_next() {
    each_app_with(setup, async |app| {
        app.member("a@example.com").await;
        app.member("b@example.com").await;
        // What happens to the first user in between: nothing, disabled, or all sessions ended.
        for meanwhile in [
            "",
            "update users set disabled_at = 1 where email = 'a@example.com'",
            "update users set session_epoch = 7, disabled_at = null where email = 'a@example.com'",
        ] {
            for signs_up in [false, true] {
                app.execute(sql("update users set disabled_at = null")).await;
                let browser = app.browser();
                browser.open("/?utm_source=of-a").await;
                let of_a = sign_in(&browser, "a@example.com").await;
                browser.open("/put/secret").await;
                if !meanwhile.is_empty() {
                    app.execute(sql(meanwhile)).await;
                }
                let email = format!("new{}@example.com", app.count("select count(*) from users").await);
                let of_b = match signs_up {
                    true => session_cookie(&browser.register(&email).await).expect("a cookie"),
                    false => sign_in(&browser, "b@example.com").await,
                };
                assert_ne!(of_a, of_b);
                assert_eq!(got(&browser, "secret").await, Value::Null, "{meanwhile} {signs_up}");
                let page = browser.text("/account").await;
                assert!(!page.contains("a@example.com") && !page.contains("of-a"), "{meanwhile} {signs_up}");
                assert!(!opens_account(&app, &of_a).await, "{meanwhile} {signs_up}");
            }
        }
        let strangers =
            "select count(*) from lead_sources l join users u on u.id = l.user_id where u.email <> 'a@example.com'";
        assert_eq!(app.count(strangers).await, 0, "the touches are the first user's");
    })
    .await;
}

#[tokio::test]
async fn a_sign_up_that_fails_signs_nobody_out() {
    each_app_with(setup, async |app| {
        app.member("b@example.com").await;
        let browser = app.member("a@example.com").await;
        browser.open("/put/cart").await;
        for (email, password) in [("b@example.com", PASSWORD), ("c@example.com", "short")] {
            let response = browser.post("/api/register", &[("email", email), ("password", password)]).send().await;
            assert_eq!(header(&response.expect("an answer"), "location"), "/register");
            assert_eq!(header(&browser.login("b@example.com", "wrong").await, "location"), "/login");
            assert!(browser.text("/account").await.contains("a@example.com"));
            assert_eq!(got(&browser, "cart").await, "kept");
        }
    })
    .await;
}

#[tokio::test]
async fn a_signed_out_cookie_is_dead_and_the_browser_is_a_new_visitor() {
    each_app_with(setup, async |app| {
        let browser = app.browser();
        browser.open("/?utm_source=first").await;
        let cookie = session_cookie(&browser.register("a@example.com").await).expect("a cookie");
        let response = browser.logout().await;
        assert_eq!(set_cookies(&response), ["waymark=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"]);
        assert!(!opens_account(&app, &cookie).await);
        assert_eq!(app.count("select count(*) from tower_sessions where user_id is not null").await, 0);
        // A late request with the old cookie changes nothing.
        let late = with_cookie(&app.url, &cookie);
        late.open("/put/late").await;
        assert!(!opens_account(&app, &cookie).await);
        browser.open("/?utm_source=second").await;
        browser.register("b@example.com").await;
        assert_eq!(app.count("select count(distinct user_id) from lead_sources").await, 2);
        assert_eq!(app.count("select count(*) from lead_sources").await, 2);
        // Signing out without being signed in is not an error.
        assert_eq!(app.browser().logout().await.status(), StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn an_id_that_we_did_not_give_is_never_taken_over() {
    each_app_with(setup, async |app| {
        let planted = "waymark=AAAAAAAAAAAAAAAAAAAAAA";
        for cookie in [
            planted,
            "waymark=",
            "waymark=x",
            "waymark=AAAAAAAAAAAAAAAAAAAAAA==",
            "waymark=%00",
            "waymark=\"\"",
            "waymark",
        ] {
            let browser = with_cookie(&app.url, cookie);
            for path in ["/", "/account", "/put/key", "/?utm_source=a"] {
                let response = browser.get(path).send().await.expect("an answer");
                assert!(!response.status().is_server_error(), "{cookie} {path}");
                assert_ne!(session_cookie(&response).as_deref(), Some(planted), "{cookie} {path}");
            }
            assert_eq!(got(&browser, "key").await, Value::Null, "{cookie}");
        }
        let browser = with_cookie(&app.url, planted);
        let form = [("email", "a@example.com"), ("password", PASSWORD)];
        let response = browser.post("/api/register", &form).send().await.expect("an answer");
        let given = session_cookie(&response).expect("a cookie");
        assert_ne!(given, planted);
        assert!(opens_account(&app, &given).await && !opens_account(&app, planted).await);
    })
    .await;
}

#[tokio::test]
async fn a_planted_session_does_not_become_the_victims() {
    each_app_with(setup, async |app| {
        let attacker = app.browser();
        let planted = session_cookie(&attacker.get("/put/mine").send().await.expect("an answer")).expect("a cookie");
        let victim = with_cookie(&app.url, &planted);
        let form = [("email", "victim@example.com"), ("password", PASSWORD)];
        let response = victim.post("/api/register", &form).send().await.expect("an answer");
        assert_eq!(header(&response, "location"), "/account");
        assert!(!opens_account(&app, &planted).await, "fixation");
    })
    .await;
}

#[tokio::test]
async fn a_copy_of_the_table_opens_nothing() {
    each_app(async |app| {
        let browser = app.member("a@example.com").await;
        let cookie = sign_in(&browser, "a@example.com").await;
        let (id, data): (String, Vec<u8>) =
            sql("select id, data from tower_sessions").fetch_one(&mut app.conn().await).await.expect("one session");
        assert!(!opens_account(&app, &format!("waymark={id}")).await);
        let secret = cookie.trim_start_matches("waymark=");
        assert!(!id.contains(secret) && !String::from_utf8_lossy(&data).contains(secret));
    })
    .await;
}

#[tokio::test]
async fn a_disabled_user_is_out_with_the_next_request() {
    each_app(async |app| {
        let browser = app.member("a@example.com").await;
        app.execute(sql("update users set disabled_at = 1")).await;
        assert!(!browser.is_signed_in().await);
        let form = [("current_password", PASSWORD), ("new_password", "another good phrase")];
        let response = browser.post_json("/api/password", &form).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(browser.open("/?utm_source=a").await, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn a_session_that_cannot_be_read_is_none() {
    each_app(async |app| {
        let browser = app.member("a@example.com").await;
        for garbage in [&b"\xc1garbage"[..], b"", b"\x93\x01\x02\x03"] {
            app.execute(sql("update tower_sessions set data = $1").bind(garbage)).await;
            for path in ["/", "/login", "/?utm_source=a"] {
                let response = browser.get(path).send().await.expect("an answer");
                assert_eq!(response.status(), StatusCode::OK, "{path}");
            }
            assert!(!browser.is_signed_in().await);
            sign_in(&browser, "a@example.com").await;
            assert!(browser.is_signed_in().await);
        }
        // The entries in the session are those of another release.
        app.execute(sql("delete from tower_sessions where data = $1").bind(&b"\x93\x01\x02\x03"[..])).await;
        app.edit_sessions(|record| {
            for value in record.data.values_mut() {
                *value = json!("something else");
            }
        })
        .await;
        for path in ["/", "/login", "/?utm_source=b"] {
            assert_eq!(browser.open(path).await, StatusCode::OK, "{path}");
        }
        assert!(!browser.is_signed_in().await);
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_at_last_in_any_case() {
    each_app(async |app| {
        for (since, seen, lives) in [
            (Duration::ZERO, Duration::ZERO, true),
            (13 * DAY, 13 * DAY, true),
            (14 * DAY + Duration::from_mins(1), 14 * DAY + Duration::from_mins(1), false),
            (89 * DAY, Duration::ZERO, true),
            (90 * DAY + Duration::from_mins(1), Duration::ZERO, false),
        ] {
            let browser = app.browser();
            app.execute(sql("delete from tower_sessions")).await;
            browser.register(&format!("{}.{}@example.com", since.as_secs(), seen.as_secs())).await;
            let now = app.db.now();
            app.edit_sessions(|record| {
                record.data.insert(SIGNED_IN.into(), json!({ "since": now - since, "seen": now - seen }));
            })
            .await;
            assert_eq!(browser.is_signed_in().await, lives, "{since:?} {seen:?}");
            assert_eq!(app.count("select count(*) from tower_sessions").await, i64::from(lives), "{since:?} {seen:?}");
            if lives && seen > DAY {
                app.edit_sessions(|record| {
                    let seen = Timestamp::from_millis(record.data[SIGNED_IN]["seen"].as_i64().expect("a time"));
                    assert!(now - seen < DAY, "using it counts");
                    assert_eq!(record.data[SIGNED_IN]["since"], (now - since).as_millis());
                })
                .await;
            }
        }
        // An expired session is also removed if no request asks for it.
        let browser = app.browser();
        browser.register("b@example.com").await;
        app.execute(sql("update tower_sessions set expiry_date = $1").bind(time::OffsetDateTime::now_utc())).await;
        assert!(!browser.is_signed_in().await);
    })
    .await;
}

#[tokio::test]
async fn changes_of_different_keys_at_once_are_all_kept() {
    each_app_with(setup, async |app| {
        for browser in [app.browser(), app.member("a@example.com").await] {
            browser.open("/put/first").await;
            let keys: Vec<String> = (0..20).map(|n| format!("key{n}")).collect();
            futures::future::join_all(keys.iter().map(async |key| browser.open(&format!("/put/{key}")).await)).await;
            for key in keys {
                assert_eq!(got(&browser, &key).await, "kept", "{key}");
            }
        }
    })
    .await;
}
