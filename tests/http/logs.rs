//! What is written to the log does not grow with an attack or an outage.

use std::time::{Duration, Instant};

use waymark::db::{Dialect, testing::TestDatabase};

use crate::{
    process::Process,
    support::{Browser, session_cookie, with_cookie},
    tcp_proxy::TcpProxy,
};

/// Counts the requests that a client makes one after the other for this time.
async fn requests(url: &str, cookie: &str, lasting: Duration) -> u32 {
    let client = with_cookie(url, cookie);
    let began = Instant::now();
    let mut number = 0;
    while began.elapsed() < lasting {
        client.open(&format!("/?utm_source=a&utm_content={number}")).await;
        number += 1;
    }
    number
}

// The server's process and the database's proxy run at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_database_and_bad_cookies_write_few_lines() {
    let database = TestDatabase::create(Dialect::Postgres).await;
    let (proxy, url) = TcpProxy::before(&database.url).await;
    let mut server = Process::serve(&url, &[]);
    let url = server.url.clone();
    let landing = Browser::new(&url).get("/?utm_source=a").send().await.expect("an answer");
    let cookie = session_cookie(&landing).expect("a cookie");
    proxy.hang();
    let began = Instant::now();
    let lasting = Duration::from_secs(6);
    let clients = (0..20).map(|client| {
        let cookie = if client % 2 == 0 { cookie.clone() } else { format!("waymark=%%{client}; waymark_landing={{") };
        let url = url.clone();
        async move { requests(&url, &cookie, lasting).await }
    });
    let made: u32 = futures::future::join_all(clients).await.iter().sum();
    server.terminate();
    let text = tokio::task::spawn_blocking(move || server.wait()).await.expect("it ends").text;
    let seconds = began.elapsed().as_secs() + 1;
    let lines = text.lines().count() as u64;
    assert!(made > 400, "only {made} requests");
    assert!(lines < 40 * seconds, "{lines} lines for {made} requests in {seconds} s: {text}");
    assert!(text.contains("lines like the ones before were left out"), "{text}");
    database.remove().await;
}
