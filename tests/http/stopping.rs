//! A server that is told to stop finishes what it has begun, and ends in time whatever is stuck.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use waymark::db::{Dialect, testing::TestDatabase};

use crate::{
    process::Process,
    support::{Browser, CHROME},
    tcp_proxy::TcpProxy,
};

#[tokio::test]
async fn readiness_ends_a_while_before_the_port_is_closed() {
    let database = TestDatabase::create(Dialect::Sqlite).await;
    let mut server = Process::serve(&database.url, &[("SHUTDOWN_DELAY", "4s")]);
    let browser = Browser::new(&server.url);
    assert_eq!(browser.open("/readyz").await, 200);
    let told = Instant::now();
    server.terminate();
    server.wait_for("stopping");
    assert_eq!(browser.open("/readyz").await, 503);
    assert_eq!(browser.open("/healthz").await, 200);
    // A new connection, as that of a client whose balancer has not noticed.
    assert_eq!(Browser::new(&server.url).open("/").await, 200);
    assert!(told.elapsed() < Duration::from_secs(4), "all within the delay");
    let ended = server.wait();
    assert!(ended.success, "{}", ended.text);
    assert!(told.elapsed() >= Duration::from_secs(4) && told.elapsed() < Duration::from_secs(15));
    assert!(TcpStream::connect(browser.url.trim_start_matches("http://")).await.is_err(), "the port is closed");
    database.remove().await;
}

// The server's process and the database's proxy run at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn it_ends_in_time_although_the_database_and_clients_are_stuck() {
    let database = TestDatabase::create(Dialect::Postgres).await;
    let (proxy, url) = TcpProxy::before(&database.url).await;
    let mut server = Process::serve(&url, &[]);
    let browser = Browser::new(&server.url);
    assert_eq!(browser.open("/?utm_source=a").await, 200);
    proxy.hang();
    let mut stuck = Vec::new();
    for request in [
        format!("GET /?utm_source=b HTTP/1.1\r\nHost: x\r\nUser-Agent: {CHROME}\r\nAccept: text/html\r\n\r\n"),
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: \
         40\r\n\r\nemail=maria%40example.com&password=wrongs"
            .to_owned(),
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\nemail=".to_owned(),
        "GET / HTTP/1.1\r\nHos".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        String::new(),
    ] {
        let mut connection = server.connect();
        connection.send(&request);
        stuck.push(connection);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let told = Instant::now();
    server.terminate();
    let ended = tokio::task::spawn_blocking(move || server.wait()).await.expect("it ends");
    assert!(ended.success, "{}", ended.text);
    assert!(told.elapsed() < Duration::from_secs(25), "{:?}", told.elapsed());
    assert!(ended.text.contains("\"message\":\"stopped\""), "{}", ended.text);
    database.remove().await;
}
