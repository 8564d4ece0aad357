use super::{
    CreditSettings,
    revenue::{Revenue, RevenueSum, Share},
    tally::{CreditTally, Sum},
};
use crate::attribution::{
    facts::{CampaignNumber, Conversion, Dictionary, Facts, Touch, scan::scan},
    model::Model,
    report::{Question, matcher::Matcher},
};

/// Revenue by campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CampaignCredit {
    /// By the campaign's place in the facts. `None` where nothing was earned.
    campaigns: Vec<Option<Revenue>>,
    pub total: Revenue,
}

impl CampaignCredit {
    /// Returns what the campaign at a place in the facts earned.
    pub(in crate::attribution::report) fn at(&self, place: usize) -> Option<&Revenue> {
        self.campaigns.get(place)?.as_ref()
    }
}

/// Returns the credit of each campaign in a period.
pub fn credit_by_campaign(
    facts: &Facts,
    question: &Question,
    settings: &CreditSettings,
    model: Model,
) -> CampaignCredit {
    let matcher = Matcher::new(facts, question);
    let models = [model];
    scan(facts, matcher.range, || CreditTally::new(&matcher, settings, &models, CampaignSum::new(&matcher)))
        .sum
        .finish()
}

/// Sums by campaign.
pub(super) struct CampaignSum<'a> {
    dictionary: &'a Dictionary,
    campaigns: Vec<RevenueSum>,
}

impl<'a> CampaignSum<'a> {
    pub fn new(matcher: &'a Matcher<'a>) -> Self {
        let campaigns = matcher.dictionary.campaigns().len();
        Self { dictionary: matcher.dictionary, campaigns: vec![RevenueSum::default(); campaigns] }
    }

    pub fn finish(self) -> CampaignCredit {
        let mut total = RevenueSum::default();
        self.campaigns.iter().for_each(|sum| total.merge(sum));
        let earned = |sum: &RevenueSum| (!sum.is_empty()).then(|| sum.finish(self.dictionary));
        CampaignCredit { campaigns: self.campaigns.iter().map(earned).collect(), total: total.finish(self.dictionary) }
    }
}

impl Sum for CampaignSum<'_> {
    fn share(&mut self, _: usize, conversion: &Conversion, touch: Option<Touch>, share: Share) {
        let campaign = touch.map_or(CampaignNumber::DIRECT, |touch| self.dictionary.campaign_of(touch.tuple));
        self.campaigns[campaign.place()].add(share, conversion.currency);
    }

    fn merge(&mut self, other: Self) {
        self.campaigns.iter_mut().zip(&other.campaigns).for_each(|(own, other)| own.merge(other));
    }
}
