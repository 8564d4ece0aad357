//! A touch's tuple, its UTM fields, as one number: what models take for one step when it repeats.

use std::ops::Range;

/// Fingerprints of touches whose texts were erased: digests of the tuples that they had. Of other touches one in sixteen million
/// has such a one.
pub const ERASED: Range<i64> = 0..1 << 40;

/// A digest of the UTM fields, without click ids and tags: each click on an ad has its own click id, and is the same step.
///
/// FNV-1a of 64 bits, a length before each value, so that no two different tuples read the same; absent is not empty. It is
/// cheap, and only ever compared with the touch before: who makes two of one's own touches collide gains nothing.
pub fn digest(fields: [&Option<String>; 9]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut add = |bytes: &[u8]| {
        hash = bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    };
    for field in fields {
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
            let mut fields: [Option<String>; 9] = Default::default();
            fields[place] = text.map(str::to_owned);
            digest(fields.each_ref())
        };
        let mut all: Vec<u64> = (0..9).flat_map(|place| [of(place, Some("")), of(place, Some("a"))]).collect();
        all.push(of(0, None));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 19);
        assert_eq!(of(3, Some("a")), of(3, Some("a")));
    }
}
