//! Models: how a conversion's credit is shared among the touches before it.
//!
//! [`path()`] chooses the touches that count, [`credit()`] shares an amount among them. What always holds: the parts add up to
//! the amount, to the last minor unit; a negative amount is shared as its positive is; and the same input has the same parts
//! on every machine, because everything is computed in integers.
//!
//! Money is in minor units of its currency. A count is shared the same way, as [`COUNT_UNIT`] millionths.

use std::{fmt, str::FromStr};

/// Credit learnt from many paths: Markov removal effects and Shapley values, over channels.
pub mod data_driven;

mod apportion;
mod credit;
mod decay;
mod path;
mod weights;

pub use self::apportion::apportion;
pub use self::credit::{credit, credit_change};
pub use self::path::{Step, collapse, path, window};
pub use self::weights::{PositionWeights, Weights, WrongPositionWeights};

/// One conversion, as a count to share.
pub const COUNT_UNIT: i64 = 1_000_000;

/// The rule that shares a conversion's credit among the touches of its path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Model {
    /// All to the first touch.
    First,
    /// All to the last touch.
    #[default]
    Last,
    /// All to the last touch that is not direct; to the last one where all are.
    LastNonDirect,
    /// To every touch the same.
    Linear,
    /// Most to the first and the last touch, the rest evenly to those between; see [`PositionWeights`].
    Position,
    /// The later, the more: a touch's weight halves with every [`half_life`](Weights::half_life) before the conversion.
    TimeDecay,
}

impl Model {
    /// All models, in the order in which pages list them.
    pub const ALL: [Model; 6] =
        [Model::First, Model::Last, Model::LastNonDirect, Model::Linear, Model::Position, Model::TimeDecay];

    /// The name in addresses and settings; it never changes for a model.
    pub const fn as_str(self) -> &'static str {
        match self {
            Model::First => "first",
            Model::Last => "last",
            Model::LastNonDirect => "last_non_direct",
            Model::Linear => "linear",
            Model::Position => "position",
            Model::TimeDecay => "time_decay",
        }
    }

    /// The name that people read.
    pub const fn label(self) -> &'static str {
        match self {
            Model::First => "First touch",
            Model::Last => "Last touch",
            Model::LastNonDirect => "Last non-direct touch",
            Model::Linear => "Linear",
            Model::Position => "Position-based",
            Model::TimeDecay => "Time decay",
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is no model's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownModel;

impl fmt::Display for UnknownModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be first, last, last_non_direct, linear, position or time_decay")
    }
}

impl std::error::Error for UnknownModel {}

/// Reads what [`Model::as_str`] wrote, in any ASCII case and with `-` for `_`, since models are typed into addresses.
impl FromStr for Model {
    type Err = UnknownModel;

    fn from_str(name: &str) -> Result<Self, UnknownModel> {
        let name = name.replace('-', "_");
        Model::ALL.into_iter().find(|model| model.as_str().eq_ignore_ascii_case(&name)).ok_or(UnknownModel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_read_back_what_they_write() {
        for model in Model::ALL {
            assert_eq!(model.to_string().parse(), Ok(model));
            assert_eq!(model.as_str().to_uppercase().replace('_', "-").parse(), Ok(model));
        }
        assert_eq!("Last-Non_Direct".parse(), Ok(Model::LastNonDirect));
        for wrong in ["", "lastnondirect", "u-shaped", "last "] {
            assert_eq!(wrong.parse::<Model>(), Err(UnknownModel));
        }
    }

    #[test]
    fn the_error_names_every_model() {
        for model in Model::ALL {
            assert!(UnknownModel.to_string().contains(model.as_str()));
        }
    }
}
