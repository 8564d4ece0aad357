//! A conversion's credit, shared by a model.

use super::{Model, Step, Weights, apportion, decay};
use crate::timestamp::Timestamp;

/// The credit of each step of a path, by `model`, in the order of the steps.
///
/// `steps` are a conversion's [`path()`](super::path()): in the order of time, none after the conversion. The parts add up to
/// `total` exactly, by largest remainder; see [`apportion()`]. An empty path has no parts, and its total goes to Direct.
///
/// The conversion's own time does not enter. Time decay weighs a touch by 2^(-age / half-life) at the conversion, and only
/// proportions count: taken from the newest touch instead, all weights change by the same factor, and the newest never
/// weighs nothing.
///
/// ```
/// # use waymark::{attribution::model::{COUNT_UNIT, Model, Step, Weights, credit}, timestamp::Timestamp};
/// let steps = [0, 1, 2].map(|at| Step { at: Timestamp::from_millis(at), direct: false, tuple: at as u64 });
/// assert_eq!(credit(Model::Position, &Weights::default(), &steps, 9_99), [4_00, 2_00, 3_99]);
/// assert_eq!(credit(Model::Linear, &Weights::default(), &steps, COUNT_UNIT), [333_334, 333_333, 333_333]);
/// ```
pub fn credit(model: Model, weights: &Weights, steps: &[Step], total: i64) -> Vec<i64> {
    let Some(last) = steps.len().checked_sub(1) else { return Vec::new() };
    let only = |credited: usize| (0..steps.len()).map(|index| u64::from(index == credited)).collect();
    let weights: Vec<u64> = match model {
        Model::First => only(0),
        Model::Last => only(last),
        Model::LastNonDirect => only(steps.iter().rposition(|step| !step.direct).unwrap_or(last)),
        Model::Linear => vec![1; steps.len()],
        Model::Position => weights.position.of_path(steps.len()),
        Model::TimeDecay => {
            let newest = steps.iter().map(|step| step.at).fold(steps[last].at, Timestamp::max);
            steps.iter().map(|step| decay::weight(newest - step.at, weights.half_life)).collect()
        }
    };
    apportion(&weights, total)
}

/// What a refund, or any change of a conversion's value, adds to the credit of each step: the credit of the value `after`
/// less the credit of the value `before`.
///
/// So changes telescope: whatever was rounded, the conversion's credit and the changes of its refunds add up, touch by
/// touch, to the credit of the net value, and to zero once all is refunded. `steps` are the path of the conversion that is
/// refunded, not of the refund's own time.
///
/// A change that does not fit into an `i64` saturates.
pub fn credit_change(model: Model, weights: &Weights, steps: &[Step], before: i64, after: i64) -> Vec<i64> {
    let before = credit(model, weights, steps, before);
    let after = credit(model, weights, steps, after);
    after.into_iter().zip(before).map(|(after, before)| after.saturating_sub(before)).collect()
}

#[cfg(test)]
mod tests;
