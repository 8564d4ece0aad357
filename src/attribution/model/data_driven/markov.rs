//! Removal effects in a first-order Markov chain, after Anderl, Becker, von Wangenheim and Schumann, "Mapping the customer
//! journey" (International Journal of Research in Marketing 33, 2016).
//!
//! The states are START, the channels, CONVERSION and NULL. Each journey is START, its channels, and CONVERSION or NULL; the
//! probability of a transition is its number over the number of all transitions from its state. A channel is removed by
//! leading every transition into it to NULL. Its removal effect is the part of the conversion probability that is lost so,
//! 1 − P(conversion without it) / P(conversion), and its share is its effect over the sum of all effects.

use super::{Paths, shares_of};

/// What the chain says of the channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Markov {
    /// The probability to get from START to CONVERSION. It is the conversion rate of the journeys.
    pub conversion_rate: f64,
    /// For each channel, which part of the conversions would be lost without it: from 0, for one that no way to a conversion
    /// goes through, to 1, for one that all go through. They add up to 1 or more.
    pub removal_effects: Vec<f64>,
    /// For each channel, its part of the credit.
    pub shares: Vec<f64>,
}

/// The shares of all channels by removal effect. All are zero where nobody converted.
///
/// Takes time in proportion to the fourth power of the number of channels: made for channels, not for campaigns.
pub fn markov(paths: &Paths) -> Markov {
    let chain = Chain::of(paths);
    let conversion_rate = chain.conversion_rate(None);
    let effect = |channel| {
        if conversion_rate == 0.0 {
            return 0.0;
        }
        // rounding alone could make it less than nothing
        (1.0 - chain.conversion_rate(Some(channel)) / conversion_rate).max(0.0)
    };
    let removal_effects: Vec<f64> = (0..paths.channels).map(effect).collect();
    Markov { conversion_rate, shares: shares_of(&removal_effects), removal_effects }
}

/// How many transitions go from each state to each other.
struct Chain {
    channels: usize,
    /// `flows[from][to]`: from a channel or START, to a channel, CONVERSION or NULL. START comes after the channels in the
    /// first index, CONVERSION and NULL in the second.
    flows: Vec<Vec<f64>>,
}

impl Chain {
    fn of(paths: &Paths) -> Self {
        let (start, conversion, null) = (paths.channels, paths.channels, paths.channels + 1);
        let mut flows = vec![vec![0.0; null + 1]; start + 1];
        for (channels, outcomes) in &paths.outcomes {
            let count = outcomes.converted + outcomes.lost;
            let mut from = start;
            for &channel in channels {
                flows[from][channel] += count;
                from = channel;
            }
            flows[from][conversion] += outcomes.converted;
            flows[from][null] += outcomes.lost;
        }
        Self { channels: paths.channels, flows }
    }

    /// The probability to get from START to CONVERSION, where `removed` is gone.
    ///
    /// The linear system of the absorbing chain is solved by Gaussian elimination in the form of Grassmann, Taksar and Heyman:
    /// state after state is taken out, and what flowed into it flows on to where it led, in proportion. Nothing is ever
    /// subtracted, so no digit is lost however rare conversions are, and no pivot is zero: where there is a flow into a state
    /// there is one out of it (or one too small for a number, and lost). Flows of a state to itself are left out, as they
    /// only delay.
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
            // channels before this one are out already
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
        let (converted, lost) = (flows[start][conversion], flows[start][null]);
        if converted > 0.0 { converted / (converted + lost) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests;
