//! Work that many callers ask for at once is done together.
//!
//! The first caller starts a task, and the others wait in a list meanwhile. When the task has done its group, it takes all that
//! wait by then. So a group is as large as the database is slow, and nobody waits for a group to fill.

use std::{
    mem,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures::{FutureExt, future::BoxFuture};
use tokio::{sync::oneshot, time::timeout};

use super::{Conn, Db, Error};

/// The most items of a group.
const GROUP: usize = 128;

/// Does the work of a group: one outcome for each item, in the same order. May keep a connection for the next group.
type Work<Item, Outcome> =
    for<'w> fn(&'w Db, &'w mut Option<Conn>, Vec<Item>) -> BoxFuture<'w, Result<Vec<Outcome>, Error>>;

/// Collects items and works on them in groups. Clones share the list.
pub struct Groups<Item, Outcome>(Arc<Inner<Item, Outcome>>);

struct Inner<Item, Outcome> {
    work: Work<Item, Outcome>,
    /// The most groups at the same time.
    most: usize,
    waiting: Mutex<Waiting<Item, Outcome>>,
}

struct Entry<Item, Outcome> {
    item: Item,
    caller: Caller<Outcome>,
    /// When the caller stops waiting.
    until: Instant,
}

type Caller<Outcome> = oneshot::Sender<Result<Outcome, Error>>;

struct Waiting<Item, Outcome> {
    items: Vec<Entry<Item, Outcome>>,
    /// How many tasks work on a group.
    tasks: usize,
}

impl<Item, Outcome> Clone for Groups<Item, Outcome> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Item, Outcome> std::fmt::Debug for Groups<Item, Outcome> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Groups").finish_non_exhaustive()
    }
}

impl<Item: Send + 'static, Outcome: Send + 'static> Groups<Item, Outcome> {
    /// Makes an empty list. Up to `most` groups are worked on at the same time.
    pub fn new(most: usize, work: Work<Item, Outcome>) -> Self {
        let waiting = Mutex::new(Waiting { items: Vec::new(), tasks: 0 });
        Self(Arc::new(Inner { work, most, waiting }))
    }

    /// Returns the outcome of an item once its group is done. The work goes on if the caller goes away.
    ///
    /// Errors: the group failed, for all of its items, or is not done within `patience`.
    pub async fn submit(&self, db: &Db, item: Item, patience: Duration) -> Result<Outcome, Error> {
        let (caller, outcome) = oneshot::channel();
        let begins = {
            let mut waiting = self.lock();
            waiting.items.push(Entry { item, caller, until: Instant::now() + patience });
            let begins = waiting.tasks < self.0.most;
            waiting.tasks += usize::from(begins);
            begins
        };
        if begins {
            tokio::spawn(self.clone().work(db.clone()));
        }
        timeout(patience, outcome).await.map_err(|_| Error::timed_out())?.map_err(|_| Error::cancelled())?
    }

    /// Works on groups until nobody waits.
    async fn work(self, db: Db) {
        let mut kept = None;
        while let Some(group) = self.next() {
            let (items, callers): (Vec<_>, Vec<_>) = group.into_iter().map(|entry| (entry.item, entry.caller)).unzip();
            // A panic must not end the task, because all later callers would wait for it.
            let work = AssertUnwindSafe((self.0.work)(&db, &mut kept, items)).catch_unwind().await;
            match work.unwrap_or_else(|_| Err(Error::cancelled())) {
                // A caller may have gone away.
                Ok(outcomes) => {
                    callers.into_iter().zip(outcomes).for_each(|(caller, outcome)| drop(caller.send(Ok(outcome))))
                }
                Err(error) => callers.into_iter().for_each(|caller| drop(caller.send(Err(error.clone())))),
            }
        }
    }

    /// Returns the next group, or `None` if nobody waits. The task ends then.
    fn next(&self) -> Option<Vec<Entry<Item, Outcome>>> {
        let mut waiting = self.lock();
        // These callers have reported a failure by now.
        let now = Instant::now();
        waiting.items.retain(|entry| entry.until > now);
        if waiting.items.is_empty() {
            waiting.tasks -= 1;
            return None;
        }
        let most = waiting.items.len().min(GROUP);
        let rest = waiting.items.split_off(most);
        Some(mem::replace(&mut waiting.items, rest))
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<Item, Outcome>> {
        // A panic under the lock leaves no half-made change.
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::each_database;

    const PATIENCE: Duration = Duration::from_secs(5);

    /// Returns each item with the size of its group. Zero makes the group fail with a panic.
    fn sizes<'w>(
        _: &'w Db,
        _: &'w mut Option<Conn>,
        items: Vec<u64>,
    ) -> BoxFuture<'w, Result<Vec<(u64, usize)>, Error>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(30)).await;
            assert!(!items.contains(&0), "a group that panics");
            Ok(items.iter().map(|item| (*item, items.len())).collect())
        })
    }

    #[tokio::test]
    async fn what_arrives_meanwhile_is_the_next_group() {
        each_database(async |db| {
            let groups = Groups::new(1, sizes);
            let at_once = (1..=300).map(|item| groups.submit(&db, item, PATIENCE));
            let outcomes = futures::future::join_all(at_once).await;
            let mut expected = 1..=300;
            for outcome in outcomes {
                let (item, size) = outcome.expect("done");
                assert_eq!(Some(item), expected.next());
                assert!(size <= GROUP);
            }
            assert_eq!(groups.lock().tasks, 0);
        })
        .await;
    }

    #[tokio::test]
    async fn a_panic_fails_its_group_and_no_other() {
        each_database(async |db| {
            let groups = Groups::new(1, sizes);
            assert!(groups.submit(&db, 0, PATIENCE).await.is_err());
            assert_eq!(groups.submit(&db, 7, PATIENCE).await.expect("done"), (7, 1));
        })
        .await;
    }

    #[tokio::test]
    async fn an_item_whose_caller_has_stopped_waiting_is_left_out() {
        each_database(async |db| {
            let groups = Groups::new(1, sizes);
            let later = async {
                // The first group has begun.
                while !groups.lock().items.is_empty() {
                    tokio::task::yield_now().await;
                }
                tokio::join!(groups.submit(&db, 2, Duration::from_millis(5)), groups.submit(&db, 3, PATIENCE))
            };
            let (first, (late, last)) = tokio::join!(groups.submit(&db, 1, PATIENCE), later);
            assert_eq!(first.expect("done"), (1, 1));
            assert!(late.is_err());
            assert_eq!(last.expect("done"), (3, 1), "alone in its group");
        })
        .await;
    }
}
