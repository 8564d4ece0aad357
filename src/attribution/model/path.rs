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

/// Returns the path of a conversion: the indexes of the steps that count, in the order of time. These are the steps in the
/// [`window`], [`collapse`]d.
///
/// ```
/// # use std::time::Duration;
/// # use waymark::{attribution::model::{Step, path}, timestamp::Timestamp};
/// let step = |at, key| Step { at: Timestamp::from_millis(at), direct: false, key };
/// // another link, too early, the same link twice, after the conversion; steps may come in any order
/// let steps = [step(900, 2), step(10, 1), step(500, 1), step(600, 1), step(1001, 3)];
/// assert_eq!(path(&steps, Timestamp::from_millis(1000), Duration::from_millis(500)), [2, 0]);
/// ```
pub fn path(steps: &[Step], conversion_at: Timestamp, lookback: Duration) -> Vec<usize> {
    let inside = window(steps, conversion_at, lookback);
    let ordered: Vec<Step> = inside.iter().map(|&index| steps[index]).collect();
    collapse(&ordered).into_iter().map(|index| inside[index]).collect()
}

/// Does what [`path()`] does with steps that are in the order of time, and puts the indexes into `found`.
pub fn path_in_order(steps: &[Step], conversion_at: Timestamp, lookback: Duration, found: &mut Vec<usize>) {
    let start = steps.partition_point(|step| step.at < conversion_at - lookback);
    let end = start + steps[start..].partition_point(|step| step.at <= conversion_at);
    found.clear();
    found.extend((start..end).filter(|&index| index == start || steps[index - 1].key != steps[index].key));
}

/// Returns the indexes of the steps at or before the conversion and at most `lookback` before it, in the order of time.
/// Steps of the same time keep the order in which they were given.
pub fn window(steps: &[Step], conversion_at: Timestamp, lookback: Duration) -> Vec<usize> {
    let times = conversion_at - lookback..=conversion_at;
    let mut inside: Vec<usize> = (0..steps.len()).filter(|&index| times.contains(&steps[index].at)).collect();
    inside.sort_by_key(|&index| steps[index].at);
    inside
}

/// Returns the indexes of the steps that stay when consecutive steps with one key count as one step. The first step of each run
/// stays, because it is when the visitor came by that link. A key that returns after another key stays too. Example: keys 5 5 6 5
/// → indexes 0 2 3.
pub fn collapse(steps: &[Step]) -> Vec<usize> {
    (0..steps.len()).filter(|&index| index == 0 || steps[index - 1].key != steps[index].key).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step(at: i64, key: u64) -> Step {
        Step { at: Timestamp::from_millis(at), direct: false, key }
    }

    fn window(steps: &[Step], conversion_at: i64, lookback: u64) -> Vec<usize> {
        super::window(steps, Timestamp::from_millis(conversion_at), Duration::from_millis(lookback))
    }

    fn path(steps: &[Step], conversion_at: i64, lookback: u64) -> Vec<usize> {
        super::path(steps, Timestamp::from_millis(conversion_at), Duration::from_millis(lookback))
    }

    #[test]
    fn the_window_has_both_its_ends() {
        let steps = [step(99, 0), step(100, 1), step(200, 2), step(201, 3)];
        assert_eq!(window(&steps, 200, 100), [1, 2]);
        assert_eq!(window(&steps, 200, 0), [2]);
        assert_eq!(window(&[], 200, 100), [] as [usize; 0]);
    }

    #[test]
    fn the_window_orders_by_time_and_then_as_given() {
        let steps = [step(7, 0), step(3, 1), step(7, 2), step(3, 3)];
        assert_eq!(window(&steps, 10, 10), [1, 3, 0, 2]);
    }

    #[test]
    fn runs_collapse_and_returns_stay() {
        let steps = [step(1, 5), step(2, 5), step(3, 6), step(4, 5), step(5, 5), step(6, 5)];
        assert_eq!(collapse(&steps), [0, 2, 3]);
        assert_eq!(collapse(&steps[..1]), [0]);
        assert_eq!(collapse(&[]), [] as [usize; 0]);
    }

    #[test]
    fn what_is_outside_the_window_parts_no_run() {
        // in the order of time: 5 5, with a 6 too early and a 6 too late
        let steps = [step(60, 5), step(9, 6), step(50, 5), step(101, 6)];
        assert_eq!(path(&steps, 100, 90), [2]);
    }

    #[test]
    fn the_ends_of_time_are_times() {
        let steps = [step(i64::MIN, 0), step(0, 1), step(i64::MAX, 2)];
        assert_eq!(window(&steps, i64::MAX, i64::MAX as u64), [1, 2]);
        assert_eq!(window(&steps, i64::MIN, i64::MAX as u64), [0]);
    }

    proptest! {
        #[test]
        fn a_path_is_what_is_in_the_window_without_repeats(
            steps in prop::collection::vec((0..40i64, 0..4u64), 0..30),
            conversion_at in 0..40i64,
            lookback in 0..40u64,
        ) {
            let steps: Vec<Step> = steps.into_iter().map(|(at, key)| step(at, key)).collect();
            let path = path(&steps, conversion_at, lookback);
            let (conversion_at, lookback) = (Timestamp::from_millis(conversion_at), Duration::from_millis(lookback));
            let counts = |step: &Step| step.at <= conversion_at && conversion_at - step.at <= lookback;
            prop_assert!(path.iter().all(|&index| counts(&steps[index])));
            let ordered: Vec<Step> = super::window(&steps, Timestamp::MAX, Duration::MAX).iter().map(|&index| steps[index]).collect();
            let mut in_order = Vec::new();
            path_in_order(&ordered, conversion_at, lookback, &mut in_order);
            prop_assert_eq!(
                in_order.iter().map(|&index| ordered[index]).collect::<Vec<_>>(),
                path.iter().map(|&index| steps[index]).collect::<Vec<_>>()
            );
            // in the order of time; steps of the same time stay in the given order
            prop_assert!(path.is_sorted_by_key(|&index| (steps[index].at, index)));
            prop_assert!(path.windows(2).all(|two| steps[two[0]].key != steps[two[1]].key));
            // what was left out of the window repeats what is before it
            for index in (0..steps.len()).filter(|&index| counts(&steps[index]) && !path.contains(&index)) {
                let before = path.iter().rfind(|&&kept| (steps[kept].at, kept) < (steps[index].at, index));
                prop_assert_eq!(before.map(|&kept| steps[kept].key), Some(steps[index].key));
            }
        }
    }
}
