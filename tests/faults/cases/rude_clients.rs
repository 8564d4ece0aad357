//! Rude clients, each kind alone: silent sockets, half heads, HTTP/2 prefaces, slow bodies, clients that never read. All come from
//! one address. Others are served meanwhile, and the rude ones are cut.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    Result,
    case::{Case, PROMISED_RECOVERY, PROMISED_WAIT},
    rude::{Rude, WAYS, Way},
};

/// The server's soft limit of open files, as most systems set it, and more connections than that.
pub const FILES: u32 = 1024;
const CONNECTIONS: usize = 1100;
/// After this time no rude connection may be open.
const CUT: Duration = Duration::from_secs(30);
/// The same for clients that never read. The system takes some megabytes of answers for a client, so the server learns later that
/// the client takes nothing.
const CUT_READERS: Duration = Duration::from_secs(45);
/// The most memory that idle connections may take, in MiB.
const FLAT_MIB: u64 = 200;

pub async fn run(case: &mut Case<'_>) -> Result<()> {
    let target = case.world.targets[0];
    let mut browsers = Vec::new();
    for way in WAYS {
        let crowd = case.crowd(2);
        let others = case.others();
        let mut rude = Rude::default();
        rude.come(target, way, CONNECTIONS).await;
        sleep(Duration::from_secs(case.pick(2, 10))).await;
        let waits = others.stop().await;
        case.row.note(format!(
            "{}: others waited {:.1?} at most, {} of them failed",
            way.name(),
            waits.longest,
            waits.failed
        ));
        case.served(waits, PROMISED_WAIT);
        if !case.bench.short {
            let left = if way == Way::NeverReads {
                // Reading would end the rudeness.
                sleep(CUT_READERS).await;
                rude.left_after(Duration::from_secs(3)).await
            } else {
                rude.left_after(CUT).await
            };
            case.row.require(left == 0, || format!("{left} {} are still open", way.name()));
        }
        drop(rude);
        case.recover(PROMISED_RECOVERY).await;
        browsers.extend(case.finish(crowd).await);
    }
    case.settle(browsers).await
}

/// Ten thousand connections at once, most of them silent: memory stays flat.
pub async fn many(case: &mut Case<'_>) -> Result<()> {
    let process = &case.site.replicas[0].process;
    let before = process.memory_mib();
    let crowd = case.crowd(4);
    let others = case.others();
    let target = case.world.targets[0];
    let mut rude = Rude::default();
    for way in [Way::Silent, Way::HalfHead] {
        rude.come(target, way, 5000).await;
    }
    sleep(Duration::from_secs(10)).await;
    let process = &case.site.replicas[0].process;
    if let Some((before, now)) = before.zip(process.memory_mib()) {
        case.row.note(format!("memory before: {before} MiB, with 10,000 connections: {now} MiB"));
        case.row.require(now < before + FLAT_MIB, || format!("memory grew from {before} to {now} MiB"));
    }
    drop(rude);
    let waits = others.stop().await;
    case.served(waits, PROMISED_WAIT);
    case.recover(PROMISED_RECOVERY).await;
    let browsers = case.finish(crowd).await;
    case.settle(browsers).await
}
