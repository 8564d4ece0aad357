//! A server that is told to stop finishes what it has begun, and ends in time whatever is stuck.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use waymark::db::{Dialect, testing::TestDatabase};

use crate::{
    process::Process,
    support::{Browser, CHROME},
};

#[tokio::test]
async fn readiness_ends_a_while_before_the_port_is_closed() {
    let database = TestDatabase::create(Dialect::Sqlite).await;
    let mut server = Process::serve(&database.url, &[("SHUTDOWN_DELAY", "4s")]);
    let browser = Browser::new(&server.url);
    assert_eq!(browser.open("/readyz").await, 200);
    server.terminate();
    server.wait_for("stopping");
    let told = Instant::now();
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

/// Forwards connections to a database until it is frozen: from then on it keeps all connections, and no byte passes.
struct Freezer {
    url: String,
    frozen: watch::Sender<bool>,
}

impl Freezer {
    async fn before(database_url: &str) -> Self {
        let (scheme, rest) = database_url.split_once("://").expect("an address");
        let (user, rest) = rest.split_once('@').expect("a user");
        let (host, path) = rest.split_once('/').expect("a database");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("{scheme}://{user}@{}/{path}", listener.local_addr().expect("an address"));
        let (frozen, is_frozen) = watch::channel(false);
        let host: Arc<str> = host.into();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (host, is_frozen) = (host.clone(), is_frozen.clone());
                tokio::spawn(async move {
                    let server = TcpStream::connect(&*host).await.expect("the database");
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    tokio::join!(
                        forward(from_client, to_server, is_frozen.clone()),
                        forward(from_server, to_client, is_frozen)
                    );
                });
            }
        });
        Self { url, frozen }
    }
}

async fn forward(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut is_frozen: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let freezes = async { drop(is_frozen.wait_for(|frozen| *frozen).await) };
        let read = tokio::select! {
            read = from.read(&mut buffer) => read.unwrap_or(0),
            () = freezes => return std::future::pending().await,
        };
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

// The server's process and the database's proxy run at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn it_ends_in_time_although_the_database_and_clients_are_stuck() {
    let database = TestDatabase::create(Dialect::Postgres).await;
    let freezer = Freezer::before(&database.url).await;
    let mut server = Process::serve(&freezer.url, &[]);
    let browser = Browser::new(&server.url);
    assert_eq!(browser.open("/?utm_source=a").await, 200);
    freezer.frozen.send_replace(true);
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
