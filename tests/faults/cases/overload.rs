//! More load than the machine can serve: from half of the peak to five times the peak.
//!
//! The peak is what a few browsers that never pause get. Further load is open: requests come at a rate, whether the earlier ones
//! were answered or not. The generator shares the machine with the server, so the limits leave room.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    Result,
    browser::Browser,
    case::{Case, PROMISED_RECOVERY},
    visits::World,
};

/// The part of the peak that has to be left, in per cent.
const GOODPUT: usize = 80;
/// How many lines the log may have for a second.
const LINES_PER_SECOND: usize = 100;

/// How the landings of one rate ended.
#[derive(Debug, Default)]
struct Outcome {
    accepted: Vec<Duration>,
    refused: Vec<Duration>,
    broken: usize,
    /// How many were accepted while the load lasted.
    in_time: usize,
}

pub async fn run(case: &mut Case<'_>) -> Result<()> {
    let length = Duration::from_secs(case.pick(3, 15));
    let peak = peak(&case.world, case.world.targets[0], length).await;
    case.row.note(format!("peak: {peak} landings a second"));
    let rates: &[usize] = case.pick(&[300], &[50, 100, 200, 300, 500]);
    for percent in rates {
        let lines = case.site.replicas[0].log_lines();
        let rate = (peak * percent / 100).max(1);
        let mut outcome = open_load(&case.world, case.world.targets[0], rate, length).await;
        let seconds = usize::try_from(length.as_secs()).unwrap_or(1);
        let goodput = outcome.in_time / seconds;
        let (slow, refused) = (percentile(&mut outcome.accepted, 99), percentile(&mut outcome.refused, 50));
        case.row.note(format!(
            "{percent} % of the peak: {goodput} a second accepted (99 % within {slow:.1?}), {} refused (half within {refused:.1?}), \
             {} broken",
            outcome.refused.len(),
            outcome.broken
        ));
        if *percent >= 100 {
            case.row.require(goodput * 100 >= peak * GOODPUT, || format!("at {percent} % only {goodput} a second"));
        }
        let more = case.site.replicas[0].log_lines() - lines;
        case.row.require(more <= LINES_PER_SECOND * seconds, || format!("at {percent} % the log grew by {more} lines"));
        case.recover(PROMISED_RECOVERY).await;
    }
    case.settle(Vec::new()).await
}

/// Returns how many landings a second browsers get that never pause.
async fn peak(world: &World, target: SocketAddr, length: Duration) -> usize {
    let until = Instant::now() + length;
    let mut streams = JoinSet::new();
    for _ in 0..32 {
        let world = world.clone();
        streams.spawn(async move {
            let mut done = 0;
            while Instant::now() < until {
                let mut browser = world.browser();
                done += usize::from(world.land(&mut browser, target, &world.id()).await.is_ok());
            }
            done
        });
    }
    let done: usize = streams.join_all().await.into_iter().sum();
    done / usize::try_from(length.as_secs()).unwrap_or(1)
}

/// Sends landings at a rate, each by a new browser on a new connection.
async fn open_load(world: &World, target: SocketAddr, rate: usize, length: Duration) -> Outcome {
    let (began, world) = (Instant::now(), Arc::new(world.clone()));
    let total = rate * usize::try_from(length.as_secs()).unwrap_or(1);
    let mut landings = JoinSet::new();
    for number in 0..total {
        sleep_until(began + length.mul_f64(number as f64 / total as f64)).await;
        let world = world.clone();
        landings.spawn(async move {
            let (began, mut browser): (Instant, Browser) = (Instant::now(), world.browser());
            let landed = world.land(&mut browser, target, &world.id()).await;
            (landed.map(|answer| answer.status.is_success()).ok(), began.elapsed(), Instant::now())
        });
    }
    let mut outcome = Outcome::default();
    for (accepted, time, at) in landings.join_all().await {
        match accepted {
            Some(true) => {
                outcome.accepted.push(time);
                outcome.in_time += usize::from(at <= began + length);
            }
            Some(false) => outcome.refused.push(time),
            None => outcome.broken += 1,
        }
    }
    outcome
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}
