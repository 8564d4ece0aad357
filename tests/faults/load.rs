//! A crowd: many browsers at once, until the crowd is asked to finish.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{task::JoinSet, time::sleep};

use crate::{browser::Browser, chance::Chance, http::Answer, visits::World};

/// After this many steps a new browser takes the place of the old one: no person arrives more than 50 times a day, and a cookie
/// has room for some ten touches.
const STEPS: usize = 10;

/// How requests ended.
#[derive(Debug, Default)]
pub struct Outcomes {
    pub answered: AtomicUsize,
    /// 429, and 503: the server is busy or the database is away.
    pub refused: AtomicUsize,
    /// Other answers of 500 and more.
    pub failed: AtomicUsize,
    /// The connection broke, or could not be made.
    pub broken: AtomicUsize,
}

impl Outcomes {
    pub fn count(&self, outcome: &crate::Result<Answer>) {
        let counter = match outcome {
            Ok(answer) if matches!(answer.status.as_u16(), 429 | 503) => &self.refused,
            Ok(answer) if answer.status.is_server_error() => &self.failed,
            Ok(_) => &self.answered,
            Err(_) => &self.broken,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many requests were not answered well.
    pub fn bad(&self) -> usize {
        [&self.refused, &self.failed, &self.broken].iter().map(|counter| counter.load(Ordering::Relaxed)).sum()
    }
}

#[derive(Debug)]
pub struct Crowd {
    pub outcomes: Arc<Outcomes>,
    finish: Arc<AtomicBool>,
    tasks: JoinSet<Vec<Browser>>,
}

impl Crowd {
    /// Starts browsers, each with a short pause between its steps.
    pub fn start(world: &World, size: usize, chance: &mut Chance) -> Self {
        let (outcomes, finish) = (Arc::new(Outcomes::default()), Arc::new(AtomicBool::new(false)));
        let mut tasks = JoinSet::new();
        for _ in 0..size {
            tasks.spawn(stream(world.clone(), chance.fork(), outcomes.clone(), finish.clone()));
        }
        Self { outcomes, finish, tasks }
    }

    /// Lets every browser end its step, and returns all browsers that there were.
    pub async fn finish(self) -> Vec<Browser> {
        self.finish.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.into_iter().flatten().collect()
    }
}

/// One browser after the other.
async fn stream(world: World, mut chance: Chance, outcomes: Arc<Outcomes>, finish: Arc<AtomicBool>) -> Vec<Browser> {
    let mut gone = Vec::new();
    let mut browser = world.browser();
    let mut steps = 0;
    while !finish.load(Ordering::Relaxed) {
        let outcome = world.act(&mut browser, &mut chance).await;
        outcomes.count(&outcome);
        // A browser whose server is gone waits a little, as people do.
        sleep(Duration::from_millis(if outcome.is_err() { 50 } else { 10 })).await;
        steps += 1;
        if steps % STEPS == 0 {
            browser.close();
            gone.push(std::mem::replace(&mut browser, world.browser()));
        }
    }
    gone.push(browser);
    gone
}
