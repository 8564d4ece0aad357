use super::{revenue::Share, tally::Sum};
use crate::attribution::{
    channel::Channel,
    facts::{Conversion, Dictionary, Text, Touch},
    model::Credit,
    report::{
        matcher::Matcher,
        ranking::{Dimension, Ranked, largest},
    },
};

/// Sums conversions by some dimensions. The credit of Direct is a row among the channels, and in no other ranking.
pub(super) struct RankingSums<'a> {
    dictionary: &'a Dictionary,
    direct: Option<Text>,
    /// For each dimension, by the places of [`Text::place`].
    dimensions: Vec<(Dimension, Vec<i64>)>,
}

impl<'a> RankingSums<'a> {
    pub fn new(matcher: &'a Matcher<'a>, dimensions: &[Dimension]) -> Self {
        let texts = &matcher.dictionary.texts;
        Self {
            dictionary: matcher.dictionary,
            direct: texts.find(Channel::Direct.as_str()),
            dimensions: dimensions.iter().map(|&dimension| (dimension, vec![0; texts.places()])).collect(),
        }
    }

    /// Returns for each dimension at most `limit` rows, the largest first, and the credit of all rows. Numbers are millionths of a
    /// conversion.
    pub fn finish(self, limit: usize) -> Vec<(Vec<Ranked>, Credit)> {
        let dictionary = self.dictionary;
        let dimensions = self.dimensions.into_iter();
        dimensions
            .map(|(_, sums)| {
                let total = Credit(sums.iter().sum());
                (largest(dictionary, sums.into_iter(), limit), total)
            })
            .collect()
    }
}

impl Sum for RankingSums<'_> {
    fn share(&mut self, _: usize, _: &Conversion, touch: Option<Touch>, share: Share) {
        for (dimension, sums) in &mut self.dimensions {
            let place = match touch {
                Some(touch) => dimension.place(self.dictionary, touch),
                None if *dimension == Dimension::Channel => Some(Text::place(self.direct)),
                None => None,
            };
            if let Some(place) = place {
                sums[place] += share.conversions.0;
            }
        }
    }

    fn merge(&mut self, other: Self) {
        for ((_, own), (_, other)) in self.dimensions.iter_mut().zip(&other.dimensions) {
            own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
        }
    }
}
