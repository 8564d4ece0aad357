//! Ticks of an axis that starts at zero: a few round numbers. Counts are whole, so ticks are too.

/// Returns the ticks from 0 to the first round number at or above `max`, in at most four intervals: `302` → 0, 100, 200, 300,
/// 400.
///
/// There are at least two ticks. So the last one is never zero, and an empty chart can divide by it.
pub fn ticks(max: i64) -> Vec<i64> {
    // keeps the sums below from overflowing, far above any count
    let max = max.clamp(1, i64::MAX / 100);
    let step = step(max);
    (0..=div_ceil(max, step)).map(|n| n * step).collect()
}

/// Returns the smallest of 1, 2, 2.5 and 5 × 10ⁿ that reaches `max` in four steps. 2.5 itself is left out: it is not whole.
fn step(max: i64) -> i64 {
    let least = div_ceil(max, 4);
    let mut power = 1;
    loop {
        let halves = [power * 2, power * 4, power * 5, power * 10];
        if let Some(half) = halves.into_iter().find(|half| half % 2 == 0 && half / 2 >= least) {
            return half / 2;
        }
        power *= 10;
    }
}

/// Rounds up, for positive numbers. `i64::div_ceil` is not stable.
fn div_ceil(value: i64, by: i64) -> i64 {
    value / by + i64::from(value % by != 0)
}

/// Returns how far apart the written labels are, so that at most `room` of `count` labels are written: 1 for all, 2 for every
/// second.
pub fn label_stride(count: usize, room: usize) -> usize {
    count.div_ceil(room.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_maximum() {
        assert_eq!(ticks(0), [0, 1]);
        assert_eq!(ticks(1), [0, 1]);
        assert_eq!(ticks(3), [0, 1, 2, 3]);
        assert_eq!(ticks(7), [0, 2, 4, 6, 8]);
        assert_eq!(ticks(90), [0, 25, 50, 75, 100]);
        assert_eq!(ticks(302), [0, 100, 200, 300, 400]);
        assert_eq!(ticks(1_000), [0, 250, 500, 750, 1_000]);
    }

    #[test]
    fn any_maximum_gets_few_ticks_in_order() {
        for max in (0..20_000).chain([i64::MAX / 200, i64::MAX / 100]) {
            let ticks = ticks(max);
            assert!((2..=5).contains(&ticks.len()), "{max}: {ticks:?}");
            assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]), "{max}: {ticks:?}");
            assert!(ticks[ticks.len() - 1] >= max, "{max}: {ticks:?}");
        }
    }

    #[test]
    fn labels_never_exceed_their_room() {
        for count in 1..400 {
            let stride = label_stride(count, 6);
            assert!(count.div_ceil(stride) <= 6);
        }
        assert_eq!(label_stride(0, 6), 1);
    }
}
