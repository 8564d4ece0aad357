//! Traces for OpenTelemetry: what a collector gets.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use waymark::db::{Dialect, testing::TestDatabase};

use crate::{process::Process, support::Browser};

/// Stands for a collector: keeps all that is sent to it.
struct Collector {
    url: String,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let keep = received.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, keep) = (stream.expect("a connection"), keep.clone());
                thread::spawn(move || {
                    let (mut buffer, mut body) = (vec![0; 1 << 16], Vec::new());
                    while let Ok(read @ 1..) = stream.read(&mut buffer) {
                        body.extend_from_slice(&buffer[..read]);
                        let text = String::from_utf8_lossy(&body).to_lowercase();
                        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
                        let length =
                            head.split_once("content-length: ").and_then(|(_, rest)| rest.lines().next()?.parse().ok());
                        if body.len() >= head.len() + 4 + length.unwrap_or(0) {
                            keep.lock().expect("no panic").append(&mut body);
                            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                        }
                    }
                });
            }
        });
        Self { url, received }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.received.lock().expect("no panic")).into_owned()
    }
}

async fn visit_and_sign_up(server: &Process) {
    let browser = Browser::new(&server.url);
    browser.open("/?utm_source=undisclosed-source&utm_medium=email&utm_campaign=undisclosed-campaign").await;
    browser.open("/r/undisclosed?utm_source=x").await;
    browser.open("/unsub/maria@example.com").await;
    browser.register("maria@example.com").await;
    browser.open("/account").await;
}

#[tokio::test]
async fn a_collector_gets_requests_with_their_statements_and_no_secret() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let (collector, database) = (Collector::start(), TestDatabase::create(dialect).await);
        // What the log shows does not matter.
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()),
            ("SHUTDOWN_DELAY", "0s"),
            ("RUST_LOG", "warn,waymark::server::run=info,waymark::server::stop=info"),
        ];
        let mut server = Process::serve(&database.url, &variables);
        visit_and_sign_up(&server).await;
        server.terminate();
        let log = server.wait().text;
        let traces = collector.text();
        for known in [
            "POST /v1/traces",
            "service.name",
            "GET /",
            "POST /api/register",
            "http.response.status_code",
            "insert into users",
        ] {
            assert!(traces.contains(known), "{known} on {dialect:?}: {traces}");
        }
        assert_eq!(traces.matches("GET /r/{token}").count(), 1, "{traces}");
        for secret in ["undisclosed", "maria", "example.com", "correct horse", "127.0.0.1:"] {
            let sent = traces.replace(collector.url.trim_start_matches("http://"), "");
            assert!(!sent.contains(secret), "{secret}: {sent}");
        }
        assert!(!log.contains("statement") && !log.contains("db.query"), "{log}");
        database.remove().await;
    }
}

#[tokio::test]
async fn a_collector_that_is_gone_keeps_nobody_waiting() {
    let database = TestDatabase::create(Dialect::Sqlite).await;
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), ("SHUTDOWN_DELAY", "0s")];
    let mut server = Process::serve(&database.url, &variables);
    visit_and_sign_up(&server).await;
    server.terminate();
    let ended = server.wait();
    assert!(ended.success && ended.text.contains("\"message\":\"stopped\""), "{}", ended.text);
    assert!(ended.seconds < 15, "{} s", ended.seconds);
    database.remove().await;
}

#[tokio::test]
async fn without_the_variable_nothing_is_sent() {
    let (collector, database) = (Collector::start(), TestDatabase::create(Dialect::Sqlite).await);
    let mut server = Process::serve(&database.url, &[("SHUTDOWN_DELAY", "0s")]);
    visit_and_sign_up(&server).await;
    server.terminate();
    assert!(server.wait().success);
    assert_eq!(collector.text(), "");
    database.remove().await;
}
