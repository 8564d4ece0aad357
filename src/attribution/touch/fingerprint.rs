//! Two digests of a touch. By its fingerprint a repeated arrival is recognized. By its step key models see that two touches in a
//! row came by the same link.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::attribution::signal::Utm;

/// Fingerprints in this range mark touches whose texts were erased. A normal fingerprint lands there with probability 2^-24, and
/// does no harm: the touch is then compared with others by its fingerprint.
pub const ERASED_RANGE: Range<i64> = 0..1 << 40;

/// Returns the fingerprint of an arrival, the same for arrivals by the same link. The landing path is left out, because a
/// redirect from `/a` to `/a/` is the same arrival.
pub(super) fn fingerprint(utm: &Utm, click_ids: &str, tags: &str) -> i64 {
    let mut digest = Sha256::new();
    let fields = utm.values().map(Option::as_deref);
    for field in fields.into_iter().chain([Some(click_ids), Some(tags)]) {
        // The length before each value keeps ("ab", "c") and ("a", "bc") apart, and -1 keeps an absent value apart from an empty
        // value.
        digest.update(field.map_or(-1, |text| text.len() as i64).to_le_bytes());
        digest.update(field.unwrap_or_default());
    }
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(digest.finalize());
    i64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// Returns the step key of a touch, the same for touches with the same UTM fields. Click ids and tags are left out. Each click on
/// an ad has its own click id, but two clicks on one ad are one step.
///
/// The key is FNV-1a of 64 bits, with a length before each value as in [`fingerprint`]. The key is computed for every touch of a
/// report, so it has to be cheap. The key need not resist attacks, because it is only compared with the key of the same user's
/// touch before. A user who forges equal keys merges two of their own touches.
pub fn step_key(utm: &Utm) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut add = |bytes: &[u8]| {
        hash = bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    };
    for field in utm.values() {
        match field {
            None => add(&u64::MAX.to_le_bytes()),
            Some(text) => {
                add(&(text.len() as u64).to_le_bytes());
                add(text.as_bytes());
            }
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuples_that_differ_have_other_digests() {
        let of = |place: usize, text: Option<&str>| {
            let mut utm = Utm::default();
            *utm.values_mut()[place] = text.map(str::to_owned);
            step_key(&utm)
        };
        let mut all: Vec<u64> = (0..9).flat_map(|place| [of(place, Some("")), of(place, Some("a"))]).collect();
        all.push(of(0, None));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 19);
        assert_eq!(of(3, Some("a")), of(3, Some("a")));
    }
}
