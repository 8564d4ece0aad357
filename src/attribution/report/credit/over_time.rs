use super::{revenue::Share, tally::Sum};
use crate::attribution::{
    facts::{Conversion, Touch},
    model::Credit,
    report::{Range, trend::Times},
};

/// Sums conversions by ranges of time.
pub(super) struct TimeSum {
    times: Times,
    credit: Vec<Credit>,
}

impl TimeSum {
    /// The ranges do not overlap.
    pub fn new(ranges: &[Range]) -> Self {
        Self { times: Times::new(ranges.iter().copied()), credit: vec![Credit::ZERO; ranges.len()] }
    }

    /// Returns the conversions in each range.
    pub fn finish(self) -> Vec<Credit> {
        self.credit
    }
}

impl Sum for TimeSum {
    fn share(&mut self, _: usize, conversion: &Conversion, _: Option<Touch>, share: Share) {
        if let Some(place) = self.times.place(conversion.occurred_at) {
            self.credit[place] += share.conversions;
        }
    }

    fn merge(&mut self, other: Self) {
        self.credit.iter_mut().zip(other.credit).for_each(|(own, other)| *own += other);
    }
}
