//! A conversion's path: the touches of its user that count for it, in the order of time.

use std::time::Duration;

use crate::timestamp::Timestamp;

/// A touch, as far as credit depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub at: Timestamp,
    /// Whether the touch is of the channel Direct: it names no source.
    pub direct: bool,
    /// A number that is equal for touches whose links said the same and differs for others: a place in a table, or a
    /// 64-bit digest.
    pub key: u64,
}

/// Returns the path of a conversion: the indexes of the steps that count. These are the steps at or before the conversion and at
/// most `lookback` before it, without repeats. Consecutive steps with one key count as one. The first of them stays, because it is
/// when the visitor came by that link. A key that returns after another key stays too: keys 5 5 6 5 → indexes 0 2 3.
///
/// The steps are in the order of time.
///
/// ```
/// # use std::time::Duration;
/// # use waymark::{attribution::model::{Step, path}, timestamp::Timestamp};
/// let step = |at, key| Step { at: Timestamp::from_millis(at), direct: false, key };
/// // too early, the same link twice, another link, after the conversion
/// let steps = [step(10, 1), step(500, 1), step(600, 1), step(900, 2), step(1001, 3)];
/// assert!(path(&steps, Timestamp::from_millis(1000), Duration::from_millis(500)).eq([1, 3]));
/// ```
pub fn path(steps: &[Step], conversion_at: Timestamp, lookback: Duration) -> impl Iterator<Item = usize> {
    let start = steps.partition_point(|step| step.at < conversion_at - lookback);
    let end = start + steps[start..].partition_point(|step| step.at <= conversion_at);
    (start..end).filter(move |&index| index == start || steps[index - 1].key != steps[index].key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step(at: i64, key: u64) -> Step {
        Step { at: Timestamp::from_millis(at), direct: false, key }
    }

    fn path(steps: &[Step], conversion_at: i64, lookback: u64) -> Vec<usize> {
        super::path(steps, Timestamp::from_millis(conversion_at), Duration::from_millis(lookback)).collect()
    }

    #[test]
    fn the_window_has_both_its_ends() {
        let steps = [step(99, 0), step(100, 1), step(200, 2), step(201, 3)];
        assert_eq!(path(&steps, 200, 100), [1, 2]);
        assert_eq!(path(&steps, 200, 0), [2]);
        assert_eq!(path(&[], 200, 100), [] as [usize; 0]);
    }

    #[test]
    fn runs_collapse_and_returns_stay() {
        let steps = [step(1, 5), step(2, 5), step(3, 6), step(4, 5), step(5, 5), step(6, 5)];
        assert_eq!(path(&steps, 9, 9), [0, 2, 3]);
        assert_eq!(path(&steps[..1], 9, 9), [0]);
    }

    #[test]
    fn what_is_outside_the_window_parts_no_run() {
        let steps = [step(9, 6), step(50, 5), step(60, 5), step(101, 6)];
        assert_eq!(path(&steps, 100, 90), [1]);
    }

    #[test]
    fn the_ends_of_time_are_times() {
        let steps = [step(i64::MIN, 0), step(0, 1), step(i64::MAX, 2)];
        assert_eq!(path(&steps, i64::MAX, i64::MAX as u64), [1, 2]);
        assert_eq!(path(&steps, i64::MIN, i64::MAX as u64), [0]);
    }

    proptest! {
        #[test]
        fn a_path_is_what_is_in_the_window_without_repeats(
            mut steps in prop::collection::vec((0..40i64, 0..4u64), 0..30),
            conversion_at in 0..40i64,
            lookback in 0..40u64,
        ) {
            steps.sort_by_key(|(at, _)| *at);
            let steps: Vec<Step> = steps.into_iter().map(|(at, key)| step(at, key)).collect();
            let path = path(&steps, conversion_at, lookback);
            let (conversion_at, lookback) = (Timestamp::from_millis(conversion_at), Duration::from_millis(lookback));
            let counts = |step: &Step| step.at <= conversion_at && conversion_at - step.at <= lookback;
            prop_assert!(path.iter().all(|&index| counts(&steps[index])));
            prop_assert!(path.is_sorted());
            prop_assert!(path.windows(2).all(|two| steps[two[0]].key != steps[two[1]].key));
            // what was left out of the window repeats what is before it
            for index in (0..steps.len()).filter(|&index| counts(&steps[index]) && !path.contains(&index)) {
                let before = path.iter().rfind(|&&kept| kept < index);
                prop_assert_eq!(before.map(|&kept| steps[kept].key), Some(steps[index].key));
            }
        }
    }
}
