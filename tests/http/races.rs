//! Requests that run at the same time. Handlers and tests meet at barriers, so no test depends on a pause being long enough.

use std::sync::Arc;

use axum::{Router, routing::get};
use reqwest::{Response, StatusCode};
use tokio::sync::{Barrier, Notify, Semaphore};
use tower_sessions::Session;
use waymark::db::Dialect;

use crate::support::{Browser, PASSWORD, Setup, TestApp, each_app, header, session_cookie, set_cookies, with_cookie};

/// A handler that stops halfway until the test lets it go on.
#[derive(Clone)]
struct Halfway {
    reached: Arc<Semaphore>,
    go_on: Arc<Notify>,
}

impl Halfway {
    fn new() -> Self {
        Self { reached: Arc::new(Semaphore::new(0)), go_on: Arc::default() }
    }

    /// Stops the handler until the test lets it go on.
    async fn wait(&self) {
        // The future is made before the test is notified, so it cannot miss the test's signal.
        let let_go = self.go_on.notified();
        self.reached.add_permits(1);
        let_go.await;
    }

    /// Adds routes that stop halfway. `/slow-page` writes nothing; `/slow` and `/slow-seed` write into the session afterwards.
    fn setup(&self) -> Setup {
        let (page, slow, seed) = (self.clone(), self.clone(), self.clone());
        let routes = Router::new()
            .route("/slow-page", get(async move || page.wait().await))
            .route(
                "/slow",
                get(async move |session: Session| {
                    slow.wait().await;
                    session.insert("late", 1).await.expect("a session");
                }),
            )
            .route(
                "/slow-seed",
                get(async move |session: Session| {
                    seed.wait().await;
                    session.insert("utm_medium", "partner").await.expect("a session");
                    session.insert("utm_source", "acme").await.expect("a session");
                }),
            );
        Setup { routes, ..Setup::default() }
    }

    /// Waits until a request is in the handler.
    async fn reached(&self) {
        self.reached.acquire().await.expect("it is never closed").forget();
    }

    fn let_go(&self) {
        self.go_on.notify_waiters();
    }
}

async fn halfway_on_each<F: Future<Output = ()>>(test: impl Fn(Arc<TestApp>, Halfway) -> F) {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        eprintln!("on {dialect:?}");
        let halfway = Halfway::new();
        let app = Arc::new(TestApp::spawn(dialect, halfway.setup()).await);
        test(app.clone(), halfway).await;
        app.finish().await;
    }
}

/// Begins a request and waits until it is in the handler.
async fn begin(halfway: &Halfway, browser: &Browser, path: &str) -> tokio::task::JoinHandle<Response> {
    let request = browser.get(path).send();
    let running = tokio::spawn(async move { request.await.expect("an answer") });
    halfway.reached().await;
    running
}

fn cookie_of(response: &Response) -> String {
    session_cookie(response).expect("a cookie")
}

async fn sign_in(browser: &Browser, email: &str) -> Response {
    let response = browser.login(email, PASSWORD).await;
    assert_eq!(header(&response, "location"), "/account", "{email}");
    response
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_sign_ins_with_one_anonymous_cookie_make_each_touch_one_lead() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let landing = app.browser();
        let cookie = cookie_of(&landing.get("/?utm_source=a").send().await.expect("an answer"));
        landing.open("/?utm_source=b").await;
        landing.open("/?utm_source=c").await;
        let start = Arc::new(Barrier::new(50));
        let sign_ins = (0..50).map(|_| {
            let (start, browser) = (start.clone(), with_cookie(&app.url, &cookie));
            tokio::spawn(async move {
                start.wait().await;
                sign_in(&browser, "maria@example.com").await
            })
        });
        let mut cookies = Vec::new();
        for answer in futures::future::join_all(sign_ins).await {
            cookies.push(cookie_of(&answer.expect("no panic")));
        }
        assert_eq!(
            app.count("select count(*) from lead_sources where source in ('a', 'b', 'c') and hits = 1").await,
            3
        );
        assert_eq!(app.count("select count(*) from touches").await, 3);
        assert_eq!(app.count("select count(distinct user_id) from lead_sources").await, 1);
        for cookie in &cookies {
            assert!(with_cookie(&app.url, cookie).is_signed_in().await, "each of them is signed in");
        }
        assert!(!with_cookie(&app.url, &cookie).is_signed_in().await);
    })
    .await;
}

#[tokio::test]
async fn two_users_who_sign_in_at_once_in_one_browser_do_not_share_a_touch() {
    each_app(async |app| {
        app.member("a@example.com").await;
        app.member("b@example.com").await;
        let landing = app.browser().get("/?utm_source=shared").send().await.expect("an answer");
        let browser = with_cookie(&app.url, &cookie_of(&landing));
        let (a, b) = tokio::join!(sign_in(&browser, "a@example.com"), sign_in(&browser, "b@example.com"));
        assert_eq!(app.count("select count(*) from lead_sources where source = 'shared'").await, 1);
        for (response, email, other) in [(&a, "a@example.com", "b@example.com"), (&b, "b@example.com", "a@example.com")]
        {
            let own = with_cookie(&app.url, &cookie_of(response));
            let page = own.text("/account").await;
            assert!(page.contains(email) && !page.contains(other));
            own.open(&format!("/?utm_source=of-{email}")).await;
        }
        let wrong = "select count(*) from lead_sources l join users u on u.id = l.user_id
            where l.source <> 'shared' and l.source <> 'of-' || u.email";
        assert_eq!(app.count(wrong).await, 0, "later touches go to whose session it is");
        assert_eq!(app.count("select count(*) from lead_sources").await, 3);
    })
    .await;
}

#[tokio::test]
async fn a_landing_in_flight_during_a_sign_in_is_the_users_and_does_not_undo_it() {
    halfway_on_each(async |app, halfway| {
        app.member("maria@example.com").await;
        for path in ["/slow-page?utm_source=late", "/slow?utm_source=later", "/slow-seed"] {
            let browser = app.browser();
            browser.open(&format!("/?utm_source=first&utm_campaign={}", path.len())).await;
            let in_flight = begin(&halfway, &browser, path).await;
            sign_in(&browser, "maria@example.com").await;
            halfway.let_go();
            let late = in_flight.await.expect("no panic");
            assert_eq!(late.status(), StatusCode::OK, "{path}");
            assert_eq!(set_cookies(&late), [""; 0], "{path} would undo the sign-in");
            assert!(browser.is_signed_in().await, "{path}");
        }
        for source in ["late", "later", "acme"] {
            let leads = format!("select count(*) from lead_sources where source = '{source}'");
            assert_eq!(app.count(leads).await, 1, "{source}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_click_with_the_anonymous_cookie_right_after_the_sign_in_is_the_users() {
    each_app(async |app| {
        let browser = app.browser();
        let anonymous = cookie_of(&browser.get("/?utm_source=first").send().await.expect("an answer"));
        browser.register("maria@example.com").await;
        // A request that was sent before the response to the sign-up arrived.
        let response = with_cookie(&app.url, &anonymous).get("/?utm_source=late").send().await.expect("an answer");
        assert_eq!(set_cookies(&response), [""; 0]);
        assert_eq!(app.count("select count(*) from lead_sources").await, 2);
        assert_eq!(app.count("select count(*) from visitors").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_slow_request_does_not_undo_a_sign_out() {
    halfway_on_each(async |app, halfway| {
        for path in ["/slow", "/slow-page?utm_source=a", "/slow-seed"] {
            let browser = app.browser();
            browser.register(&format!("user{}@example.com", path.len())).await;
            let cookie = cookie_of(&sign_in(&browser, &format!("user{}@example.com", path.len())).await);
            let in_flight = begin(&halfway, &browser, path).await;
            browser.logout().await;
            halfway.let_go();
            let late = in_flight.await.expect("no panic");
            assert!(!late.status().is_server_error(), "{path}");
            assert_eq!(set_cookies(&late), [""; 0], "{path}");
            let (replica, _stop) = app.replica().await;
            for url in [&app.url, &replica] {
                assert!(!with_cookie(url, &cookie).is_signed_in().await, "{path}: revived");
            }
            assert!(!browser.is_signed_in().await, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_slow_request_of_the_old_session_does_not_end_the_new_one() {
    halfway_on_each(async |app, halfway| {
        let browser = app.member("maria@example.com").await;
        let in_flight = begin(&halfway, &browser, "/slow").await;
        browser.logout().await;
        sign_in(&browser, "maria@example.com").await;
        halfway.let_go();
        let late = in_flight.await.expect("no panic");
        assert_eq!(set_cookies(&late), [""; 0], "its session is dead");
        assert!(browser.is_signed_in().await);
    })
    .await;
}

#[tokio::test]
async fn a_sign_out_at_one_replica_is_one_at_the_other() {
    halfway_on_each(async |app, halfway| {
        let (replica, _stop) = app.replica().await;
        let cookie = cookie_of(&app.browser().register("maria@example.com").await);
        let in_flight = begin(&halfway, &with_cookie(&app.url, &cookie), "/slow").await;
        let there = with_cookie(&replica, &cookie);
        assert!(there.is_signed_in().await);
        there.logout().await;
        halfway.let_go();
        in_flight.await.expect("no panic");
        for url in [&app.url, &replica] {
            assert!(!with_cookie(url, &cookie).is_signed_in().await);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn equal_landings_at_once_at_two_replicas_are_one_touch() {
    each_app(async |app| {
        let (replica, _stop) = app.replica().await;
        let cookie = cookie_of(&app.browser().get("/?utm_source=first").send().await.expect("an answer"));
        for round in 0..10 {
            let path = format!("/?utm_source=s{round}");
            let (here, there) = (with_cookie(&app.url, &cookie), with_cookie(&replica, &cookie));
            let (one, other) = tokio::join!(here.open(&path), there.open(&path));
            assert_eq!((one, other), (StatusCode::OK, StatusCode::OK));
        }
        assert_eq!(app.count("select count(*) from touches where source <> 'first' and hits = 2").await, 10);
        assert_eq!(app.count("select count(*) from touches").await, 11);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_at_once_leaves_each_touch_with_one_user() {
    each_app(async |app| {
        for user in ["a", "b"] {
            app.member(&format!("{user}@example.com")).await;
        }
        let browsers: Vec<Browser> = (0..4).map(|_| app.browser()).collect();
        for (number, browser) in browsers.iter().enumerate() {
            browser.open(&format!("/?utm_source=start{number}")).await;
        }
        let work = (0..120_usize).map(|n| {
            let browser = browsers[n % 4].clone();
            tokio::spawn(async move {
                match n % 6 {
                    0 => browser.login("a@example.com", PASSWORD).await.status(),
                    3 => browser.login("b@example.com", PASSWORD).await.status(),
                    5 if n % 4 == 1 => browser.logout().await.status(),
                    _ => browser.open(&format!("/?utm_source=s{n}")).await,
                }
            })
        });
        for status in futures::future::join_all(work).await {
            let status = status.expect("no panic");
            assert!(status == StatusCode::OK || status == StatusCode::SEE_OTHER, "{status}");
        }
        let touches = app.count("select count(distinct id) from touches").await;
        assert_eq!(app.count("select count(*) from touches").await, touches);
        let landings = 4 + (0..120).filter(|n| !(n % 6 == 0 || n % 6 == 3 || n % 6 == 5 && n % 4 == 1)).count();
        assert_eq!(app.count("select cast(sum(hits) as bigint) from touches").await, landings as i64);
    })
    .await;
}
