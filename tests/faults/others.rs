//! The others: people who open the site while something goes wrong. Each comes on a new connection.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::{
    browser::{CHROME, address_of},
    http,
};

const PAUSE: Duration = Duration::from_millis(50);
/// Nobody waits longer for a page.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the others met.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waits {
    pub longest: Duration,
    pub asked: usize,
    /// Requests that were refused, broken or given up.
    pub failed: usize,
}

#[derive(Debug)]
pub struct Others {
    stop: watch::Sender<bool>,
    task: JoinHandle<Waits>,
}

impl Others {
    /// Asks each target for these pages, one after the other, until stopped.
    pub fn start(targets: Vec<SocketAddr>, pages: &'static [&'static str]) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let mut choices: Vec<(SocketAddr, &str)> = Vec::new();
        for target in targets {
            choices.extend(pages.iter().map(|page| (target, *page)));
        }
        let task = tokio::spawn(async move {
            let mut waits = Waits::default();
            for (number, (target, page)) in choices.into_iter().cycle().enumerate() {
                if *stopped.borrow() {
                    break;
                }
                let began = Instant::now();
                let address = address_of((1 << 16) + number);
                let headers = [("user-agent", CHROME), ("accept", "text/html"), ("x-forwarded-for", &address)];
                let answered = timeout(PATIENCE, http::get(target, page, &headers)).await;
                waits.asked += 1;
                waits.failed += usize::from(!matches!(answered, Ok(Ok(answer)) if answer.status.is_success()));
                waits.longest = waits.longest.max(began.elapsed());
                drop(timeout(PAUSE, stopped.changed()).await);
            }
            waits
        });
        Self { stop, task }
    }

    pub async fn stop(self) -> Waits {
        // The task ends by itself after its current request.
        let _ = self.stop.send(true);
        self.task.await.unwrap_or_default()
    }
}

/// Waits until a check holds, and returns how long that took. Returns `None` after the limit.
pub async fn until<F: Future<Output = bool>>(limit: Duration, mut holds: impl FnMut() -> F) -> Option<Duration> {
    let began = Instant::now();
    while began.elapsed() < limit {
        if timeout(limit, holds()).await.unwrap_or(false) {
            return Some(began.elapsed());
        }
        sleep(Duration::from_millis(20)).await;
    }
    None
}
