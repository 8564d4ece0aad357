//! Powers of one half, in fixed point.
//!
//! The last bit of `f64::exp2` may differ between platforms, and a cent would move with it. So this module uses integer
//! arithmetic. The whole part of an exponent is a shift, and its fraction is a product of square roots of one half.

use std::time::Duration;

/// The number one in fixed point, and the largest weight: a weight times any amount fits into 128 bits.
const ONE: u64 = 1 << ONE_BITS;
const ONE_BITS: u32 = 62;

/// How many bits of an exponent's fraction count. Rounding errors are a few units in 2^62, far less than the effect of the
/// smallest of these bits. So a larger exponent never gives a larger power.
const FRACTION_BITS: usize = 40;

/// 2^(-1/2), 2^(-1/4), 2^(-1/8) …: each is the square root of its predecessor.
const ROOTS: [u64; FRACTION_BITS] = {
    let mut roots = [0; FRACTION_BITS];
    let mut root = ONE / 2;
    let mut index = 0;
    while index < FRACTION_BITS {
        root = ((root as u128) << ONE_BITS).isqrt() as u64;
        roots[index] = root;
        index += 1;
    }
    roots
};

/// Returns `2^(-age / half_life)` as a multiple of 2^-62, right to 12 decimal places, and zero after 63 half-lives. A half-life
/// below one millisecond counts as one millisecond.
pub(super) fn weight(age: Duration, half_life: Duration) -> u64 {
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    weight_of(millis(age), millis(half_life))
}

fn weight_of(age: u64, half_life: u64) -> u64 {
    let half_life = half_life.max(1);
    let fraction = (u128::from(age % half_life) << FRACTION_BITS) / u128::from(half_life);
    let power = ROOTS.iter().enumerate().fold(ONE, |power, (index, &root)| {
        if fraction >> (FRACTION_BITS - 1 - index) & 1 == 0 {
            return power;
        }
        ((u128::from(power) * u128::from(root)) >> ONE_BITS) as u64
    });
    u32::try_from(age / half_life).ok().and_then(|halvings| power.checked_shr(halvings)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_half_lives_halve() {
        for halvings in 0..=62 {
            assert_eq!(weight_of(halvings * 700, 700), ONE >> halvings);
        }
        assert_eq!(weight_of(63 * 700, 700), 0);
        assert_eq!(weight_of(u64::MAX, 1), 0);
        assert_eq!(weight_of(3, 0), ONE / 8);
    }

    #[test]
    fn the_square_root_of_one_half() {
        // 0.70710678118654752440…, a well-known constant: floor(0.70710678118654752440 · 2^62)
        assert_eq!(weight_of(1, 2), 3260954456333195553);
    }

    proptest! {
        #[test]
        fn it_is_what_floating_point_says(age in 0..1u64 << 36, half_life in 1..1u64 << 33) {
            let expected = (-(age as f64) / half_life as f64).exp2();
            let got = weight_of(age, half_life) as f64 / ONE as f64;
            prop_assert!((got - expected).abs() < 1e-12, "{got} is not {expected}");
        }

        #[test]
        fn older_never_weighs_more(age: u64, more in prop_oneof![0..9u64, any::<u64>()], half_life: u64) {
            prop_assert!(weight_of(age, half_life) >= weight_of(age.saturating_add(more), half_life));
        }
    }
}
