//! While the database cannot be reached, pages are served at once, touches wait in cookies, and signing in says when to try again.

use std::time::{Duration, Instant};

use reqwest::{Response, StatusCode};
use sqlx::{Connection, Executor, PgConnection};
use waymark::db::{Dialect, sql};

use crate::{
    support::{Browser, PASSWORD, Setup, TestApp, each_app, header, session_cookie},
    tcp_proxy::TcpProxy,
};

const LANDING: &str = "/?utm_source=google&utm_medium=cpc&utm_campaign=spring";

/// A page is promised within 300 ms on a machine that does nothing else.
const AT_ONCE: Duration = Duration::from_secs(1);

async fn timed(request: reqwest::RequestBuilder) -> (Response, Duration) {
    let start = Instant::now();
    (request.send().await.expect("an answer"), start.elapsed())
}

/// Returns once the application has noticed that the database is gone.
async fn noticed(browser: &Browser) {
    let start = Instant::now();
    while timed(browser.get("/account")).await.1 > AT_ONCE / 4 || browser.open("/readyz").await == StatusCode::OK {
        assert!(start.elapsed() < Duration::from_secs(20), "the outage is noticed");
    }
}

/// A member may be signed in, and is not asked to sign in.
async fn is_told_to_try_again(member: &Browser) {
    for path in ["/account", "/admin"] {
        let response = member.get(path).send().await.expect("an answer");
        assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, "1"), "{path}");
    }
    let form = [("current_password", PASSWORD), ("new_password", "another good phrase")];
    let response = member.post_json("/api/password", &form).send().await.expect("an answer");
    assert_eq!(response.status(), 503);
    assert!(!header(&response, "retry-after").is_empty());
}

async fn while_the_database_is_gone(app: &TestApp, member: &Browser) -> String {
    noticed(member).await;
    is_told_to_try_again(member).await;
    let visitor = app.browser();
    for path in ["/", "/login", "/privacy"] {
        let (response, took) = timed(visitor.get(path)).await;
        assert!(response.status() == 200 && took < AT_ONCE, "{path}: {} {took:?}", response.status());
    }
    let (response, took) = timed(visitor.get(LANDING)).await;
    assert!(response.status() == 200 && took < AT_ONCE, "{} {took:?}", response.status());
    assert_eq!(session_cookie(&response), None);
    let waiting = header(&response, "set-cookie").to_owned();
    assert!(waiting.starts_with("waymark-waiting="), "{waiting}");
    let form = [("email", "maria@example.com"), ("password", PASSWORD)];
    for request in [visitor.post("/api/login", &form), visitor.post_json("/api/login", &form)] {
        let (response, took) = timed(request).await;
        assert_eq!(response.status(), 503);
        assert!(!header(&response, "retry-after").is_empty());
        assert!(took < AT_ONCE, "{took:?}");
    }
    assert_eq!(visitor.open("/healthz").await, 200);
    assert_eq!(visitor.open("/readyz").await, 503);
    waiting.split(';').next().expect("a pair").to_owned()
}

async fn after_the_database_is_back(app: &TestApp, member: &Browser, waiting: &str) {
    let start = Instant::now();
    while app.browser().open("/readyz").await != 200 {
        assert!(start.elapsed() < Duration::from_secs(20), "back to normal");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(member.is_signed_in().await, "the outage signed nobody out");
    app.browser().get("/").header("cookie", waiting).send().await.expect("an answer");
    assert_eq!(app.count("select count(*) from touches").await, 1, "the touch of the outage is stored");
}

async fn outage(begin: impl AsyncFnOnce(&mut TcpProxy), end: impl AsyncFnOnce(&mut TcpProxy)) {
    let (app, mut proxy) = TestApp::spawn_behind_proxy().await;
    let member = app.member("maria@example.com").await;
    begin(&mut proxy).await;
    let waiting = while_the_database_is_gone(&app, &member).await;
    end(&mut proxy).await;
    after_the_database_is_back(&app, &member, &waiting).await;
    app.remove().await;
}

#[tokio::test]
async fn a_database_that_is_stopped() {
    outage(async |proxy| proxy.cut().await, async |proxy| proxy.restore().await).await;
}

#[tokio::test]
async fn a_database_that_hangs() {
    outage(async |proxy| proxy.hang(), async |proxy| proxy.go_on()).await;
}

#[tokio::test]
async fn a_member_whose_look_up_fails_is_not_asked_to_sign_in() {
    each_app(async |app| {
        let (member, disabled) = (app.member("maria@example.com").await, app.member("jo@example.com").await);
        app.execute(sql("update users set disabled_at = 1 where email = 'jo@example.com'")).await;
        app.execute(sql("alter table users rename to absent")).await;
        is_told_to_try_again(&member).await;
        assert_eq!(member.open("/").await, 200, "a page for everybody");
        app.execute(sql("alter table absent rename to users")).await;
        assert!(member.is_signed_in().await);
        let response = disabled.get("/account").send().await.expect("an answer");
        assert_eq!((response.status().as_u16(), header(&response, "location")), (303, "/login?next=%2Faccount"));
    })
    .await;
}

#[tokio::test]
async fn a_member_whose_look_up_hangs_is_not_asked_to_sign_in() {
    let app = TestApp::spawn(Dialect::Postgres, Setup::default()).await;
    let member = app.member("maria@example.com").await;
    let mut conn = PgConnection::connect(&app.database.url).await.expect("a connection");
    conn.execute("begin; lock table users in access exclusive mode").await.expect("the lock");
    is_told_to_try_again(&member).await;
    conn.close().await.expect("the lock is gone");
    assert!(member.is_signed_in().await);
    app.remove().await;
}
