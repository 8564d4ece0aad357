//! [`Random`] makes repeatable numbers for samples: the same seed gives the same numbers on every machine. [`secret_bytes`]
//! returns random bytes of the operating system, for secrets.

use argon2::password_hash::rand_core::{OsRng, RngCore};
use uuid::{Builder, Uuid};

use crate::timestamp::Timestamp;

/// Returns random bytes of the operating system, fit for secrets.
pub fn secret_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
///
/// `rand` and `fastrand` do not promise the same numbers in their next version. Sample data and sampled models must not change
/// with an update, so this project has its own generator.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number from 0 to `limit - 1`. The limit is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next_u64() % limit
    }

    /// Returns a number from 0 up to, but not including, 1.
    pub fn unit(&mut self) -> f64 {
        // A double holds 53 bits.
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns true with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Returns one item of a list. The list is not empty.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    /// Returns a position in `cumulative`, a list of running sums. The probability of a position is proportional to its step in
    /// the sums. Example: `[1.0, 4.0]` → position 0 with probability 1/4, position 1 with probability 3/4.
    pub fn weighted(&mut self, cumulative: &[f64]) -> usize {
        let point = self.unit() * cumulative.last().copied().unwrap_or_default();
        cumulative.partition_point(|sum| *sum <= point).min(cumulative.len().saturating_sub(1))
    }

    /// Returns a text of `length` letters from an ASCII alphabet.
    pub fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(*self.pick(alphabet))).collect()
    }

    /// Puts the items into a random order. All orders are equally likely, to within the number of items in 2^64.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = (u128::from(self.next_u64()) * (last as u128 + 1)) >> 64;
            items.swap(last, other as usize);
        }
    }

    /// Returns an id of version 7, which carries the time `at`.
    pub fn id<T: From<Uuid>>(&mut self, at: Timestamp) -> T {
        let bytes = (u128::from(self.next_u64()) << 64 | u128::from(self.next_u64())).to_be_bytes();
        let mut tail = [0; 10];
        tail.copy_from_slice(&bytes[..10]);
        Builder::from_unix_timestamp_millis(at.max(Timestamp::EPOCH).as_millis() as u64, &tail).into_uuid().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::MILLISECOND;

    #[test]
    fn the_numbers_are_those_of_the_paper() {
        // The reference implementation's first numbers for the seed 1234567.
        let mut random = Random::new(1_234_567);
        assert_eq!([random.next_u64(), random.next_u64()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn ids_are_of_version_7_and_ordered_by_time() {
        let mut random = Random::new(1);
        let at = Timestamp::from_millis(1_700_000_000_000);
        let (early, late): (Uuid, Uuid) = (random.id(at), random.id(at + MILLISECOND));
        assert_eq!(early.get_version_num(), 7);
        assert_eq!(early.get_timestamp().map(|time| time.to_unix()), Some((1_700_000_000, 0)));
        assert!(early < late);
    }

    #[test]
    fn what_weighs_nothing_is_never_picked() {
        let mut random = Random::new(1);
        let picked: Vec<usize> = (0..1000).map(|_| random.weighted(&[0.0, 1.0, 1.0, 4.0])).collect();
        assert!(picked.iter().all(|at| *at == 1 || *at == 3));
        let often = picked.iter().filter(|at| **at == 3).count();
        assert!((700..800).contains(&often), "{often}");
    }
}
