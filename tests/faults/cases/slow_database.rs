//! A slow database: a locked table, stopped backends, a stopped server, and delayed bytes. A slow query is not a dead database:
//! nobody else waits, and nobody appears signed out.

use std::{net::SocketAddr, time::Duration};

use axum::http::StatusCode;
use sqlx::Connection;
use tokio::time::{Instant, sleep};

use crate::{
    Result,
    browser::Browser,
    case::{Case, PROMISED_RECOVERY, PROMISED_WAIT},
    database::Database,
    process::signal,
    proxy::Delay,
    server::Server,
    site::Setup,
};

pub async fn run(case: &mut Case<'_>) -> Result<()> {
    let Database::Postgres { server, .. } = case.site.database.clone() else {
        return Err("SQLite has no server".into());
    };
    let length = Duration::from_secs(case.pick(2, 20));
    let mut member = case.world.browser();
    let target = case.world.targets[0];
    case.world.sign_in(&mut member, target).await?;
    let crowd = case.crowd(16);

    let others = case.others();
    let mut holder = case.site.database.postgres().await?;
    let mut lock = holder.begin().await?;
    sqlx::raw_sql("lock table touches in access exclusive mode").execute(&mut *lock).await?;
    stays_signed_in(case, &mut member, length, "while touches were locked").await;
    lock.rollback().await?;
    case.recover(PROMISED_RECOVERY).await;

    const BACKENDS: &str = "select pid::text, null::text from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and application_name <> 'psql' limit 2";
    let backends = case.site.database.pairs(BACKENDS).await?;
    for (backend, _) in &backends {
        signal(backend.parse()?, "STOP")?;
    }
    stays_signed_in(case, &mut member, length, "while two backends hung").await;
    for (backend, _) in &backends {
        signal(backend.parse()?, "CONT")?;
    }
    case.recover(PROMISED_RECOVERY).await;

    server.signal_all("STOP")?;
    sleep(length).await;
    server.signal_all("CONT")?;
    case.recover(PROMISED_RECOVERY).await;
    let waits = others.stop().await;
    case.served(waits, PROMISED_WAIT);

    let mut browsers = case.finish(crowd).await;
    browsers.push(member);
    if !case.bench.short {
        browsers.extend(delayed(case).await?);
    }
    case.settle(browsers).await
}

/// Asks for a member's page, on and on. The page may fail, and must not ask the member to sign in.
async fn stays_signed_in(case: &mut Case<'_>, member: &mut Browser, length: Duration, when: &str) {
    let target = case.world.targets[0];
    let until = Instant::now() + length;
    let (mut asked, mut sent_away) = (0, 0);
    while Instant::now() < until {
        if let Ok(answer) = member.get(target, "/account").await {
            asked += 1;
            sent_away += usize::from(answer.status == StatusCode::SEE_OTHER);
        }
        sleep(Duration::from_millis(100)).await;
    }
    case.row.require(sent_away == 0, || format!("{when}: a member was asked {sent_away} of {asked} times to sign in"));
}

/// Sends a crowd to a replica whose database answers late.
async fn delayed(case: &mut Case<'_>) -> Result<Vec<Browser>> {
    let Database::Postgres { server, name } = &case.site.database else { return Ok(Vec::new()) };
    let delay = Delay::start(SocketAddr::from(([127, 0, 0, 1], server.port)), Duration::from_millis(50)).await?;
    let url = format!("postgres://postgres@127.0.0.1:{}/{name}", delay.port);
    let mut far = Server::start(case.bench.start(url, &format!("{}_far", case.name), &Setup::default()))?;
    far.wait_until_ready().await?;
    let (near, world) = (case.world.clone(), case.world.through(vec![far.address]));
    case.world = world;
    let (crowd, others) = (case.crowd(8), case.others());
    sleep(Duration::from_secs(20)).await;
    let browsers = case.finish(crowd).await;
    let waits = others.stop().await;
    case.served(waits, PROMISED_WAIT);
    case.world = near;
    Ok(browsers)
}
