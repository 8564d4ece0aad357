//! Guessing passwords is slowed down, by account at all replicas and by address.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use waymark::{db::sql, timestamp::DAY};

use crate::support::{Browser, PASSWORD, Setup, TestApp, each_app, each_app_with, header, session_cookie};

async fn try_from(browser: &Browser, forwarded: &str, email: &str, password: &str) -> Response {
    let form = [("email", email), ("password", password)];
    let request = browser.post_json("/api/login", &form).header("x-forwarded-for", forwarded);
    request.send().await.expect("an answer")
}

async fn block(app: &TestApp, wait: Duration) {
    let until = app.db.now() + wait;
    assert_eq!(app.execute(sql("update sign_in_failures set blocked_until = $1").bind(until)).await, 1);
}

#[tokio::test]
async fn after_some_failures_the_right_password_waits_at_every_replica() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let (other_url, _stop) = app.replica().await;
        let other = Browser::new(&other_url);
        for failures in 1..=6 {
            assert_eq!(header(&app.browser().login("Maria@example.com", "wrong").await, "location"), "/login");
            let wait =
                app.count("select blocked_until - last_failed_at from sign_in_failures where blocked_until > 0").await;
            assert_eq!(wait, if failures == 6 { 1_000 } else { wait.min(0) }, "after {failures}");
        }
        block(&app, Duration::from_secs(590)).await;
        for browser in [&app.browser(), &other] {
            let response = browser.login("maria@example.com", PASSWORD).await;
            assert_eq!((header(&response, "location"), session_cookie(&response)), ("/login", None));
            let page = browser.text("/login").await;
            assert!(page.contains("Too many failed sign-ins. Try again in 10 minutes."), "{page}");
            let response = try_from(browser, "", "maria@example.com", PASSWORD).await;
            assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
            let seconds: i64 = header(&response, "retry-after").parse().expect("a number");
            assert!((1..=600).contains(&seconds), "{seconds}");
        }
        assert_eq!(app.count("select failures from sign_in_failures").await, 6, "what waits is not counted");
        block(&app, Duration::ZERO).await;
        assert_eq!(header(&other.login("maria@example.com", PASSWORD).await, "location"), "/account");
        assert_eq!(app.count("select count(*) from sign_in_failures").await, 0, "forgotten");
    })
    .await;
}

#[tokio::test]
async fn an_account_that_does_not_exist_waits_just_the_same() {
    each_app(async |app| {
        for _ in 0..6 {
            app.browser().login("nobody@example.com", PASSWORD).await;
        }
        block(&app, Duration::from_secs(590)).await;
        let browser = app.browser();
        browser.login("nobody@example.com", PASSWORD).await;
        assert!(browser.text("/login").await.contains("Too many failed sign-ins. Try again in 10 minutes."));
        // Other accounts need not wait.
        app.member("maria@example.com").await;
        assert_eq!(header(&app.browser().login("maria@example.com", PASSWORD).await, "location"), "/account");
    })
    .await;
}

#[tokio::test]
async fn failures_at_once_are_all_counted() {
    each_app(async |app| {
        let tries = (0..8).map(async |_| app.browser().login("maria@example.com", "wrong").await);
        futures::future::join_all(tries).await;
        assert_eq!(app.count("select failures from sign_in_failures").await, 8);
    })
    .await;
}

#[tokio::test]
async fn of_many_guesses_at_once_few_learn_anything() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let guess = async |n: usize| {
            let password = if n == 39 { PASSWORD } else { "wrong" };
            let form = [("email", "maria@example.com"), ("password", password)];
            let request = app.browser().post_json("/api/login", &form);
            request.send().await.expect("an answer").status()
        };
        let answers = futures::future::join_all((0..40).map(guess)).await;
        let told = answers.iter().filter(|status| **status != StatusCode::TOO_MANY_REQUESTS).count();
        assert!(told <= 12, "{told} of 40: {answers:?}");
    })
    .await;
}

#[tokio::test]
async fn an_address_waits_after_ten_failures_whatever_it_says_of_itself() {
    let setup = || Setup { variables: vec![("TRUSTED_PROXIES", "none".into())], ..Setup::default() };
    each_app_with(setup, async |app| {
        app.member("maria@example.com").await;
        let browser = app.browser();
        for n in 0..10 {
            let response =
                try_from(&browser, &format!("203.0.113.{n}"), &format!("user{n}@example.com"), "wrong").await;
            assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        }
        let response = try_from(&browser, "198.51.100.7", "maria@example.com", PASSWORD).await;
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(!header(&response, "retry-after").is_empty());
    })
    .await;
}

#[tokio::test]
async fn behind_a_proxy_that_nobody_named_the_failures_of_one_stop_no_other() {
    // The proxy is on this machine.
    for proxies in ["", "10.0.0.0/8"] {
        let setup = || Setup { variables: vec![("TRUSTED_PROXIES", proxies.into())], ..Setup::default() };
        each_app_with(setup, async |app| {
            app.member("maria@example.com").await;
            let browser = app.browser();
            for n in 0..15 {
                let response = try_from(&browser, "203.0.113.7", &format!("user{n}@example.com"), "wrong").await;
                assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
            }
            let response = try_from(&browser, "203.0.113.8", "maria@example.com", PASSWORD).await;
            assert_eq!(response.status(), StatusCode::OK);
            // The limit of an account holds all the same.
            for _ in 0..6 {
                try_from(&browser, "203.0.113.7", "maria@example.com", "wrong").await;
            }
            assert!(
                app.execute(sql("update sign_in_failures set blocked_until = $1").bind(app.db.now() + DAY)).await > 0
            );
            let response = try_from(&browser, "203.0.113.8", "maria@example.com", PASSWORD).await;
            assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        })
        .await;
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_last_address_counts_and_an_ipv6_network_is_one() {
    let setup = || Setup { variables: vec![("TRUSTED_PROXIES", "127.0.0.0/8".into())], ..Setup::default() };
    each_app_with(setup, async |app| {
        app.member("maria@example.com").await;
        let browser = app.browser();
        let address = |n: i32| [format!("10.9.8.{n}, 203.0.113.7"), format!("10.9.8.7, 2001:db8::{n}")];
        for n in 0..10 {
            for forwarded in address(n) {
                let response = try_from(&browser, &forwarded, &format!("user{n}@example.com"), "wrong").await;
                assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{forwarded}");
            }
        }
        for forwarded in
            address(99).iter().map(String::as_str).chain(["2001:db8:0:0:ffff::1", "203.0.113.7, 127.0.0.9"])
        {
            let response = try_from(&browser, forwarded, "maria@example.com", PASSWORD).await;
            assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS, "{forwarded}");
        }
        for forwarded in ["203.0.113.7, 203.0.113.8", "2001:db8:0:1::1", ""] {
            let response = try_from(&browser, forwarded, "maria@example.com", PASSWORD).await;
            assert_eq!(response.status(), StatusCode::OK, "{forwarded}");
        }
    })
    .await;
}
