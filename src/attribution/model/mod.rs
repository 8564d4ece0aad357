//! [`path()`] chooses the touches that count for a conversion. [`share()`] shares an amount among them: a [`Credit`],
//! or money in [`Minor`] units.
//!
//! What always holds:
//! - The shares add up to the amount, to the last unit.
//! - A negative amount has the shares of the positive amount, negated.
//! - The same input has the same shares on every machine, because all arithmetic is in integers.

use std::{fmt, str::FromStr};

/// Credit learnt from many paths: Markov removal effects and Shapley values, over channels.
pub mod data_driven;

mod amount;
mod apportion;
mod decay;
mod path;
mod share;
mod weights;

pub use self::amount::{Credit, Minor, Shareable};
pub use self::path::{Step, path};
pub use self::share::{share, share_change};
pub use self::weights::{PositionWeights, Weights, WrongPositionWeights};

/// The rule that shares a conversion's credit among the touches of its path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Model {
    /// The first touch gets all credit.
    First,
    /// The last touch gets all credit.
    #[default]
    Last,
    /// The last touch that is not direct gets all credit. If all touches are direct, the last touch gets it.
    LastNonDirect,
    /// Every touch gets the same credit.
    Linear,
    /// The first and the last touch get most credit, and the touches between share the rest evenly. See [`PositionWeights`].
    Position,
    /// A later touch gets more credit: the weight of a touch halves with every [`half_life`](Weights::half_life) before the
    /// conversion.
    TimeDecay,
}

impl Model {
    /// All models, in the order in which pages list them.
    pub const ALL: [Model; 6] =
        [Model::First, Model::Last, Model::LastNonDirect, Model::Linear, Model::Position, Model::TimeDecay];

    /// Returns the name in addresses and settings. The name never changes.
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
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is not the name of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownModel;

impl fmt::Display for UnknownModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be first, last, last_non_direct, linear, position or time_decay")
    }
}

impl std::error::Error for UnknownModel {}

/// Reads the name that [`Model::as_str`] returns, in any ASCII case and with `-` for `_`, since people type models into
/// addresses: `Time-Decay` is [`Model::TimeDecay`].
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
