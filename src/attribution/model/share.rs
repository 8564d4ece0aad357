//! Sharing an amount among the steps of a path.

use super::{Model, Shareable, Step, Weights, apportion::apportion, decay};
use crate::timestamp::Timestamp;

/// Returns the share of each step of a path by `model`, in the order of the steps.
///
/// `steps` are the [`path()`](super::path()) of a conversion: in the order of time, none after the conversion. The
/// shares add up to `total` exactly, by largest remainder. An empty path has no shares; the caller credits its total to
/// Direct.
///
/// The time of the conversion does not matter. Time decay gives a touch the weight 2^(-age / half-life), and only
/// proportions of weights count. Measuring ages from the newest touch changes all weights by the same factor, and the
/// newest touch keeps its full weight.
///
/// ```
/// # use waymark::{attribution::model::{Credit, Minor, Model, Step, Weights, share}, timestamp::Timestamp};
/// let steps = [0, 1, 2].map(|at| Step { at: Timestamp::from_millis(at), direct: false, key: at as u64 });
/// let weights = Weights::default();
/// assert_eq!(share(Model::Position, &weights, &steps, Minor(9_99)), [4_00, 2_00, 3_99].map(Minor));
/// assert_eq!(share(Model::Linear, &weights, &steps, Credit::ONE), [333_334, 333_333, 333_333].map(Credit));
/// ```
pub fn share<A: Shareable>(model: Model, weights: &Weights, steps: &[Step], total: A) -> Vec<A> {
    let Some(last) = steps.len().checked_sub(1) else { return Vec::new() };
    let only = |credited: usize| {
        let mut shares = vec![A::from(0); steps.len()];
        shares[credited] = total;
        shares
    };
    let weights: Vec<u64> = match model {
        Model::First => return only(0),
        Model::Last => return only(last),
        Model::LastNonDirect => return only(steps.iter().rposition(|step| !step.direct).unwrap_or(last)),
        Model::Linear => vec![1; steps.len()],
        Model::Position => weights.position.of_path(steps.len()),
        Model::TimeDecay => {
            let newest = steps.iter().map(|step| step.at).fold(steps[last].at, Timestamp::max);
            steps.iter().map(|step| decay::weight(newest - step.at, weights.half_life)).collect()
        }
    };
    apportion(&weights, total.into()).into_iter().map(A::from).collect()
}

/// Returns what a refund, or another change of a conversion's value, adds to the share of each step. This is the step's share of
/// the value `after` less its share of the value `before`.
///
/// So rounding cannot accumulate. For each touch, the share of the conversion and the changes by its refunds add up to the share
/// of the net value. After a full refund the sum is zero. `steps` are the path of the refunded conversion, not of the refund's
/// own time.
///
/// A change that does not fit into an `i64` saturates.
pub fn share_change<A: Shareable>(model: Model, weights: &Weights, steps: &[Step], before: A, after: A) -> Vec<A> {
    let before = share(model, weights, steps, before);
    let after = share(model, weights, steps, after);
    after.into_iter().zip(before).map(|(after, before)| A::from(after.into().saturating_sub(before.into()))).collect()
}

#[cfg(test)]
mod tests;
