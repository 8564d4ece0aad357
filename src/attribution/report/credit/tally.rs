use super::{
    CreditSettings,
    path::{Path, Paths, shares},
    revenue::Share,
};
use crate::attribution::{
    facts::{Conversion, Person, Touch, scan::Tally},
    model::Model,
    report::matcher::Matcher,
};

/// Sums the shares of conversions.
pub trait Sum: Send {
    /// Learns of a conversion and its path, before its shares. The path is empty where the conversion is credited to Direct.
    fn conversion(&mut self, _conversion: &Conversion, _path: &[Touch]) {}

    /// Adds a share that the filter finds, by the model at this place among [`CreditTally`]'s models. Without a touch, the share is
    /// Direct's.
    fn share(&mut self, model: usize, conversion: &Conversion, touch: Option<Touch>, share: Share);

    /// Adds the sums of another thread.
    fn merge(&mut self, other: Self);
}

/// Shares the conversions of the question's period and kind over their paths.
pub struct CreditTally<'a, S> {
    paths: Paths<'a>,
    models: Vec<Model>,
    pub sum: S,
}

impl<'a, S> CreditTally<'a, S> {
    pub fn new(matcher: &'a Matcher<'a>, settings: &'a CreditSettings, models: Vec<Model>, sum: S) -> Self {
        Self { paths: Paths::new(matcher, settings), models, sum }
    }
}

impl<S: Sum> Tally for CreditTally<'_, S> {
    fn add(&mut self, person: &Person<'_>) {
        let Self { paths, models, sum } = self;
        if !person.conversions().iter().any(|row| paths.counts(row)) {
            return;
        }
        paths.load(person);
        let (matcher, weights) = (paths.matcher, &paths.settings.weights);
        let matching = matcher.of(person);
        for conversion in person.conversions() {
            if !paths.counts(conversion) {
                continue;
            }
            let Path { touches, steps } = paths.path(conversion);
            sum.conversion(conversion, touches);
            let whole = Share::whole(conversion.value, conversion.is_refund);
            if touches.is_empty() {
                if matcher.finds_direct(person) {
                    (0..models.len()).for_each(|model| sum.share(model, conversion, None, whole));
                }
                continue;
            }
            for (place, &model) in models.iter().enumerate() {
                let shares = shares(model, weights, steps, whole, conversion.before);
                for (&touch, share) in touches.iter().zip(shares) {
                    if share != Share::default() && matching.finds(touch.tuple) {
                        sum.share(place, conversion, Some(touch), share);
                    }
                }
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.sum.merge(other.sum);
    }
}
