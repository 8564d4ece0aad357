//! Shapley values of channels: what a channel adds, on average over all orders in which channels could be added.
//!
//! Channels are the players, and v(S) is what the channels in S alone would have brought. The value of a channel is what v grows
//! by when the channel joins the channels before it, on average over all orders. The values add up to v of all channels, which is
//! the number of conversions. The definition of v is a choice; see [`Worth`]. The order of touches does not matter here, and a
//! channel that a path met twice counts once.
//!
//! Both definitions are sums over the paths, v(S) = Σ c(T) · w_T(S ∩ T). T is the set of channels that a path met. c(T) is the
//! number of conversions of the paths that met exactly T. w_T is from 0 to 1, and w_T(T) = 1. Shapley values are linear in v. So
//! each set T is a game among its own channels, and the values of the games are added up. Exact computation is therefore limited
//! by the number of channels that one path meets, not by the number of all channels.

use std::{cmp::Ordering, collections::BTreeMap};

use super::{ChannelPaths, Outcomes, shares_of};
use crate::random::Random;

/// Paths that met at most this many different channels are computed exactly; paths that met more, by sampling.
pub const MAX_EXACT: usize = 12;

/// What some channels of a path are worth without the others: the characteristic function v.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Worth {
    /// Counts only paths that converted: v(S) is the number of conversions of paths that met no channel outside S.
    ///
    /// This definition is from Zhao, Mahboobi and Bagheri, "Shapley value methods for attribution modeling in online advertising"
    /// (2018). The authors show that the values have a closed form: each conversion is shared equally among the different
    /// channels that its path met. The values are always exact.
    Conversions,
    /// Counts all paths. If a path that met T had met only U, a part of T, the path would have converted at the known rate of U.
    /// In a formula: v(S) = Σ n(T) · r_T(S ∩ T) over all paths. Here n(T) is the number of paths that met exactly the channels T.
    /// r_T(U) is the highest conversion rate of the paths that met exactly some V ⊆ U, but at most the rate of T.
    ///
    /// Dalessandro, Perlich, Stitelman and Provost, "Causally motivated attribution for online advertising" (2012), use
    /// conversion rates as worth. This module adds that the highest rate of any part counts, and at most the rate of the whole
    /// set. So a further touch never does harm: no channel gets a negative value from a small sample, and the values add up to
    /// the conversions. A set that no path met is worth what is known of its parts. Where nothing is known of any part, the
    /// channels share equally, as in [`Worth::Conversions`].
    #[default]
    Rates,
}

/// How paths with many channels are sampled. The same settings give the same result, on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    pub seed: u64,
    /// How many random orders of a path's channels are tried, at least two. The error falls with the square root of
    /// this number.
    pub orders: u32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { seed: 0, orders: 1000 }
    }
}

/// The result of Shapley values.
#[derive(Clone, Debug, PartialEq)]
pub struct Shapley {
    /// For each channel, its part of the credit, from 0 to 1.
    pub shares: Vec<f64>,
    /// For each channel, the standard error of its share that comes from sampling; zero where nothing was sampled.
    pub standard_errors: Vec<f64>,
    /// Whether nothing was sampled.
    pub exact: bool,
}

/// Returns the shares of all channels by Shapley value. All are zero if nobody converted.
pub fn shapley(paths: &ChannelPaths, worth: Worth, sampling: Sampling) -> Shapley {
    let sets = sets(paths);
    let mut random = Random::new(sampling.seed);
    let mut values = vec![0.0; paths.channels];
    let mut variances = vec![0.0; paths.channels];
    let mut exact = true;
    for (set, outcomes) in sets.iter().filter(|(_, outcomes)| outcomes.converted > 0.0) {
        let estimates = match worth {
            Worth::Conversions => equal(set.len()),
            Worth::Rates => {
                let game = Game::of(set, *outcomes, &sets);
                if set.len() <= MAX_EXACT {
                    game.exact()
                } else {
                    exact = false;
                    game.sampled(sampling.orders, &mut random)
                }
            }
        };
        for (&channel, estimate) in set.iter().zip(estimates) {
            values[channel] += outcomes.converted * estimate.value;
            variances[channel] += outcomes.converted.powi(2) * estimate.variance;
        }
    }
    let conversions = paths.conversions();
    let error = |variance: &f64| if conversions > 0.0 { variance.sqrt() / conversions } else { 0.0 };
    Shapley { shares: shares_of(&values), standard_errors: variances.iter().map(error).collect(), exact }
}

/// Counts the paths by the set of channels that they met, each set sorted.
fn sets(paths: &ChannelPaths) -> BTreeMap<Vec<usize>, Outcomes> {
    let mut sets: BTreeMap<Vec<usize>, Outcomes> = BTreeMap::new();
    for (channels, outcomes) in &paths.outcomes {
        let mut set = channels.clone();
        set.sort_unstable();
        set.dedup();
        let sum = sets.entry(set).or_default();
        sum.converted += outcomes.converted;
        sum.unconverted += outcomes.unconverted;
    }
    sets
}

/// A Shapley value and the variance of its estimate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Estimate {
    value: f64,
    variance: f64,
}

impl Estimate {
    fn exactly(value: f64) -> Self {
        Self { value, variance: 0.0 }
    }
}

fn equal(players: usize) -> Vec<Estimate> {
    vec![Estimate::exactly(1.0 / players as f64); players]
}

/// The game w_T of one set T of channels. All players together are worth 1.
struct Game {
    players: usize,
    /// Sets of players, as places in T, and what each set is worth by itself. A set is worth as much as the most
    /// valuable of its subsets in this list.
    known: Vec<(Vec<usize>, f64)>,
}

impl Game {
    fn of(set: &[usize], outcomes: Outcomes, sets: &BTreeMap<Vec<usize>, Outcomes>) -> Self {
        let rate = |outcomes: &Outcomes| outcomes.converted / (outcomes.converted + outcomes.unconverted);
        let whole = rate(&outcomes);
        let known = sets.iter().filter(|(_, part)| part.converted > 0.0).filter_map(|(part, outcomes)| {
            let places: Option<Vec<usize>> = part.iter().map(|channel| set.binary_search(channel).ok()).collect();
            Some((places?, (rate(outcomes) / whole).min(1.0)))
        });
        Self { players: set.len(), known: known.collect() }
    }

    /// Returns the values by their definition, over all subsets of the players.
    fn exact(&self) -> Vec<Estimate> {
        // worth[S] with a bit for each player: first for the known sets, then for all sets, from their subsets
        let mut worth = vec![0.0_f64; 1 << self.players];
        for (places, value) in &self.known {
            let subset = places.iter().fold(0, |subset, place| subset | 1 << place);
            worth[subset] = value.max(worth[subset]);
        }
        for player in (0..self.players).map(|place| 1_usize << place) {
            for subset in (0..worth.len()).filter(|subset| subset & player != 0) {
                worth[subset] = worth[subset].max(worth[subset ^ player]);
            }
        }
        let weights = orders_before(self.players);
        let value = |place| {
            let player = 1_usize << place;
            let without = (0..worth.len()).filter(|subset| subset & player == 0);
            let gains = without.map(|s| weights[s.count_ones() as usize] * (worth[s | player] - worth[s]));
            Estimate::exactly(gains.sum())
        };
        (0..self.players).map(value).collect()
    }

    /// Returns the values as means over random orders. The values of each order add up to 1, and so do the means.
    fn sampled(&self, orders: u32, random: &mut Random) -> Vec<Estimate> {
        let orders = orders.max(2);
        let mut order: Vec<usize> = (0..self.players).collect();
        let mut turns = vec![0; self.players];
        let mut sums = vec![0.0; self.players];
        let mut squares = vec![0.0; self.players];
        for _ in 0..orders {
            random.shuffle(&mut order);
            for (turn, &player) in order.iter().enumerate() {
                turns[player] = turn;
            }
            // a known set is complete at the turn of its last player
            let mut completed = vec![0.0_f64; self.players];
            for (places, value) in &self.known {
                if let Some(turn) = places.iter().map(|&place| turns[place]).max() {
                    completed[turn] = value.max(completed[turn]);
                }
            }
            let mut worth = 0.0;
            for (&player, &value) in order.iter().zip(&completed) {
                if value.total_cmp(&worth) == Ordering::Greater {
                    sums[player] += value - worth;
                    squares[player] += (value - worth) * (value - worth);
                    worth = value;
                }
            }
        }
        let count = f64::from(orders);
        let estimate = |(sum, square): (f64, f64)| {
            let value = sum / count;
            // rounding errors could make the variance negative
            let spread = ((square - count * value * value) / (count - 1.0)).max(0.0);
            Estimate { value, variance: spread / count }
        };
        sums.into_iter().zip(squares).map(estimate).collect()
    }
}

/// Returns, for each number s, the part of all orders of n players in which exactly s given players come before another
/// given player: s! (n − 1 − s)! / n!.
fn orders_before(players: usize) -> Vec<f64> {
    let others = players - 1;
    let mut weights = vec![1.0 / players as f64; players];
    for before in 1..players {
        // from s − 1 to s, s! (n − 1 − s)! changes by the factor s / (n − s)
        weights[before] = weights[before - 1] * before as f64 / (others + 1 - before) as f64;
    }
    weights
}

#[cfg(test)]
mod tests;
