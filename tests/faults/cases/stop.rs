//! SIGTERM under load, with slow clients: `/readyz` says 503 before the port closes, requests in flight are answered, and the
//! process ends with 0 within 25 s. Then the same with a database that hangs.

use std::{net::SocketAddr, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    Result,
    case::{Case, PROMISED_RECOVERY},
    database::Database,
    http,
    rude::{Rude, Way},
};

/// An orchestrator kills a process that has not ended after 30 s.
const LIMIT: Duration = Duration::from_secs(25);

pub async fn run(case: &mut Case<'_>) -> Result<()> {
    let crowd = case.crowd(24);
    let target = case.site.replicas[0].address;
    let mut rude = Rude::default();
    for way in [Way::Silent, Way::HalfHead, Way::SlowBody, Way::NeverReads] {
        rude.come(target, way, 5).await;
    }
    sleep(Duration::from_millis(1500)).await;
    stop(case, target, "with slow clients").await?;
    drop(rude);
    case.site.replicas[0].start_again()?;
    case.recover(PROMISED_RECOVERY).await;
    // The short version leaves this out, because the server waits for its database until its own deadlines.
    if let (false, Database::Postgres { server, .. }) = (case.bench.short, case.site.database.clone()) {
        server.signal_all("STOP")?;
        sleep(Duration::from_millis(500)).await;
        let stopped = stop(case, target, "with a hung database").await;
        server.signal_all("CONT")?;
        stopped?;
        case.site.replicas[0].start_again()?;
        case.recover(PROMISED_RECOVERY).await;
    }
    let browsers = case.finish(crowd).await;
    case.settle(browsers).await
}

/// Asks the first replica to stop, and watches.
async fn stop(case: &mut Case<'_>, target: SocketAddr, when: &str) -> Result<()> {
    let announced = tokio::spawn(says_unready(target));
    let began = Instant::now();
    let process = &mut case.site.replicas[0].process;
    process.signal("TERM")?;
    let status = process.ended_within(LIMIT + Duration::from_secs(20)).await?;
    let took = began.elapsed();
    case.row.note(format!("{when}: stopped after {took:.1?}"));
    match status {
        None => {
            case.row.fail(format!("{when}: still running after {took:.1?}"));
            process_gone(case).await?;
        }
        Some(status) => {
            case.row.require(took <= LIMIT, || format!("{when}: stopping took {took:.1?}"));
            case.row.require(status.success(), || format!("{when}: ended with {status}"));
        }
    }
    let announced = announced.await.unwrap_or_default();
    case.row.require(announced, || format!("{when}: /readyz did not say 503 before the port closed"));
    Ok(())
}

async fn process_gone(case: &mut Case<'_>) -> Result<()> {
    let process = &mut case.site.replicas[0].process;
    process.signal("KILL")?;
    process.ended_within(LIMIT).await.map(drop)
}

/// Asks `/readyz` on new connections until it says 503, or until there are no new connections.
async fn says_unready(target: SocketAddr) -> bool {
    for _ in 0..500 {
        match http::get(target, "/readyz", &[]).await {
            Ok(answer) if answer.status.as_u16() == 503 => return true,
            Ok(_) => sleep(Duration::from_millis(10)).await,
            Err(_) => return false,
        }
    }
    false
}
