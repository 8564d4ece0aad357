use std::time::Duration;

use super::revenue::Share;
use crate::{
    attribution::{
        channel::Channel,
        facts::{Conversion, Dictionary, Person, Text, Touch},
        model::{Credit, Minor, Model, Step, Weights, path_in_order, share, share_change},
    },
    timestamp::Timestamp,
};

/// What there is to share of a conversion or refund.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amount {
    /// The whole conversion as one share. A refund changes the value, not the number of conversions.
    pub whole: Share,
    /// For a refund, the refunded conversion's value less all earlier refunds; 0 for a conversion.
    pub before: Minor,
}

impl Amount {
    pub fn new(value: Minor, before: Minor, is_refund: bool) -> Self {
        let conversions = if is_refund { Credit::ZERO } else { Credit::ONE };
        Self { whole: Share { conversions, value }, before }
    }

    pub fn of(conversion: &Conversion) -> Self {
        Self::new(conversion.value, conversion.before, conversion.is_refund)
    }

    /// Returns the share of each step of a path. The shares add up to the conversion and its value.
    pub fn shares(self, model: Model, weights: &Weights, steps: &[Step]) -> Vec<Share> {
        let Self { whole, before } = self;
        if steps.len() == 1 {
            return vec![whole];
        }
        let conversions = share(model, weights, steps, whole.conversions);
        let values = match before {
            Minor::ZERO => share(model, weights, steps, whole.value),
            _ => share_change(model, weights, steps, before, before + whole.value),
        };
        conversions.into_iter().zip(values).map(|(conversions, value)| Share { conversions, value }).collect()
    }
}

/// The touches of a user, from which the paths of the user's conversions are taken. One value serves for all users, one after the
/// other.
#[derive(Debug)]
pub(in crate::attribution::report) struct UserTouches<'a> {
    dictionary: &'a Dictionary,
    direct: Option<Text>,
    /// Whether touches from links on pages of this site belong to paths.
    internal: bool,
    /// In the order of time. Touches of one moment are in the order of their visitors and then of their ids.
    touches: Vec<Touch>,
    steps: Vec<Step>,
    path: Vec<usize>,
}

impl<'a> UserTouches<'a> {
    pub fn new(dictionary: &'a Dictionary, internal: bool) -> Self {
        let direct = dictionary.texts.find(Channel::Direct.as_str());
        Self { dictionary, direct, internal, touches: Vec::new(), steps: Vec::new(), path: Vec::new() }
    }

    /// Goes on to another user.
    pub fn load(&mut self, person: &Person<'_>) {
        let (dictionary, internal) = (self.dictionary, self.internal);
        self.touches.clear();
        self.touches.extend(person.touches().filter(|touch| internal || !dictionary.tuple(touch.tuple).internal));
        if !self.touches.is_sorted_by_key(|touch| touch.at) {
            self.touches.sort_by_key(|touch| touch.at);
        }
        self.steps.clear();
        self.steps.extend(self.touches.iter().map(|touch| {
            let tuple = dictionary.tuple(touch.tuple);
            Step { at: touch.at, direct: Some(tuple.channel) == self.direct, key: tuple.key }
        }));
    }

    /// Returns the path that ends at a moment: the touches, and their steps.
    pub fn path(&mut self, ends_at: Timestamp, lookback: Duration, found: &mut Path) {
        path_in_order(&self.steps, ends_at, lookback, &mut self.path);
        found.touches.clear();
        found.touches.extend(self.path.iter().map(|&place| self.touches[place]));
        found.steps.clear();
        found.steps.extend(self.path.iter().map(|&place| self.steps[place]));
    }
}

/// The touches of a path, oldest first.
#[derive(Debug, Default)]
pub(in crate::attribution::report) struct Path {
    pub touches: Vec<Touch>,
    pub steps: Vec<Step>,
}
