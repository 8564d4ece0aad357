//! A client that leaves in the middle of a request leaves nothing half done and no lock behind.

use std::time::{Duration, Instant};

use tokio::{io::AsyncWriteExt, net::TcpStream};
use waymark::db::{Dialect, sql};

use crate::support::{CHROME, PASSWORD, TestApp, each_app, header, session_cookie};

/// Sends a request and leaves after a while, without reading the answer.
async fn leave_after(app: &TestApp, request: &str, wait: Duration) {
    let mut stream = TcpStream::connect(app.url.trim_start_matches("http://")).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    tokio::time::sleep(wait).await;
    // A reset tells the server at once. Otherwise the server would notice with its next packet.
    let _ = stream.set_zero_linger();
}

fn request(method: &str, path: &str, cookie: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: {CHROME}\r\nAccept: text/html\r\nCookie: {cookie}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Asserts that writes on another connection succeed soon, and that no transaction is open.
async fn assert_no_lock(app: &TestApp) {
    let started = Instant::now();
    for table in ["users", "visitors", "touches", "tower_sessions", "sign_in_failures"] {
        let column = match table {
            "users" => "created_at = created_at",
            "visitors" => "first_seen_at = first_seen_at",
            "touches" => "hits = hits",
            "tower_sessions" => "expiry_date = expiry_date",
            _ => "failures = failures",
        };
        app.execute(sql(format!("update {table} set {column}"))).await;
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    if app.db.dialect() == Dialect::Postgres {
        let open = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%'";
        // Writes that still run have a transaction. Each has to end by itself.
        let ended = async {
            while app.count(open).await > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), ended).await.expect("no transaction stays open");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_that_leave_at_any_time_leave_no_lock() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let landing = app.browser().get("/?utm_source=first").send().await.expect("an answer");
        let anonymous = session_cookie(&landing).expect("a cookie");
        let signed_in = session_cookie(&app.browser().login("maria@example.com", PASSWORD).await).expect("a cookie");
        let credentials = format!("email=maria%40example.com&password={}", PASSWORD.replace(' ', "+"));
        for round in 0..40_u64 {
            let one_round = [
                request("GET", &format!("/?utm_source=s{round}"), "", ""),
                request("GET", &format!("/?utm_source=k{round}"), &anonymous, ""),
                request("GET", &format!("/?utm_source=m{round}"), &signed_in, ""),
                request("GET", "/account", &signed_in, ""),
                request("GET", "/r/abcdefghijkm", &anonymous, ""),
                request("POST", "/api/login", &anonymous, &credentials),
                request("POST", "/api/register", &anonymous, &credentials.replace("maria", &format!("user{round}"))),
            ];
            // The clients leave at moments from before the request is read until after the response is sent.
            let leaves = one_round.iter().enumerate().map(|(place, request)| {
                let micros = (round * 7 + place as u64).wrapping_mul(7_919) % 30_000;
                leave_after(&app, request, Duration::from_micros(micros))
            });
            futures::future::join_all(leaves).await;
        }
        assert_no_lock(&app).await;
        // Nothing is half done: the account can sign in, and other visitors are served.
        let browser = app.browser();
        assert_eq!(browser.open("/?utm_source=after").await, 200);
        assert_eq!(header(&browser.login("maria@example.com", PASSWORD).await, "location"), "/account");
        assert!(browser.is_signed_in().await);
        let torn = "select count(*) from visitors where (user_id is null) <> (linked_at is null)";
        assert_eq!(app.count(torn).await, 0);
        let twice = "select count(*) from (select source from touches group by source having count(*) > 1) t";
        assert_eq!(app.count(twice).await, 0);
    })
    .await;
}
