//! Work on passwords, off the threads that serve requests and a little at a time.
//!
//! What always holds:
//! - At most as many passwords are worked on at once as there are cores, since a hash takes 19 MiB and a core.
//! - New passwords take at most half of these slots, and wait in a queue of their own. So sign-ups do not starve sign-ins.
//! - A queue that is full refuses at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use tokio::sync::Semaphore;

use super::password::{self, Check};

/// How many sign-ins may be checked or wait for it. Further ones are refused, because the wait would only grow.
const CHECKS: usize = 256;
/// How many new passwords may be worked on or wait for it. Judging a new password takes longer than checking a known one.
const NEW_PASSWORDS: usize = 64;

/// Too many passwords are being hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords at once")]
pub struct Busy;

/// Why a new password has no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NewPasswordError {
    /// The password is too short, too long or too easy to guess: why, in words for the user.
    #[error("the password is not accepted")]
    NotAccepted(&'static str),
    /// The password could not be judged now.
    #[error(transparent)]
    Busy(#[from] Busy),
}

/// Hashes, checks and judges passwords. Clones share the slots and the queues.
#[derive(Clone, Debug)]
pub struct Hasher {
    /// One for each password that is being worked on.
    slots: Arc<Semaphore>,
    checks: Lane,
    new_passwords: Lane,
}

impl Default for Hasher {
    fn default() -> Self {
        Self::with_slots(std::thread::available_parallelism().map_or(2, usize::from))
    }
}

impl Hasher {
    fn with_slots(slots: usize) -> Self {
        password::prepare();
        Self {
            slots: Arc::new(Semaphore::new(slots)),
            checks: Lane::new("sign_in", CHECKS, slots),
            new_passwords: Lane::new("new_password", NEW_PASSWORDS, (slots / 2).max(1)),
        }
    }

    /// Hashes a new password for the account with this e-mail address, as a PHC string, unless the password is not accepted.
    pub async fn hash_new(&self, password: String, email: &str) -> Result<String, NewPasswordError> {
        // A length is judged without a place in the queue.
        password::accept_length(&password).map_err(NewPasswordError::NotAccepted)?;
        let email = email.to_owned();
        self.run(&self.new_passwords, move || {
            password::accept(&password, &email).map_err(NewPasswordError::NotAccepted)?;
            Ok(password::hash(&password).map_err(|_| Busy)?)
        })
        .await?
    }

    /// Hashes the password of a sign-in anew, as a PHC string.
    pub async fn rehash(&self, password: String) -> Result<String, Busy> {
        // Hashing fails only with parameters and salts that are out of bounds, and these are not.
        self.run(&self.checks, move || password::hash(&password).map_err(|_| Busy)).await?
    }

    /// Checks a password against an account's hash. Without a hash, for an unknown address, the check takes as long.
    ///
    /// A text that is too long for a password is wrong without a check, whether the account exists or not.
    pub async fn check(&self, password: String, hash: Option<String>) -> Result<Check, Busy> {
        if !password::may_exist(&password) {
            return Ok(Check::Wrong);
        }
        self.run(&self.checks, move || password::check(&password, hash.as_deref())).await
    }

    async fn run<T: Send + 'static>(&self, lane: &Lane, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let _place = QueuePlace::take(lane)?;
        let since = Instant::now();
        let turn = lane.turns.clone().acquire_owned().await.map_err(|_| Busy)?;
        let slot = self.slots.clone().acquire_owned().await.map_err(|_| Busy)?;
        metrics::histogram!("waymark_password_wait_seconds", "lane" => lane.name).record(since.elapsed());
        let done = tokio::task::spawn_blocking(move || {
            // The work holds the slot, not the request: a client that leaves must not let another hash begin.
            let _held = (turn, slot);
            work()
        });
        done.await.map_err(|_| Busy)
    }
}

/// One of the two queues.
#[derive(Clone, Debug)]
struct Lane {
    /// The label of the metrics.
    name: &'static str,
    places: usize,
    /// How many of the lane may be worked on at once.
    turns: Arc<Semaphore>,
    /// How many are worked on or wait.
    taken: Arc<AtomicUsize>,
}

impl Lane {
    fn new(name: &'static str, places: usize, turns: usize) -> Self {
        Self { name, places, turns: Arc::new(Semaphore::new(turns)), taken: Arc::default() }
    }
}

/// A place in a queue, given back when dropped.
struct QueuePlace<'l>(&'l Lane);

impl<'l> QueuePlace<'l> {
    fn take(lane: &'l Lane) -> Result<Self, Busy> {
        // Made first, so that a refusal gives the place back.
        let place = Self(lane);
        metrics::gauge!("waymark_password_queue", "lane" => lane.name).increment(1.0);
        if lane.taken.fetch_add(1, Ordering::Relaxed) < lane.places {
            return Ok(place);
        }
        metrics::counter!("waymark_passwords_refused_total", "lane" => lane.name).increment(1);
        Err(Busy)
    }
}

impl Drop for QueuePlace<'_> {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!("waymark_password_queue", "lane" => self.0.name).decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PASSWORD: &str = "correct horse battery";

    #[tokio::test]
    async fn a_hash_is_argon2id_with_the_promised_parameters() {
        let hasher = Hasher::default();
        let hash = hasher.hash_new(PASSWORD.into(), "maria@example.com").await.expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(hasher.check(PASSWORD.into(), Some(hash.clone())).await, Ok(Check::Right));
        assert_eq!(hasher.check(format!("{PASSWORD} "), Some(hash)).await, Ok(Check::Wrong));
        assert_eq!(hasher.check("nobody has this password".into(), None).await, Ok(Check::Wrong));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_only_its_own_kind() {
        let hasher = Hasher::default();
        hasher.new_passwords.taken.store(NEW_PASSWORDS, Ordering::Relaxed);
        assert_eq!(hasher.hash_new(PASSWORD.into(), "").await, Err(Busy.into()));
        assert_eq!(hasher.new_passwords.taken.load(Ordering::Relaxed), NEW_PASSWORDS, "the place was given back");
        assert_eq!(hasher.check(PASSWORD.into(), None).await, Ok(Check::Wrong));
        hasher.checks.taken.store(CHECKS, Ordering::Relaxed);
        assert_eq!(hasher.check(PASSWORD.into(), None).await, Err(Busy));
    }

    /// On one thread: while work ran on the thread that serves requests, nothing else could run.
    #[tokio::test(flavor = "current_thread")]
    async fn a_password_is_judged_and_hashed_off_the_thread_that_serves() {
        let hasher = Hasher::default();
        // zxcvbn needs long for such a text: letters that stand for many letters.
        let crafted = "4@8({[<369&#!1|0$5+7%2".repeat(5)[..100].to_owned();
        let mut judged = std::pin::pin!(hasher.hash_new(crafted, "maria@example.com"));
        let mut turns = 0_u64;
        loop {
            tokio::select! {
                biased;
                hash = &mut judged => break assert!(hash.is_ok(), "{hash:?}"),
                () = tokio::task::yield_now() => turns += 1,
            }
        }
        assert!(turns > 100, "the thread had {turns} turns meanwhile");
    }

    #[tokio::test]
    async fn sign_ins_have_a_slot_while_sign_ups_fill_their_half() {
        let hasher = Hasher::with_slots(2);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let sign_ups: Vec<_> = (0..NEW_PASSWORDS)
            .map(|_| {
                let (hasher, held) = (hasher.clone(), held.clone());
                tokio::spawn(async move {
                    let wait = move || held.lock().expect("a lock").recv().is_err();
                    hasher.run(&hasher.new_passwords, wait).await
                })
            })
            .collect();
        while hasher.new_passwords.turns.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let checked = tokio::time::timeout(Duration::from_mins(1), hasher.check(PASSWORD.into(), None));
        assert_eq!(checked.await.expect("a sign-in is not held up"), Ok(Check::Wrong));
        drop(release);
        for sign_up in sign_ups {
            assert_eq!(sign_up.await.expect("no panic"), Ok(true));
        }
    }
}
