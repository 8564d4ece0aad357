//! Credit and money are both integers, and must not be mixed up.

use std::{
    iter::Sum,
    ops::{Add, AddAssign, Neg, Sub},
};

/// A number of whole units that a model can share.
pub trait Shareable: Copy + From<i64> + Into<i64> {}

impl Shareable for i64 {}

macro_rules! amount {
    ($(#[$attribute:meta])* $name:ident) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(transparent))]
        pub struct $name(pub i64);

        impl Shareable for $name {}

        impl From<i64> for $name {
            fn from(units: i64) -> Self {
                Self(units)
            }
        }

        impl From<$name> for i64 {
            fn from(amount: $name) -> Self {
                amount.0
            }
        }

        impl Add for $name {
            type Output = Self;

            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }

        impl Sub for $name {
            type Output = Self;

            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }

        impl Neg for $name {
            type Output = Self;

            fn neg(self) -> Self {
                Self(-self.0)
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
                Self(amounts.map(|amount| amount.0).sum())
            }
        }
    };
}

amount! {
    /// Conversions, in millionths, so that one conversion can be shared: [`Credit::ONE`] is a whole conversion.
    Credit
}

amount! {
    /// Money in minor units of its currency: `Minor(4_99)` is 4.99 in euros, and 499 in yen. Refunds are negative.
    Minor
}

impl Credit {
    pub const ZERO: Self = Self(0);
    /// One conversion.
    pub const ONE: Self = Self(1_000_000);

    /// Returns the number of whole conversions, rounded to the nearest; half a conversion is rounded up.
    pub const fn rounded(self) -> i64 {
        (self.0 + Self::ONE.0 / 2).div_euclid(Self::ONE.0)
    }
}

impl Minor {
    pub const ZERO: Self = Self(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_conversion_is_rounded_up() {
        let rounded =
            [0, 499_999, 500_000, 1_000_000, 1_499_999, -500_000, -500_001].map(|units| Credit(units).rounded());
        assert_eq!(rounded, [0, 0, 1, 1, 1, 0, -1]);
    }
}
