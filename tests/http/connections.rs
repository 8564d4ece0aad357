//! One client is one client: what it leaves undone ends its own connections, and costs nobody else anything.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use axum::{Router, routing::get};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use waymark::{
    db::{Dialect, testing::TestDatabase},
    server::connections::{Deadlines, Limits, raise_open_files},
};

use crate::{
    process::Process,
    support::{Browser, CHROME, Setup, TestApp, each_app},
};

const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// An answer that no socket buffer holds.
const LARGE: usize = 32 << 20;

/// What a rude client sends before it does nothing more. The empty text is a client that sends nothing.
fn rude() -> Vec<(&'static str, String)> {
    let body = "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                Content-Length: 100\r\n\r\nemail=";
    let never_reads = format!("GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: {CHROME}\r\nAccept: text/html\r\n\r\n");
    vec![
        ("silent", String::new()),
        ("begin of an HTTP/2 preface", PREFACE[..16].into()),
        ("HTTP/2 preface", PREFACE.into()),
        ("half a head", "GET / HTTP/1.1\r\nHost: x\r\nAccep".into()),
        ("half a body", body.into()),
        ("never reads", never_reads.repeat(5)),
    ]
}

async fn app(limits: Limits) -> TestApp {
    let routes = Router::new().route("/large", get(async || vec![b'x'; LARGE]));
    TestApp::spawn(Dialect::Sqlite, Setup { routes, limits, ..Setup::default() }).await
}

fn address(url: &str) -> &str {
    url.trim_start_matches("http://")
}

/// Returns how long the server keeps a connection on which these bytes were sent. `reads` says whether the client reads.
async fn kept(url: &str, sent: &str, reads: bool) -> Duration {
    let began = Instant::now();
    let mut stream = TcpStream::connect(address(url)).await.expect("a connection");
    stream.write_all(sent.as_bytes()).await.expect("sent");
    let mut buffer = vec![0; 64 * 1024];
    loop {
        if reads {
            // The end comes as the end of the stream, or as an error.
            if stream.read(&mut buffer).await.unwrap_or(0) == 0 {
                return began.elapsed();
            }
        } else {
            // A client that does not read learns of the end when it writes.
            tokio::time::sleep(Duration::from_millis(100)).await;
            if stream.write_all(b"\r\n").await.is_err() {
                return began.elapsed();
            }
        }
        assert!(began.elapsed() < Duration::from_secs(30), "it is kept");
    }
}

#[tokio::test]
async fn a_client_that_leaves_something_undone_loses_its_connection() {
    let mut limits = Limits::default();
    limits.deadlines = Deadlines {
        first_byte: Duration::from_millis(500),
        head: Duration::from_secs(1),
        body: Duration::from_secs(1),
        write: Duration::from_secs(1),
        idle: Duration::from_secs(3),
        ..limits.deadlines
    };
    let app = app(limits).await;
    let tries = rude().into_iter().map(async |(kind, sent)| {
        let lasted = kept(&app.url, &sent, true).await;
        assert!(lasted >= Duration::from_millis(500), "{kind}: not before its deadline, but after {lasted:?}");
    });
    let never_reads = async {
        kept(&app.url, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n", false).await;
    };
    // Bytes that come slowly do not extend the deadline of a head.
    let trickles = async {
        let mut stream = TcpStream::connect(address(&app.url)).await.expect("a connection");
        let began = Instant::now();
        while stream.write_all(b"G").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert!(began.elapsed() < Duration::from_secs(30), "it is kept");
        }
    };
    tokio::join!(futures::future::join_all(tries), never_reads, trickles);
}

#[tokio::test]
async fn a_patient_client_is_served() {
    let mut limits = Limits::default();
    limits.deadlines = Deadlines { write: Duration::from_secs(1), idle: Duration::from_secs(1), ..limits.deadlines };
    let app = app(limits).await;
    // A slow client takes much longer than the deadlines, and takes all the while.
    let mut stream = TcpStream::connect(address(&app.url)).await.expect("a connection");
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.expect("sent");
    let mut buffer = vec![0; 1 << 20];
    let mut received = 0;
    let mut pauses = 12;
    loop {
        let read = stream.read(&mut buffer).await.expect("bytes");
        received += read;
        if read == 0 {
            break;
        }
        if pauses > 0 && received > (13 - pauses) * (LARGE / 16) {
            pauses -= 1;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
    assert!(received > LARGE, "{received}");
}

#[tokio::test]
async fn a_crowd_at_one_address_keeps_nobody_out() {
    let own_files = raise_open_files();
    assert!(own_files > 4_000, "this test opens many sockets, but may open only {own_files} files");
    let database = TestDatabase::create(Dialect::Sqlite).await;
    // The hard limit too, so that the server cannot raise its own.
    let server = Process::serve_with_files(&database.url, 1_024, &[("TRUSTED_PROXIES", "none")]);
    for (kind, sent) in rude() {
        let mut crowd = Vec::new();
        for _ in 0..1_100 {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind("127.0.0.2:0".parse().expect("an address")).expect("a port");
            let server = address(&server.url).parse().expect("an address");
            let mut stream = socket.connect(server).await.expect("a connection");
            // A connection that has given way takes no more bytes.
            let _ = stream.write_all(sent.as_bytes()).await;
            crowd.push(stream);
        }
        for path in ["/", "/healthz"] {
            let began = Instant::now();
            assert_eq!(Browser::new(&server.url).open(path).await, 200, "{kind}");
            assert!(began.elapsed() < Duration::from_secs(5), "{kind} {path}: {:?}", began.elapsed());
        }
        let files = std::fs::read_dir(format!("/proc/{}/fd", server.id())).map_or(0, Iterator::count);
        assert!(files < 400, "{kind}: {files} files are open");
    }
    drop(server);
    database.remove().await;
}

#[tokio::test]
async fn a_landing_with_60_kib_of_query_is_served_on_both_versions_of_http() {
    let app = app(Limits::default()).await;
    let path = format!("{}/?utm_source=a&x={}", app.url, "y".repeat(60 * 1024));
    for client in [reqwest::Client::builder(), reqwest::Client::builder().http2_prior_knowledge()] {
        let client = client.build().expect("a client");
        let response = client.get(&path).send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{:?}", response.version());
    }
}

#[tokio::test]
async fn few_long_heads_may_be_incomplete_at_the_same_time() {
    raise_open_files();
    let mut limits = Limits::default();
    limits.of_an_address = 1_000;
    let app = app(limits).await;
    let head = format!("GET /?x={}", "y".repeat(40 * 1024));
    let mut crowd = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(address(&app.url)).await.expect("a connection");
        let _ = stream.write_all(head.as_bytes()).await;
        crowd.push(stream);
    }
    let began = Instant::now();
    let mut ended = 0;
    loop {
        let before = crowd.len();
        crowd.retain(|stream| matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock));
        ended += before - crowd.len();
        // A busy machine ends them late. None more may end.
        let enough = ended >= 300 - 256 && before == crowd.len();
        if enough || began.elapsed() > Duration::from_secs(20) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(ended, 300 - 256);
    // A short head needs no permit, and whoever gives a permit back leaves it to others.
    assert_eq!(app.browser().open("/healthz").await, 200);
    drop(crowd);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let lasted = tokio::time::timeout(Duration::from_secs(1), kept(&app.url, &head, true)).await;
    assert!(lasted.is_err(), "it waits for the rest");
}

#[tokio::test]
async fn http2_knows_the_sites_own_pages() {
    each_app(async |app| {
        let client = reqwest::Client::builder().http2_prior_knowledge().build().expect("a client");
        let visit = async |referer: &str| {
            let request = client.get(&app.url).header("user-agent", CHROME).header("accept", "text/html");
            let response = request.header("referer", referer).send().await.expect("an answer");
            assert_eq!((response.version(), response.status().as_u16()), (reqwest::Version::HTTP_2, 200));
            app.count("select count(*) from touches").await
        };
        assert_eq!(visit(&format!("{}/pricing", app.url)).await, 0, "the site itself is no referrer");
        assert_eq!(visit("https://elsewhere.example/").await, 1);
    })
    .await;
}
