//! Replicas that are restarted in turn behind a load balancer: with the same release, with a newer one, and back again. No
//! request fails, and nothing is lost.

use std::{path::PathBuf, sync::atomic::Ordering, time::Duration};

use tokio::time::sleep;

use crate::{
    Result,
    case::{Case, PROMISED_RECOVERY},
    proxy::Balancer,
};

/// A replica that has not ended after this time would be killed.
const STOP: Duration = Duration::from_secs(30);

/// Restarts the replicas with the same binary.
pub async fn restart(case: &mut Case<'_>) -> Result<()> {
    let binaries = vec![case.bench.binary.clone(); case.pick(1, 10)];
    roll(case, binaries).await
}

/// Goes from the release before to this one and back, and forward again.
///
/// Without `WAYMARK_OLD_BIN` there is only this release. It then runs on a schema that a later release's migration changed: one
/// more column, and one more line in the list of migrations.
pub async fn upgrade(case: &mut Case<'_>) -> Result<()> {
    let new = case.bench.binary.clone();
    match case.bench.old_binary.clone() {
        Some(old) => {
            case.row.note("between the release before and this one");
            // The site was made by this release, so the schema is the newer one already when the old release starts.
            roll(case, vec![old.clone(), new.clone(), old, new]).await
        }
        None => {
            case.row.note("this release on a schema with one more migration");
            for statement in LATER_MIGRATION {
                case.site.database.execute(statement).await?;
            }
            roll(case, vec![new.clone(), new]).await
        }
    }
}

const LATER_MIGRATION: [&str; 2] = [
    "alter table users add column of_a_later_release text",
    "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
     values (9000, 'of a later release', true, '', 0)",
];

/// Restarts all replicas in turn, once with each binary.
async fn roll(case: &mut Case<'_>, binaries: Vec<PathBuf>) -> Result<()> {
    let balancer = Balancer::start(case.site.targets()).await?;
    let direct = case.world.clone();
    case.world = direct.through(vec![balancer.address]);
    let (crowd, others) = (case.crowd(16), case.others());
    let mut rolled = Ok(());
    sleep(Duration::from_millis(700)).await;
    for binary in binaries {
        for number in 0..case.site.replicas.len() {
            if rolled.is_ok() {
                rolled = replace(case, number, binary.clone()).await;
                sleep(Duration::from_millis(300)).await;
            }
        }
    }
    let outcomes = crowd.outcomes.clone();
    let browsers = case.finish(crowd).await;
    let waits = others.stop().await;
    balancer.stop().await;
    case.world = direct;
    rolled?;
    let answered = outcomes.answered.load(Ordering::Relaxed);
    case.row.note(format!("{answered} requests were answered, {} were not", outcomes.bad()));
    case.row.longest_wait = Some(waits.longest);
    // One replica alone is away while it restarts.
    if case.site.replicas.len() > 1 {
        case.row.require(outcomes.bad() == 0, || format!("{} requests failed: {outcomes:?}", outcomes.bad()));
        case.row.require(waits.failed == 0, || format!("{} requests of others failed", waits.failed));
    }
    case.recover(PROMISED_RECOVERY).await;
    case.settle(browsers).await
}

async fn replace(case: &mut Case<'_>, number: usize, binary: PathBuf) -> Result<()> {
    let replica = &mut case.site.replicas[number];
    replica.process.signal("TERM")?;
    if replica.process.ended_within(STOP).await?.is_none() {
        case.row.fail("a replica did not stop");
    }
    let replica = &mut case.site.replicas[number];
    replica.binary = binary;
    replica.start_again()?;
    replica.wait_until_ready().await
}
