//! `kill -9` under load, again and again. What was acknowledged before is in the database after the restart.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    Result,
    case::{Case, PROMISED_RECOVERY},
};

pub async fn run(case: &mut Case<'_>) -> Result<()> {
    let times = case.pick(5, 100);
    let crowd = case.crowd(24);
    for time in 0..times {
        let pause = Duration::from_millis(100 + case.chance.below(500) as u64);
        sleep(pause).await;
        let number = time % case.site.replicas.len();
        let replica = &mut case.site.replicas[number];
        replica.process.signal("KILL")?;
        replica.process.ended_within(Duration::from_secs(10)).await?;
        replica.start_again()?;
        case.recover(PROMISED_RECOVERY).await;
    }
    let browsers = case.finish(crowd).await;
    case.row.note(format!("killed {times} times"));
    case.settle(browsers).await
}
