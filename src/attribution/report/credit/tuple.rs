use std::ops::Range;

use super::PathTouch;

/// Fingerprints of touches whose texts were erased. Of other touches one in sixteen million has such a one.
const ERASED: Range<i64> = 0..1 << 40;

/// A touch as it is read for a path, with what its link said and reports do not show of it.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct TouchRow {
    #[sqlx(flatten)]
    touch: PathTouch,
    /// As the link said it: two names that reports show as one campaign are two tuples.
    raw_campaign: Option<String>,
    term: Option<String>,
    content: Option<String>,
    utm_id: Option<String>,
    source_platform: Option<String>,
    creative_format: Option<String>,
    marketing_tactic: Option<String>,
    fingerprint: i64,
}

impl From<TouchRow> for PathTouch {
    fn from(row: TouchRow) -> Self {
        let tuple = row.tuple();
        let mut touch = row.touch;
        touch.tuple = tuple;
        touch
    }
}

impl TouchRow {
    /// Of an erased touch the tuple is not what it was, and may be the same where it was another. Its fingerprint still tells.
    fn tuple(&self) -> u64 {
        if ERASED.contains(&self.fingerprint) {
            return self.fingerprint.cast_unsigned();
        }
        digest([
            &self.touch.source,
            &self.touch.medium,
            &self.raw_campaign,
            &self.term,
            &self.content,
            &self.utm_id,
            &self.source_platform,
            &self.creative_format,
            &self.marketing_tactic,
        ])
    }
}

/// A digest of the UTM fields, without click ids and tags: each click on an ad has its own click id, and is the same step.
///
/// FNV-1a of 64 bits, a length before each value, so that no two different tuples read the same; absent is not empty. It is
/// cheap, and only ever compared with the touch before: who makes two of one's own touches collide gains nothing.
fn digest(fields: [&Option<String>; 9]) -> u64 {
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
