//! Shares in whole units, by largest remainder.

use std::cmp::Reverse;

/// Shares `total` in proportion to `weights`, in whole units that add up to `total` exactly.
///
/// This is Hamilton's method. Each part is its exact share rounded down. The units left over go one each to the largest
/// remainders, and among equal remainders to the earlier part. Example: weights 1 1 1 and total 100 → 34 33 33. So no part is a
/// whole unit away from its exact share, and a weight of zero gets nothing. A negative total has the parts of the positive total,
/// negated.
///
/// Where all weights are zero, all parts are zero, and the caller decides where the total goes.
pub(super) fn apportion(weights: &[u64], total: i64) -> Vec<i64> {
    let sum: u128 = weights.iter().copied().map(u128::from).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let amount = total.unsigned_abs();
    // (part, remainder): the product of two 64-bit numbers fits into 128 bits, and no part is more than the amount
    let exact = weights.iter().map(|&weight| u128::from(weight) * u128::from(amount));
    let (mut parts, remainders): (Vec<u64>, Vec<u128>) = exact.map(|share| ((share / sum) as u64, share % sum)).unzip();

    // All remainders together are `left` times the sum, and each remainder is below the sum. So more than `left` remainders are
    // above zero.
    let left = (amount - parts.iter().sum::<u64>()) as usize;
    if left > 0 {
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_by_key(|&index| Reverse(remainders[index]));
        for &index in &order[..left] {
            parts[index] += 1;
        }
    }
    let sign = |part| if total < 0 { 0_i64.saturating_sub_unsigned(part) } else { 0_i64.saturating_add_unsigned(part) };
    parts.into_iter().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_left_over_go_to_the_largest_remainders() {
        // 10 · 5/9 = 5.56, 10 · 3/9 = 3.33, 10 · 1/9 = 1.11: floors 5 + 3 + 1, and one unit to .56
        assert_eq!(apportion(&[5, 3, 1], 10), [6, 3, 1]);
        // 10 · 1/6 = 1.67, 10 · 5/6 = 8.33: the later one has the larger part and the smaller remainder
        assert_eq!(apportion(&[1, 5], 10), [2, 8]);
        // 7/3 = 2.33 each: one unit to the earliest of equals
        assert_eq!(apportion(&[4, 4, 4], 7), [3, 2, 2]);
        // .5 and .5, with a certain part between
        assert_eq!(apportion(&[1, 2, 1], 2), [1, 1, 0]);
    }

    #[test]
    fn no_weight_no_part() {
        assert_eq!(apportion(&[], 5), [] as [i64; 0]);
        assert_eq!(apportion(&[0, 0], 5), [0, 0]);
        assert_eq!(apportion(&[0, 1, 0, 1], 5), [0, 3, 0, 2]);
    }

    #[test]
    fn the_largest_amounts_fit() {
        assert_eq!(apportion(&[u64::MAX, 0], i64::MIN), [i64::MIN, 0]);
        assert_eq!(apportion(&[u64::MAX; 2], i64::MIN), [i64::MIN / 2; 2]);
        assert_eq!(apportion(&[u64::MAX, u64::MAX], i64::MAX), [i64::MAX / 2 + 1, i64::MAX / 2]);
    }

    proptest! {
        #[test]
        fn parts_add_up_and_stay_within_a_unit_of_the_exact_share(
            weights in prop::collection::vec(prop_oneof![0..5u64, any::<u64>()], 1..40),
            total in prop_oneof![-200..200i64, any::<i64>()],
        ) {
            prop_assume!(weights.iter().any(|&weight| weight > 0));
            let parts = apportion(&weights, total);
            prop_assert_eq!(parts.iter().map(|&part| i128::from(part)).sum::<i128>(), i128::from(total));
            let sum: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
            for (&part, &weight) in parts.iter().zip(&weights) {
                prop_assert!(part == 0 || (part < 0) == (total < 0));
                let share = u128::from(weight) * u128::from(total.unsigned_abs());
                let part = u128::from(part.unsigned_abs());
                prop_assert!(part == share / sum || (part == share / sum + 1 && share % sum > 0));
            }
        }
    }
}
