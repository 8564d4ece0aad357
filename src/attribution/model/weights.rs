//! The settings of the models.

use std::{fmt, str::FromStr, time::Duration};

use crate::timestamp::DAY;

/// Settings of the two models that have any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// The percentages of the position-based model.
    pub position: PositionWeights,
    /// The half-life of time decay: a touch this much earlier than another touch has half its weight. A shorter span than a
    /// millisecond counts as a millisecond.
    pub half_life: Duration,
}

/// 40/20/40 and 7 days, as in most analytics products.
impl Default for Weights {
    fn default() -> Self {
        Self { position: PositionWeights::default(), half_life: 7 * DAY }
    }
}

/// Percentages of the credit for the first touch, for all touches between together, and for the last. They add up to
/// 100.
///
/// The text form is `40/20/40`, which is the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionWeights {
    first: u8,
    middle: u8,
    last: u8,
}

impl Default for PositionWeights {
    fn default() -> Self {
        Self { first: 40, middle: 20, last: 40 }
    }
}

impl PositionWeights {
    /// Returns a weight for each touch of a path of `length` touches.
    ///
    /// In a path of two, first and last share in proportion to their weights: 60/10/30 → 60 : 30. If both weights are zero, each
    /// gets half.
    pub(super) fn of_path(self, length: usize) -> Vec<u64> {
        let [first, middle, last] = [self.first, self.middle, self.last].map(u64::from);
        match length {
            0 | 1 => vec![1; length],
            2 if first + last == 0 => vec![1, 1],
            2 => vec![first, last],
            _ => {
                // all weights times the number of touches between, so that the middle divides evenly
                let between = length as u64 - 2;
                let mut weights = vec![middle; length];
                weights[0] = first * between;
                weights[length - 1] = last * between;
                weights
            }
        }
    }
}

impl fmt::Display for PositionWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.first, self.middle, self.last)
    }
}

/// Why a text is not [`PositionWeights`]. The message continues the name of a setting: `ATTRIBUTION_POSITION_WEIGHTS
/// must …`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongPositionWeights {
    /// The text is not three whole numbers from 0 to 100.
    Form,
    /// The numbers add up to this instead of 100.
    Sum(u16),
}

impl fmt::Display for WrongPositionWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => {
                f.write_str("must be whole percentages for the first, the middle and the last touch: 40/20/40")
            }
            Self::Sum(sum) => write!(f, "must add up to 100; these add up to {sum}"),
        }
    }
}

impl std::error::Error for WrongPositionWeights {}

impl FromStr for PositionWeights {
    type Err = WrongPositionWeights;

    fn from_str(text: &str) -> Result<Self, WrongPositionWeights> {
        let percent = |part: &str| part.trim().parse::<u8>().ok().filter(|percent| *percent <= 100);
        let parts: Option<Vec<u8>> = text.split('/').map(percent).collect();
        let Some(&[first, middle, last]) = parts.as_deref() else { return Err(WrongPositionWeights::Form) };
        match u16::from(first) + u16::from(middle) + u16::from(last) {
            100 => Ok(Self { first, middle, last }),
            sum => Err(WrongPositionWeights::Sum(sum)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PositionWeights, WrongPositionWeights> {
        text.parse()
    }

    #[test]
    fn weights_are_read_in_the_order_of_the_path() {
        assert_eq!(read("30/20/50"), Ok(PositionWeights { first: 30, middle: 20, last: 50 }));
        assert_eq!(read(" 0 / 100 / 0 ").map(|weights| weights.to_string()), Ok("0/100/0".into()));
        assert_eq!(read(&PositionWeights::default().to_string()), Ok(PositionWeights::default()));
    }

    #[test]
    fn mistakes_are_told_in_words() {
        for wrong in ["", "40", "40/60", "40/20/40/0", "40/x/40", "40//40", "-10/50/60", "33.3/33.3/33.4", "0/0/101"] {
            assert_eq!(read(wrong), Err(WrongPositionWeights::Form), "{wrong}");
        }
        assert_eq!(read("40/40/40"), Err(WrongPositionWeights::Sum(120)));
        assert_eq!(WrongPositionWeights::Sum(120).to_string(), "must add up to 100; these add up to 120");
    }

    #[test]
    fn the_default_sums_to_a_hundred() {
        let PositionWeights { first, middle, last } = PositionWeights::default();
        assert_eq!(first + middle + last, 100);
    }
}
