//! The database goes away and comes back. PostgreSQL is stopped and started, and its backends are killed; for SQLite another
//! process holds the write lock.
//!
//! Meanwhile pages are served, landings keep their touch in a cookie, and signing in says 503 with `Retry-After`.

use std::time::Duration;

use axum::http::StatusCode;
use sqlx::SqliteConnection;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    Result,
    browser::{Browser, Login},
    case::{Case, PROMISED_RECOVERY, PROMISED_WAIT},
    database::Database,
    http,
    process::signal,
};

pub async fn run(case: &mut Case<'_>) -> Result<()> {
    let crowd = case.crowd(16);
    sleep(Duration::from_millis(700)).await;
    let lengths: &[u64] = case.pick(&[3], &[1, 30, 120]);
    let mut waiting = Vec::new();
    for seconds in lengths {
        let others = case.others();
        match case.site.database.clone() {
            Database::Postgres { server, .. } => {
                server.stop()?;
                waiting.push(meanwhile(case, *seconds).await?);
                server.start_again()?;
            }
            Database::Sqlite { .. } => {
                let mut holder = case.site.database.sqlite().await?;
                hold(&mut holder).await?;
                waiting.push(meanwhile(case, *seconds).await?);
                sqlx::raw_sql("rollback").execute(&mut holder).await?;
            }
        }
        case.recover(PROMISED_RECOVERY).await;
        let waits = others.stop().await;
        case.served(waits, PROMISED_WAIT);
    }
    if let Database::Postgres { .. } = case.site.database {
        kill_backends(case).await?;
    }
    waiting.extend(case.finish(crowd).await);
    case.settle(waiting).await
}

/// Takes SQLite's write lock, as soon as it is free.
async fn hold(holder: &mut SqliteConnection) -> Result<()> {
    for _ in 0..200 {
        if sqlx::raw_sql("begin immediate").execute(&mut *holder).await.is_ok() {
            return Ok(());
        }
        sleep(Duration::from_millis(10)).await;
    }
    Err("the write lock was never free".into())
}

/// Checks what the site does without its database. Returns a browser that holds a touch.
async fn meanwhile(case: &mut Case<'_>, seconds: u64) -> Result<Browser> {
    let until = Instant::now() + Duration::from_secs(seconds);
    // The first requests may still find out that the database is away.
    sleep(Duration::from_millis(500)).await;
    let target = case.world.targets[0];
    let began = Instant::now();
    let mut browser = case.world.browser();
    let landed = case.world.land(&mut browser, target, &case.world.id()).await;
    let took = began.elapsed();
    let kept = landed.is_ok_and(|answer| answer.status == StatusCode::OK) && browser.holds_touches();
    case.row.require(kept, || "a landing did not put its touch into a cookie".into());
    case.row.require(took < PROMISED_WAIT, || format!("a landing took {took:.1?} without the database"));
    if let Database::Postgres { .. } = case.site.database {
        let ready = http::get(target, "/readyz", &[]).await?.status;
        case.row.require(ready == StatusCode::SERVICE_UNAVAILABLE, || format!("/readyz said {ready}"));
        let refused = case.world.sign_in(&mut browser, target).await?;
        let asks_to_wait =
            refused.status == StatusCode::SERVICE_UNAVAILABLE && !refused.header("retry-after").is_empty();
        case.row.require(asks_to_wait, || format!("signing up said {} without Retry-After", refused.status));
        browser.login = Login::Unknown;
    }
    sleep_until(until).await;
    Ok(browser)
}

/// Ends single connections, and then kills a backend, after which PostgreSQL restarts itself.
async fn kill_backends(case: &mut Case<'_>) -> Result<()> {
    const OF_THE_SITE: &str = "pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    let others = case.others();
    for _ in 0..case.pick(5, 50) {
        case.site.database.execute(&format!("select pg_terminate_backend(pid) from {OF_THE_SITE}")).await?;
        sleep(Duration::from_millis(100)).await;
    }
    case.recover(PROMISED_RECOVERY).await;
    let backends =
        case.site.database.pairs(&format!("select pid::text, null::text from {OF_THE_SITE} limit 1")).await?;
    for (backend, _) in backends {
        signal(backend.parse()?, "KILL")?;
    }
    sleep(Duration::from_millis(300)).await;
    case.recover(PROMISED_RECOVERY).await;
    let waits = others.stop().await;
    case.served(waits, PROMISED_WAIT);
    Ok(())
}
