//! Removal effects in a first-order Markov chain, after Anderl, Becker, von Wangenheim and Schumann: "Mapping the
//! customer journey", International Journal of Research in Marketing 33 (2016).
//!
//! The states are START, the channels, CONVERSION and NULL. Each path is START, its channels, and CONVERSION or NULL.
//! The probability of a transition is its number over the number of all transitions from its state.
//!
//! A channel is removed by leading every transition into the channel to NULL. The removal effect is the part of the conversion
//! probability that is lost: 1 − P(conversion without the channel) / P(conversion). A channel's share is its removal effect over
//! the sum of all removal effects.

use super::{ChannelPaths, shares_of};

/// The result of the Markov chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Markov {
    /// The probability to get from START to CONVERSION, which is the conversion rate of the paths.
    pub conversion_rate: f64,
    /// For each channel, the part of the conversions that would be lost without the channel. 0 means that no path to a conversion
    /// goes through the channel, 1 that all paths do. Where there are conversions, the effects add up to 1 or more.
    pub removal_effects: Vec<f64>,
    /// For each channel, its part of the credit, from 0 to 1.
    pub shares: Vec<f64>,
}

/// Returns the shares of all channels by removal effect. All are zero if nobody converted.
///
/// The time grows with the fourth power of the number of channels, so the function suits channels, not campaigns.
pub fn markov(paths: &ChannelPaths) -> Markov {
    let chain = Chain::of(paths);
    let conversion_rate = chain.conversion_rate(None);
    let effect = |channel| {
        if conversion_rate == 0.0 {
            return 0.0;
        }
        // rounding errors could make the effect negative
        (1.0 - chain.conversion_rate(Some(channel)) / conversion_rate).max(0.0)
    };
    let removal_effects: Vec<f64> = (0..paths.channels).map(effect).collect();
    Markov { conversion_rate, shares: shares_of(&removal_effects), removal_effects }
}

/// The number of transitions from each state to each other state.
struct Chain {
    channels: usize,
    /// `flows[from][to]`: from a channel or START, to a channel, CONVERSION or NULL. After the channels, the first
    /// index has START, and the second index has CONVERSION and NULL.
    flows: Vec<Vec<f64>>,
}

impl Chain {
    fn of(paths: &ChannelPaths) -> Self {
        let (start, conversion, null) = (paths.channels, paths.channels, paths.channels + 1);
        let mut flows = vec![vec![0.0; null + 1]; start + 1];
        for (channels, outcomes) in &paths.outcomes {
            let count = outcomes.converted + outcomes.unconverted;
            let mut from = start;
            for &channel in channels {
                flows[from][channel] += count;
                from = channel;
            }
            flows[from][conversion] += outcomes.converted;
            flows[from][null] += outcomes.unconverted;
        }
        Self { channels: paths.channels, flows }
    }

    /// Returns the probability to get from START to CONVERSION without the channel `removed`.
    ///
    /// The function solves the linear system of the absorbing chain by Gaussian elimination in the form of Grassmann, Taksar and
    /// Heyman. The elimination takes out one state after another. What flowed into the state flows on to where the state led, in
    /// proportion. Nothing is ever subtracted, so no digit is lost however rare conversions are. No pivot is zero, since a state
    /// with a flow into it also has a flow out. (A flow too small for an `f64` becomes zero and is lost.) A flow of a state to
    /// itself only delays, and is left out.
    fn conversion_rate(&self, removed: Option<usize>) -> f64 {
        let (start, conversion, null) = (self.channels, self.channels, self.channels + 1);
        let mut flows = self.flows.clone();
        if let Some(removed) = removed {
            for from in &mut flows {
                from[null] += std::mem::take(&mut from[removed]);
            }
        }
        for state in 0..self.channels {
            let mut onward = std::mem::take(&mut flows[state]);
            onward[state] = 0.0;
            // the channels before this one are taken out already
            let out: f64 = onward[state..].iter().sum();
            for from in &mut flows[state + 1..] {
                let inflow = std::mem::take(&mut from[state]);
                if inflow > 0.0 && out > 0.0 {
                    for (flow, onward) in from[state..].iter_mut().zip(&onward[state..]) {
                        *flow += inflow * (onward / out);
                    }
                }
            }
        }
        let (converted, unconverted) = (flows[start][conversion], flows[start][null]);
        if converted > 0.0 { converted / (converted + unconverted) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests;
