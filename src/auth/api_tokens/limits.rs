//! How often programs may report: each token in a minute, and how many wrong tokens an address may send. Counts stay in this
//! process, so a site with N replicas takes N times as much.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    address_limit::{AddressLimit, Limited},
    id::ApiTokenId,
};

/// Reports of one token in a minute.
const PER_MINUTE: u32 = 600;
/// What a report counts for whose user is unknown. Otherwise a token could ask a list of addresses for accounts at speed.
pub const UNKNOWN_USER: u32 = 10;

/// What reading a report counts for.
pub const REPORT_READ: u32 = 20;

const WINDOW: Duration = Duration::from_mins(1);
/// The map forgets tokens whose minute is over once it holds this many.
const TOKENS: usize = 1_000;

/// Requests of one address whose token is unknown, revoked or has ended.
#[derive(Clone, Copy, Debug)]
pub struct WrongTokens;

impl Limited for WrongTokens {
    const MOST: u32 = 30;
    const WINDOW: Duration = Duration::from_mins(5);
}

/// Counts wrong tokens by address.
pub type WrongTokenLimit = AddressLimit<WrongTokens>;

/// Limits how often programs may report.
#[derive(Clone, Debug, Default)]
pub struct ReportLimits {
    /// Wrong tokens of each address.
    pub wrong_tokens: WrongTokenLimit,
    /// Reports of each token.
    pub tokens: TokenLimit,
}

/// Counts the reports of each token. Clones share their counts.
#[derive(Clone, Debug, Default)]
pub struct TokenLimit(Arc<Mutex<HashMap<ApiTokenId, Minute>>>);

#[derive(Clone, Copy, Debug)]
struct Minute {
    since: Instant,
    used: u32,
}

impl TokenLimit {
    /// Counts a report. Returns how long the token has to wait, if it has used up its minute.
    pub fn wait_or_count(&self, token: ApiTokenId) -> Option<Duration> {
        let minute = self.add(token, 1);
        (minute.used > PER_MINUTE).then(|| WINDOW.saturating_sub(minute.since.elapsed()))
    }

    /// Counts that a report's user is unknown.
    pub fn count_unknown_user(&self, token: ApiTokenId) {
        self.add(token, UNKNOWN_USER - 1);
    }

    /// Counts that a report was read.
    pub fn count_report_read(&self, token: ApiTokenId) {
        self.add(token, REPORT_READ - 1);
    }

    fn add(&self, token: ApiTokenId, count: u32) -> Minute {
        // A panic under the lock leaves no incomplete entry, so the map can still be used.
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if minutes.len() >= TOKENS {
            minutes.retain(|_, minute| minute.since.elapsed() < WINDOW);
        }
        let minute = minutes.entry(token).or_insert_with(|| Minute { since: Instant::now(), used: 0 });
        if minute.since.elapsed() >= WINDOW {
            *minute = Minute { since: Instant::now(), used: 0 };
        }
        minute.used = minute.used.saturating_add(count);
        *minute
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_its_share_and_unknown_users_use_it_up_sooner() {
        let limit = TokenLimit::default();
        let (shop, guesser) = (ApiTokenId::new(), ApiTokenId::new());
        assert!((0..PER_MINUTE).all(|_| limit.wait_or_count(shop).is_none()));
        assert!(limit.wait_or_count(shop).is_some_and(|wait| wait <= WINDOW));
        let asked = (0..PER_MINUTE).take_while(|_| {
            limit.count_unknown_user(guesser);
            limit.wait_or_count(guesser).is_none()
        });
        assert_eq!(asked.count() as u32, PER_MINUTE / UNKNOWN_USER);
    }
}
