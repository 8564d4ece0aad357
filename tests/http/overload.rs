//! A server that has too much to do says so at once, and health checks do not notice.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, routing::get};
use futures::{StreamExt, stream::FuturesUnordered};
use reqwest::Response;
use tokio::sync::Notify;
use waymark::{
    db::Dialect,
    server::connections::{Limits, raise_open_files},
};

use crate::support::{Browser, Setup, TestApp, header, raw};

/// Requests that wait until they are told, and how many of them have a place.
#[derive(Clone, Default)]
struct Waiting {
    number: Arc<AtomicUsize>,
    told: Arc<Notify>,
}

impl Waiting {
    async fn wait(self) {
        let told = self.told.notified();
        let _place = Place::of(&self);
        told.await;
    }

    fn number(&self) -> usize {
        self.number.load(Ordering::SeqCst)
    }
}

/// A request that has a place. A deadline may end it.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn of(waiting: &Waiting) -> Self {
        waiting.number.fetch_add(1, Ordering::SeqCst);
        Self(waiting.number.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn open(browser: &Browser, path: &str, address: &str) -> Response {
    browser.get(path).header("x-forwarded-for", address).send().await.expect("an answer")
}

#[tokio::test]
async fn places_are_limited_over_all_routes_and_an_address_leaves_half_of_them_to_others() {
    raise_open_files();
    let waiting = Waiting::default();
    let route = |waiting: &Waiting| {
        let waiting = waiting.clone();
        get(move || waiting.clone().wait())
    };
    let routes = Router::new().route("/waits", route(&waiting)).route("/waits-too", route(&waiting));
    let mut limits = Limits::default();
    limits.of_an_address = 4_096;
    let variables = vec![("TRUSTED_PROXIES", "127.0.0.1/32".into())];
    let app = TestApp::spawn(Dialect::Sqlite, Setup { variables, routes, limits }).await;
    let browser = app.browser();
    let done = AtomicBool::new(false);
    let crowd: FuturesUnordered<_> = (0..600)
        .map(async |number| {
            let path = if number < 300 { "/waits" } else { "/waits-too" };
            while !done.load(Ordering::SeqCst) && open(&browser, path, "192.0.2.1").await.status() == 503 {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
        .collect();
    let others = async {
        let page = |address: &'static str, status: u16| until(&browser, address, status);
        // The crowd fills all places of its address: half of the places, of which there are fewer while the processor is busy.
        let began = Instant::now();
        while waiting.number() < 200 {
            assert!(began.elapsed() < Duration::from_secs(60), "{} have a place", waiting.number());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let refused = page("192.0.2.1", 503).await;
        assert_eq!(header(&refused, "retry-after"), "1");
        for name in ["content-security-policy", "x-content-type-options", "x-request-id"] {
            assert!(!header(&refused, name).is_empty(), "{name}");
        }
        assert!(refused.text().await.expect("text").contains("Not available right now"));
        assert_eq!(open(&browser, "/healthz", "192.0.2.1").await.status(), 200);
        assert_eq!(open(&browser, "/readyz", "192.0.2.1").await.status(), 200);
        page("192.0.2.2", 200).await;
        assert!(waiting.number() <= 512, "{}", waiting.number());
        done.store(true, Ordering::SeqCst);
        waiting.told.notify_waiters();
        // A request that got its place just now has missed the call.
        tokio::time::sleep(Duration::from_millis(500)).await;
        waiting.told.notify_waiters();
    };
    tokio::join!(crowd.collect::<Vec<_>>(), others);
}

/// Opens the home page from this address until the status comes.
async fn until(browser: &Browser, address: &str, status: u16) -> Response {
    let began = Instant::now();
    loop {
        let response = open(browser, "/", address).await;
        if response.status() == status {
            return response;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{address}: {} instead of {status}", response.status());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_takes_no_place_and_is_told_so() {
    let app = TestApp::spawn(Dialect::Sqlite, Setup::default()).await;
    let began = Instant::now();
    let answer =
        raw(&app.url, "POST /api/login HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nContent-Length: 100\r\n\r\nemail=");
    let answer = answer.await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("content-security-policy"), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    let early = raw(
        &app.url,
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000000\r\nConnection: close\r\n\r\nemail=",
    );
    let answer = early.await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn health_and_files_need_neither_database_nor_session() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let app = TestApp::spawn(dialect, Setup::default()).await;
        let before = app.db.operations();
        app.db.close().await;
        for (path, status) in [("/healthz", 200), ("/.well-known/gpc.json", 200), ("/pkg/nothing.js", 404)] {
            let began = Instant::now();
            let request = app.browser().get(path).header("cookie", "waymark=AAAAAAAAAAAAAAAAAAAAAA");
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status(), status, "{path}");
            assert!(began.elapsed() < Duration::from_secs(5), "{path}: {:?}", began.elapsed());
        }
        assert_eq!(app.db.operations(), before);
        app.database.remove().await;
    }
}
