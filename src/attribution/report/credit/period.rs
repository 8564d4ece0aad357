//! The credit of a period: by campaign, over time, and by channel, source, page and referrer.

use super::{
    revenue::{Revenue, RevenueSum, Share},
    tally::Sum,
};
use crate::attribution::{
    facts::{CampaignNumber, Conversion, Dictionary, Text, Touch},
    model::Credit,
    report::{
        Range,
        ranking::{Dimension, Ranked, largest},
        trend::Times,
    },
};

/// The credit of a period.
#[derive(Clone, Debug)]
pub struct PeriodCredit {
    /// By the campaign's place in the facts. `None` where nothing was earned.
    pub(in crate::attribution::report) campaigns: Vec<Option<Revenue>>,
    pub total: Revenue,
    /// The conversions in each of the ranges asked for.
    pub over_time: Vec<Credit>,
    /// For each dimension asked for: the largest values, and the credit of all values. Numbers are millionths of a conversion. The
    /// credit of Direct is a row among the channels, and in no other ranking.
    pub rankings: Vec<(Vec<Ranked>, Credit)>,
}

/// Sums [`PeriodCredit`], by one model.
pub struct PeriodSum<'a> {
    dictionary: &'a Dictionary,
    /// By campaign.
    campaigns: Vec<RevenueSum>,
    times: Times,
    over_time: Vec<Credit>,
    /// For each dimension, by the places of [`Text::place`]: millionths of a conversion.
    rankings: Vec<(Dimension, Vec<i64>)>,
}

impl<'a> PeriodSum<'a> {
    /// `ranges` do not overlap.
    pub fn new(dictionary: &'a Dictionary, ranges: &[Range], dimensions: &[Dimension]) -> Self {
        Self {
            dictionary,
            campaigns: vec![RevenueSum::default(); dictionary.campaigns().len()],
            times: Times::new(ranges.iter().copied()),
            over_time: vec![Credit::ZERO; ranges.len()],
            rankings: dimensions.iter().map(|&dimension| (dimension, vec![0; dictionary.texts.places()])).collect(),
        }
    }

    /// `limit` is the most rows of a ranking.
    pub fn finish(self, limit: usize) -> PeriodCredit {
        let Self { dictionary, campaigns, over_time, rankings, .. } = self;
        let mut total = RevenueSum::default();
        campaigns.iter().for_each(|sum| total.merge(sum));
        let earned = |sum: &RevenueSum| (!sum.is_empty()).then(|| sum.finish(dictionary));
        let ranking = |(_, sums): (_, Vec<i64>)| {
            let total = Credit(sums.iter().sum());
            (largest(dictionary, sums.into_iter(), limit), total)
        };
        PeriodCredit {
            campaigns: campaigns.iter().map(earned).collect(),
            total: total.finish(dictionary),
            over_time,
            rankings: rankings.into_iter().map(ranking).collect(),
        }
    }
}

impl Sum for PeriodSum<'_> {
    fn share(&mut self, _: usize, conversion: &Conversion, touch: Option<Touch>, share: Share) {
        let campaign = touch.map_or(CampaignNumber::DIRECT, |touch| self.dictionary.campaign_of(touch.tuple));
        self.campaigns[campaign.place()].add(share, conversion.currency);
        if let Some(place) = self.times.place(conversion.occurred_at) {
            self.over_time[place] += share.conversions;
        }
        for (dimension, sums) in &mut self.rankings {
            let place = match touch {
                Some(touch) => dimension.place(self.dictionary, touch),
                None if *dimension == Dimension::Channel => Some(Text::place(Some(self.dictionary.direct()))),
                None => None,
            };
            if let Some(place) = place {
                sums[place] += share.conversions.0;
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.campaigns.iter_mut().zip(&other.campaigns).for_each(|(own, other)| own.merge(other));
        self.over_time.iter_mut().zip(other.over_time).for_each(|(own, other)| *own += other);
        for ((_, own), (_, other)) in self.rankings.iter_mut().zip(other.rankings) {
            own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
        }
    }
}
