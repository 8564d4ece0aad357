//! Passwords: which are accepted, and how they are hashed.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::{SaltString, rand_core::OsRng},
};
use tokio::sync::Semaphore;

/// Shortest and longest password in bytes. The upper bound is there because hashing takes longer for a longer text.
pub const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// How many passwords may be hashed or wait for it. Further passwords are refused, because the wait would only grow.
const QUEUE: usize = 256;

/// Returns Argon2id with 19 MiB, two passes and one lane, as OWASP's Password Storage Cheat Sheet asks for.
fn argon2() -> Argon2<'static> {
    const PARAMS: Params = match Params::new(19_456, 2, 1, None) {
        Ok(params) => params,
        Err(_) => panic!("these parameters are within Argon2's bounds"),
    };
    Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS)
}

/// A hash that belongs to no account. Passwords for unknown addresses are checked against this hash, so that a check takes as
/// long as for a known address.
static NO_ACCOUNT: LazyLock<String> = LazyLock::new(|| hash("nobody has this password").unwrap_or_default());

/// Too many passwords are being hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many sign-ins at once")]
pub struct Busy;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Another password, or an unknown address.
    Wrong,
    /// The account's password.
    Right,
    /// Right, but hashed with weaker parameters than today's.
    RightButWeak,
}

/// Hashes and checks passwords, off the threads that serve requests: as many at once as there are cores, since each takes
/// 19 MiB. Clones share the limit.
#[derive(Clone, Debug)]
pub struct Hasher {
    cores: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Default for Hasher {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        LazyLock::force(&NO_ACCOUNT);
        Self { cores: Arc::new(Semaphore::new(cores)), waiting: Arc::default() }
    }
}

impl Hasher {
    /// Hashes a password, as a PHC string.
    pub async fn hash(&self, password: String) -> Result<String, Busy> {
        // Hashing fails only with parameters and salts that are out of bounds, and these are not.
        self.run(move || hash(&password).map_err(|_| Busy)).await?
    }

    /// Checks a password against an account's hash. Without a hash, for an unknown address, the check takes as long.
    pub async fn check(&self, password: String, hash: Option<String>) -> Result<Check, Busy> {
        self.run(move || {
            let known = hash.is_some();
            let check = check(&password, hash.as_deref().unwrap_or(&NO_ACCOUNT));
            if known { check } else { Check::Wrong }
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let _place = QueuePlace::take(&self.waiting)?;
        let permit = self.cores.clone().acquire_owned().await.map_err(|_| Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            // The work holds the permit, not the request: a client that leaves must not let another hash begin.
            let _permit = permit;
            work()
        });
        done.await.map_err(|_| Busy)
    }
}

/// A place in the queue, given back when dropped.
struct QueuePlace(Arc<AtomicUsize>);

impl QueuePlace {
    fn take(waiting: &Arc<AtomicUsize>) -> Result<Self, Busy> {
        let place = Self(waiting.clone());
        if waiting.fetch_add(1, Ordering::Relaxed) < QUEUE { Ok(place) } else { Err(Busy) }
    }
}

impl Drop for QueuePlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    let salt = SaltString::generate(&mut OsRng);
    Ok(argon2().hash_password(password.as_bytes(), &salt)?.to_string())
}

fn check(password: &str, hash: &str) -> Check {
    // Sample, imported and erased users have a text that is no hash. No password fits it, and the check takes as long.
    let (hash, usable) = match PasswordHash::new(hash) {
        Ok(hash) => (Ok(hash), true),
        Err(_) => (PasswordHash::new(&NO_ACCOUNT), false),
    };
    let Ok(hash) = hash else { return Check::Wrong };
    // The check uses the parameters that the hash names, not ours.
    if argon2().verify_password(password.as_bytes(), &hash).is_err() || !usable {
        return Check::Wrong;
    }
    let ours = argon2();
    let weak = hash.algorithm != argon2::ARGON2ID_IDENT
        || Params::try_from(&hash).map_or(true, |theirs| {
            theirs.m_cost() < ours.params().m_cost() || theirs.t_cost() < ours.params().t_cost()
        });
    if weak { Check::RightButWeak } else { Check::Right }
}

/// Returns why a new password is not accepted, in words for the user. A password counts as typed: it is not trimmed, not cut,
/// and there is no rule about kinds of characters.
pub fn accept(password: &str, email: &str) -> Result<(), &'static str> {
    if password.is_empty() {
        return Err("Choose a password.");
    }
    if password.len() < *LENGTH.start() {
        return Err("Use at least 8 characters.");
    }
    if password.len() > *LENGTH.end() {
        return Err("Use at most 128 characters.");
    }
    // A guesser tries common passwords first, then words around the account, each also with a digit or a year after it. zxcvbn
    // counts 10,000 guesses for any such second part.
    let local = email.split('@').next().unwrap_or_default();
    let guesses = zxcvbn::zxcvbn(password, &["waymark", email, local]).guesses();
    if guesses < 100_000 {
        return Err("This password is easy to guess. A few unusual words make a good one.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_and_obvious_passwords_are_refused() {
        for wrong in
            ["", "short", "password123", "12345678", "iloveyou", "waymark1", "maria@example.com", &"x".repeat(129)]
        {
            assert!(accept(wrong, "maria@example.com").is_err(), "{wrong}");
        }
        for fine in
            ["correct horse battery", "  spaces count  ", "tr0ub4dor&3", &"long enough ".repeat(10), "пароль-из-слов"]
        {
            assert_eq!(accept(fine, "maria@example.com"), Ok(()), "{fine}");
        }
    }

    #[tokio::test]
    async fn a_hash_is_argon2id_with_the_promised_parameters() {
        let hasher = Hasher::default();
        let hash = hasher.hash("correct horse".into()).await.expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(hasher.check("correct horse".into(), Some(hash.clone())).await, Ok(Check::Right));
        assert_eq!(hasher.check("correct horse ".into(), Some(hash)).await, Ok(Check::Wrong));
        assert_eq!(hasher.check("nobody has this password".into(), None).await, Ok(Check::Wrong));
    }

    #[test]
    fn a_weak_hash_is_known_as_such() {
        let weak =
            Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8_192, 1, 1, None).expect("parameters"));
        let salt = SaltString::generate(&mut OsRng);
        let hash = weak.hash_password(b"correct horse", &salt).expect("a hash").to_string();
        assert_eq!(check("correct horse", &hash), Check::RightButWeak);
        assert_eq!(check("wrong horse", &hash), Check::Wrong);
    }

    #[test]
    fn what_is_no_hash_fits_no_password() {
        for password in ["", "!", "nobody has this password"] {
            assert_eq!(check(password, "!"), Check::Wrong, "{password:?}");
        }
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let hasher = Hasher::default();
        hasher.waiting.store(QUEUE, Ordering::Relaxed);
        assert_eq!(hasher.hash("correct horse".into()).await, Err(Busy));
        assert_eq!(hasher.waiting.load(Ordering::Relaxed), QUEUE, "the refused one gave its place back");
    }
}
