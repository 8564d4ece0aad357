//! A browser in which a user signed in before is not kept out by strangers' guesses.

use std::{collections::HashSet, time::Duration};

use reqwest::{Response, StatusCode};
use waymark::{
    auth::operator::{create_admin, set_disabled, set_password},
    db::sql,
};

use crate::support::{Browser, PASSWORD, Setup, TestApp, each_app, each_app_with, header, set_cookies, with_cookie};

const MARIA: &str = "maria@example.com";
const OTHER: &str = "seven quiet otters, 4 blue kites";

fn behind_a_proxy() -> Setup {
    Setup { variables: vec![("TRUSTED_PROXIES", "127.0.0.0/8".into())], ..Setup::default() }
}

/// Signs in as a script does. The number stands for a network address.
async fn sign_in(browser: &Browser, from: u32, email: &str, password: &str) -> Response {
    let request = browser.post_json("/api/login", &[("email", email), ("password", password)]);
    let request = request.header("x-forwarded-for", format!("203.0.{}.{}", from / 250, from % 250 + 1));
    request.send().await.expect("an answer")
}

async fn status(browser: &Browser, from: u32, email: &str, password: &str) -> u16 {
    sign_in(browser, from, email, password).await.status().as_u16()
}

/// Fails as strangers do, until the account waits for a quarter of an hour.
async fn attack(app: &TestApp, email: &str) {
    for n in 0..20 {
        let status = status(&app.browser(), n, email, "wrong").await;
        assert!(matches!(status, 422 | 429), "{status}");
        app.execute(sql("update sign_in_failures set blocked_until = 0")).await;
    }
    let until = app.db.now() + Duration::from_mins(15);
    assert_eq!(app.execute(sql("update sign_in_failures set blocked_until = $1").bind(until)).await, 1);
}

/// Returns a browser's device cookie, as `name=value`.
fn device_cookie(response: &Response) -> String {
    let cookie = set_cookies(response).into_iter().find(|cookie| cookie.starts_with("waymark-device="));
    cookie.and_then(|cookie| cookie.split(';').next().map(str::to_owned)).expect("a device cookie")
}

#[tokio::test]
async fn strangers_do_not_keep_a_user_out_of_a_known_browser_at_any_replica_or_after_a_restart() {
    each_app_with(behind_a_proxy, async |app| {
        let home = app.member(MARIA).await;
        home.logout().await;
        attack(&app, MARIA).await;
        // The first failures of this address would make it wait too.
        for n in 0..10 {
            status(&app.browser(), 900, &format!("user{n}@example.com"), "wrong").await;
        }
        assert_eq!(status(&app.browser(), 500, MARIA, PASSWORD).await, 429, "a stranger waits");
        assert_eq!(status(&home, 900, MARIA, PASSWORD).await, 200, "a known browser does not");
        home.logout().await;
        // A server that starts now knows what the database knows.
        let (url, _stop) = app.replica().await;
        let elsewhere = Browser { url, ..home.clone() };
        assert_eq!(status(&elsewhere, 501, MARIA, PASSWORD).await, 200);
        assert_eq!(app.count("select failures from sign_in_failures where failures > 10").await, 20, "still counted");
        assert_eq!(status(&app.browser(), 502, MARIA, PASSWORD).await, 429, "a stranger waits still");
        app.execute(sql("update sign_in_failures set blocked_until = 0")).await;
        assert_eq!(status(&app.browser(), 503, MARIA, PASSWORD).await, 200, "the wait has an end for everybody");
    })
    .await;
}

#[tokio::test]
async fn a_known_browser_has_five_guesses_and_then_waits_alone() {
    each_app_with(behind_a_proxy, async |app| {
        let home = app.member(MARIA).await;
        let office = app.browser();
        assert_eq!(status(&office, 1, MARIA, PASSWORD).await, 200);
        for n in 0..6 {
            assert_eq!(status(&office, 10 + n, MARIA, "wrong").await, 422);
        }
        let until = app.db.now() + Duration::from_mins(15);
        let blocked = sql("update known_devices set blocked_until = $1 where failures = 6").bind(until);
        assert_eq!(app.execute(blocked).await, 1);
        let response = sign_in(&office, 20, MARIA, PASSWORD).await;
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(!header(&response, "retry-after").is_empty());
        assert_eq!(status(&home, 21, MARIA, PASSWORD).await, 200);
        assert_eq!(status(&app.browser(), 22, MARIA, PASSWORD).await, 200, "strangers are counted apart");
        assert_eq!(app.count("select count(*) from sign_in_failures").await, 0);
        app.execute(sql("update known_devices set blocked_until = 0")).await;
        assert_eq!(status(&office, 23, MARIA, PASSWORD).await, 200);
        assert_eq!(app.count("select count(*) from known_devices where failures > 0").await, 0, "forgotten");
    })
    .await;
}

#[tokio::test]
async fn a_cookie_of_another_account_or_of_nobody_gives_nothing() {
    each_app_with(behind_a_proxy, async |app| {
        app.member(MARIA).await;
        let eve = app.member("eve@example.com").await;
        attack(&app, MARIA).await;
        assert_eq!(status(&eve, 500, MARIA, PASSWORD).await, 429);
        for made_up in ["AAAAAAAAAAAAAAAAAAAAAA", "", "a.b", &"A".repeat(4_000)] {
            let browser = with_cookie(&app.url, &format!("waymark-device={made_up}"));
            assert_eq!(status(&browser, 501, MARIA, PASSWORD).await, 429, "{made_up}");
        }
        // The database has digests only.
        let hashes: Vec<(Vec<u8>,)> =
            sql("select token_hash from known_devices").fetch_all(&mut app.conn().await).await.expect("rows");
        assert_eq!(hashes.len(), 2);
        assert!(hashes.iter().all(|(hash,)| hash.len() == 32));
    })
    .await;
}

#[tokio::test]
async fn a_browser_is_known_for_each_of_its_accounts_and_a_user_in_ten_browsers() {
    each_app_with(behind_a_proxy, async |app| {
        let shared = app.member(MARIA).await;
        assert_eq!(status(&shared, 1, MARIA, PASSWORD).await, 200, "known, so no further row");
        shared.register("bob@example.com").await;
        assert_eq!(app.count("select count(*) from known_devices").await, 2);
        for email in [MARIA, "bob@example.com"] {
            attack(&app, email).await;
            assert_eq!(status(&shared, 500, email, PASSWORD).await, 200, "{email}");
            app.execute(sql("delete from sign_in_failures")).await;
        }
        let mut last = shared;
        for n in 0..10 {
            last = app.browser();
            assert_eq!(status(&last, 600 + n, MARIA, PASSWORD).await, 200);
        }
        let of_maria =
            "select count(*) from known_devices d join users u on u.id = d.user_id where u.email = 'maria@example.com'";
        assert_eq!(app.count(of_maria).await, 10);
        attack(&app, MARIA).await;
        assert_eq!(status(&last, 700, MARIA, PASSWORD).await, 200, "the latest is known");
    })
    .await;
}

#[tokio::test]
async fn a_new_password_forgets_the_other_browsers() {
    each_app_with(behind_a_proxy, async |app| {
        let home = app.member(MARIA).await;
        let office = app.browser();
        sign_in(&office, 1, MARIA, PASSWORD).await;
        let form = [("current_password", PASSWORD), ("new_password", OTHER)];
        let response = home.post_json("/api/password", &form).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(device_cookie(&response).len(), "waymark-device=".len() + 22, "one token, and a new one");
        assert_eq!(app.count("select count(*) from known_devices").await, 1);
        attack(&app, MARIA).await;
        assert_eq!(status(&office, 500, MARIA, OTHER).await, 429);
        assert_eq!(status(&home, 501, MARIA, OTHER).await, 200);
    })
    .await;
}

#[tokio::test]
async fn the_command_line_ends_waits_sessions_and_known_browsers() {
    each_app_with(behind_a_proxy, async |app| {
        let home = app.member(MARIA).await;
        attack(&app, MARIA).await;
        let rows = async |table: &str| app.count(format!("select count(*) from {table}")).await;
        set_password(&app.db, " Maria@Example.com", OTHER.into()).await.expect("set");
        for table in ["sign_in_failures", "known_devices", "tower_sessions"] {
            assert_eq!(rows(table).await, 0, "{table}");
        }
        assert!(!home.is_signed_in().await);
        assert_eq!(status(&app.browser(), 500, MARIA, OTHER).await, 200, "no wait");
        attack(&app, MARIA).await;
        create_admin(&app.db, MARIA, PASSWORD.into()).await.expect("an admin");
        assert_eq!(rows("sign_in_failures").await, 0);
        let admin = app.browser();
        assert_eq!(status(&admin, 501, MARIA, PASSWORD).await, 200, "no wait");

        // The last admin would stay.
        app.make_admin().await;
        assert!(set_disabled(&app.db, MARIA, true).await.expect("an answer"));
        assert_eq!((rows("known_devices").await, rows("tower_sessions").await), (0, 0));
        assert!(!admin.is_signed_in().await);
        assert_eq!(status(&admin, 502, MARIA, PASSWORD).await, 422);
        assert!(set_disabled(&app.db, MARIA, false).await.expect("an answer"));
        assert_eq!(status(&admin, 503, MARIA, PASSWORD).await, 200);
        assert!(!set_disabled(&app.db, "nobody@example.com", true).await.expect("an answer"));
    })
    .await;
}

#[tokio::test]
async fn an_address_with_invisible_characters_is_no_new_account_and_an_old_one_still_works() {
    each_app(async |app| {
        for address in ["boss@corp.example\u{200b}", "bo\u{202e}ss@corp.example", "boss\u{3164}@corp.example"] {
            let form = [("email", address), ("password", PASSWORD)];
            let response = app.browser().post_json("/api/register", &form).send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{address:?}");
            assert!(create_admin(&app.db, address, PASSWORD.into()).await.is_err(), "{address:?}");
        }
        assert_eq!(app.count("select count(*) from users").await, 0);
        app.member(MARIA).await;
        let old = "maria\u{200b}@example.com";
        app.execute(sql("update users set email = $1, email_lower = $1").bind(old)).await;
        assert_eq!(header(&app.browser().login(old, PASSWORD).await, "location"), "/account");
        set_password(&app.db, old, OTHER.into()).await.expect("set");
        assert_eq!(header(&app.browser().login(old, OTHER).await, "location"), "/account");
    })
    .await;
}

/// Where consent is required, signing in sets what it needs and no more.
#[tokio::test]
async fn before_consent_a_sign_in_sets_only_the_two_cookies_that_it_needs() {
    let setup = || Setup { variables: vec![("ATTRIBUTION_CONSENT", "required".into())], ..Setup::default() };
    each_app_with(setup, async |app| {
        let response = app.browser().register(MARIA).await;
        let cookies = set_cookies(&response);
        let names: HashSet<_> = cookies.iter().filter_map(|cookie| cookie.split('=').next()).collect();
        assert_eq!(names, HashSet::from(["waymark-device", "waymark"]));
        let device = cookies.iter().find(|cookie| cookie.starts_with("waymark-device=")).expect("a cookie");
        assert!(device.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000"), "{device}");
        assert!(app.browser().text("/privacy").await.contains("<code>waymark-device</code>"));
    })
    .await;
}
