//! The process is paused under writes, as a virtual machine is for a snapshot, and goes on.
//!
//! The long version pauses longer than the server's own deadline of 30 s for a group of writes. The short version cannot: it
//! shows only that requests in flight survive a pause.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    Result,
    case::{Case, PROMISED_RECOVERY},
};

pub async fn run(case: &mut Case<'_>) -> Result<()> {
    let (times, length) = case.pick((1, Duration::from_secs(3)), (3, Duration::from_secs(33)));
    let crowd = case.crowd(24);
    for _ in 0..times {
        sleep(Duration::from_millis(700)).await;
        for replica in &case.site.replicas {
            replica.process.signal("STOP")?;
        }
        sleep(length).await;
        for replica in &case.site.replicas {
            replica.process.signal("CONT")?;
        }
    }
    case.recover(PROMISED_RECOVERY).await;
    case.row.note(format!("paused {times} times for {length:?}"));
    let browsers = case.finish(crowd).await;
    case.settle(browsers).await
}
