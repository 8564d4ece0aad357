//! Data-driven credit: the share of a channel is learnt from the paths of people who converted and of people who did
//! not.
//!
//! There are two methods, both over channels. [`markov()`] asks what would be lost without a channel, [`shapley()`] what a
//! channel adds to the others. Both return shares of all conversions that had a touch. The shares add up to 1, or all are zero if
//! there was no such conversion. [`credits`] turns shares into whole units.
//!
//! The shares are averages over many paths, in floating point. The rules that share the credit of one conversion are in
//! [`model`](crate::attribution::model).

use std::collections::BTreeMap;

use super::{Shareable, apportion::apportion};

mod markov;
mod shapley;

pub use self::markov::{Markov, markov};
pub use self::shapley::{MAX_EXACT, Sampling, Shapley, Worth, shapley};

/// Paths through channels, with equal paths counted together.
///
/// A path is the channels of a person's touches in the order of time. Channels are small numbers from zero, for
/// instance places in [`Channel::ALL`](crate::attribution::channel::Channel::ALL).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChannelPaths {
    channels: usize,
    // Sorted, so that sums are taken in the same order each time: in floating point the order changes the last digit.
    outcomes: BTreeMap<Vec<usize>, Outcomes>,
}

/// How many times a path ended in a conversion, and how many times not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Outcomes {
    converted: f64,
    unconverted: f64,
}

impl ChannelPaths {
    /// Returns a collection without paths. Results have a place for each of `channels` channels.
    pub fn new(channels: usize) -> Self {
        Self { channels, ..Self::default() }
    }

    /// Adds `count` paths through the same channels with the same end. If a channel has a larger number than [`Self::new`] was
    /// told, results get more places.
    ///
    /// Consecutive repeats of a channel become one step, since neither method tells them apart. In the chain, a repeat
    /// is a loop from a state to itself, which does not change where the chain ends. A path without touches says
    /// nothing about any channel and is left out; its conversions are credited to Direct.
    pub fn add(&mut self, channels: &[usize], converted: bool, count: u64) {
        let Some(most) = channels.iter().max() else { return };
        self.channels = self.channels.max(most + 1);
        let mut channels = channels.to_vec();
        channels.dedup();
        let outcomes = self.outcomes.entry(channels).or_default();
        let sum = if converted { &mut outcomes.converted } else { &mut outcomes.unconverted };
        *sum += count as f64;
    }

    /// Returns the number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Returns the number of conversions to credit.
    pub fn conversions(&self) -> f64 {
        self.outcomes.values().map(|outcomes| outcomes.converted).sum()
    }
}

/// Returns each channel's part of `total` in whole units. The parts add up to `total` exactly, by largest remainder. If all
/// shares are zero, all parts are zero.
pub fn credits<A: Shareable>(shares: &[f64], total: A) -> Vec<A> {
    /// The precision of a share: an `f64` has 53 significant bits.
    const FINEST: f64 = (1_u64 << 53) as f64;
    let weights: Vec<u64> = shares.iter().map(|share| (share * FINEST).round() as u64).collect();
    apportion(&weights, total.into()).into_iter().map(A::from).collect()
}

/// Scales values so that they add up to 1; returns zeros where they add up to 0.
fn shares_of(values: &[f64]) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    values.iter().map(|value| if sum > 0.0 { value / sum } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::attribution::model::Minor;

    fn credits(shares: &[f64], total: i64) -> Vec<i64> {
        super::credits(shares, Minor(total)).into_iter().map(i64::from).collect()
    }

    #[test]
    fn the_same_journeys_count_together_and_repeats_are_one_step() {
        let mut apart = ChannelPaths::new(2);
        apart.add(&[0, 1, 1, 0], true, 2);
        apart.add(&[0, 1, 0, 0], false, 1);
        apart.add(&[0, 1, 0], true, 3);
        let mut together = ChannelPaths::new(2);
        together.add(&[0, 1, 0], false, 1);
        together.add(&[0, 1, 0], true, 5);
        assert_eq!(apart, together);
        assert_eq!(apart.conversions(), 5.0);
    }

    #[test]
    fn journeys_without_touches_are_nobody_s_and_new_channels_get_a_place() {
        let mut paths = ChannelPaths::new(2);
        paths.add(&[], true, 7);
        assert_eq!(paths, ChannelPaths::new(2));
        paths.add(&[3], true, 1);
        assert_eq!(paths.channels(), 4);
        assert_eq!(markov(&paths).shares, [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(shapley(&paths, Worth::Rates, Sampling::default()).shares, [0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn nothing_to_learn_from_is_nothing_to_share() {
        let mut lost = ChannelPaths::new(2);
        lost.add(&[0, 1], false, 3);
        let mut none = ChannelPaths::new(2);
        none.add(&[0, 1], true, 0);
        for paths in [ChannelPaths::new(0), ChannelPaths::new(2), lost, none] {
            let zeros = vec![0.0; paths.channels()];
            let markov = markov(&paths);
            assert_eq!(
                (markov.conversion_rate, markov.shares, markov.removal_effects),
                (0.0, zeros.clone(), zeros.clone())
            );
            for worth in [Worth::Conversions, Worth::Rates] {
                let shapley = shapley(&paths, worth, Sampling::default());
                assert_eq!((shapley.shares, shapley.standard_errors), (zeros.clone(), zeros.clone()));
            }
        }
    }

    #[test]
    fn credits_are_whole_units() {
        // 99 · 0.2 = 19.8, 99 · 0.4 = 39.6 twice: floors 19 + 39 + 39 = 97; one unit to .8, one to the earlier .6
        assert_eq!(credits(&[0.2, 0.4, 0.4], 99), [20, 40, 39]);
        assert_eq!(credits(&[1.0 / 3.0, 2.0 / 3.0], 3_000_000_000), [1_000_000_000, 2_000_000_000]);
        assert_eq!(credits(&[0.0, 0.0], 99), [0, 0]);
        assert_eq!(credits(&[0.0, 1.0], i64::MIN), [0, i64::MIN]);
        assert_eq!(credits(&[f64::NAN, -0.5, 0.5], 3), [0, 0, 3]);
    }

    proptest! {
        #[test]
        fn credits_add_up(values in prop::collection::vec(0..1000u32, 1..25), total: i64) {
            prop_assume!(values.iter().any(|value| *value > 0));
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let credits = credits(&shares_of(&values), total);
            prop_assert_eq!(credits.iter().map(|&part| i128::from(part)).sum::<i128>(), i128::from(total));
        }
    }
}
