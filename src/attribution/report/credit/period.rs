//! Credit as the overview shows it, in one pass.

use super::{
    CampaignCredit, CreditSettings, campaigns::CampaignSum, over_time::TimeSum, rankings::RankingSums,
    tally::CreditTally,
};
use crate::attribution::{
    facts::{Person, scan::Tally},
    model::{Credit, Model},
    report::{
        Range,
        matcher::Matcher,
        ranking::{Dimension, Ranked},
    },
};

/// The credit of a period.
#[derive(Clone, Debug)]
pub struct PeriodCredit {
    pub campaigns: CampaignCredit,
    /// The conversions in each of the ranges asked for.
    pub over_time: Vec<Credit>,
    /// For each dimension asked for: the largest values, and the credit of all values. Numbers are millionths of a conversion.
    pub rankings: Vec<(Vec<Ranked>, Credit)>,
}

/// Counts [`PeriodCredit`].
pub struct PeriodCreditTally<'a>(CreditTally<'a, (CampaignSum<'a>, (TimeSum, RankingSums<'a>))>);

impl<'a> PeriodCreditTally<'a> {
    /// `models` has one model. `ranges` lie in the matcher's period and do not overlap.
    pub fn new(
        matcher: &'a Matcher<'a>,
        settings: &'a CreditSettings,
        model: &'a [Model; 1],
        ranges: &[Range],
        dimensions: &[Dimension],
    ) -> Self {
        let sums = (CampaignSum::new(matcher), (TimeSum::new(ranges), RankingSums::new(matcher, dimensions)));
        Self(CreditTally::new(matcher, settings, model, sums))
    }

    /// `limit` is the most rows of a ranking.
    pub fn finish(self, limit: usize) -> PeriodCredit {
        let (campaigns, (over_time, rankings)) = self.0.sum;
        PeriodCredit { campaigns: campaigns.finish(), over_time: over_time.finish(), rankings: rankings.finish(limit) }
    }
}

impl Tally for PeriodCreditTally<'_> {
    fn add(&mut self, person: &Person<'_>) {
        self.0.add(person);
    }

    fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }
}
