//! While the database takes no writes, pages are served and no touch is lost.

use std::time::{Duration, Instant};

use sqlx::{Connection, Executor, PgConnection, SqliteConnection};
use waymark::db::{Dialect, sql};

use crate::support::{TestApp, each_app, session_cookie};

const LANDING: &str = "/?utm_source=Google&utm_medium=CPC&utm_campaign=spring&gclid=AbC%2B-_1";

/// A connection that holds the write lock until it is dropped.
enum Blocker {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

async fn block_writes(app: &TestApp) -> Blocker {
    let url = &app.database.url;
    match app.db.dialect() {
        Dialect::Sqlite => {
            let mut conn = SqliteConnection::connect(url).await.expect("a connection");
            conn.execute("begin immediate").await.expect("the lock");
            Blocker::Sqlite(conn)
        }
        Dialect::Postgres => {
            let mut conn = PgConnection::connect(url).await.expect("a connection");
            conn.execute("begin; lock table touches in access exclusive mode").await.expect("the lock");
            Blocker::Postgres(conn)
        }
    }
}

impl Blocker {
    async fn release(self) {
        match self {
            // The rollback is sent, because the server may notice the end of a connection only later.
            Blocker::Sqlite(mut conn) => drop(conn.execute("rollback").await.expect("released")),
            Blocker::Postgres(mut conn) => drop(conn.execute("rollback").await.expect("released")),
        }
    }
}

/// Returns whether a response removes the cookie of waiting touches.
fn ends_waiting(response: &reqwest::Response) -> bool {
    let cookies = response.headers().get_all("set-cookie");
    cookies.iter().any(|set| set.to_str().is_ok_and(|set| set.starts_with("waymark-waiting=;")))
}

#[tokio::test]
async fn a_touch_that_the_database_does_not_take_waits_in_a_cookie_and_is_stored_once() {
    each_app(async |app| {
        let browser = app.browser();
        let blocker = block_writes(&app).await;
        let start = Instant::now();
        let response = browser.get(LANDING).send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        // SQLite's writer knows of the lock. PostgreSQL's waits for the longest time that a landing has.
        assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
        assert_eq!(session_cookie(&response), None, "no cookie for a session that does not exist");
        let set = response.headers()["set-cookie"].to_str().expect("text").to_owned();
        assert!(set.starts_with("waymark-waiting=") && set.contains("HttpOnly"), "{set}");
        blocker.release().await;
        // PostgreSQL may still commit what waited for the lock. The touch has the same id, and is stored once.
        if app.db.dialect() == Dialect::Sqlite {
            assert_eq!(app.count("select count(*) from touches").await, 0);
        }
        // The next request that reaches the database stores the waiting touch. A busy machine may need more than one.
        let mut response = browser.register("maria@example.com").await;
        let begin = Instant::now();
        while !ends_waiting(&response) {
            assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", response.headers());
            response = browser.get("/").send().await.expect("an answer");
        }
        // A client that kept the cookie sends it a second time.
        browser.get("/").header("cookie", set.split(';').next().expect("a pair")).send().await.expect("an answer");
        let rows: Vec<(String, String, String, i64)> = sql("select source, medium, click_ids, hits from lead_sources")
            .fetch_all(&mut app.conn().await)
            .await
            .expect("rows");
        assert_eq!(rows, [("google".into(), "cpc".into(), r#"{"gclid":"AbC+-_1"}"#.into(), 1)]);
    })
    .await;
}
