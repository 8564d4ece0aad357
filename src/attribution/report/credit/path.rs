use std::time::Duration;

use super::{CreditSettings, revenue::Share};
use crate::attribution::{
    facts::{Conversion, Person, Text, Touch},
    model::{Minor, Model, Step, Weights, path, share, share_change},
    report::matcher::Matcher,
};

/// Returns the share of each step of a path. The shares add up to the whole. For a refund, `before` is the refunded conversion's
/// value less all earlier refunds; it is 0 for a conversion.
pub(super) fn shares(model: Model, weights: &Weights, steps: &[Step], whole: Share, before: Minor) -> Vec<Share> {
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

/// The paths of the conversions that a question is about. One value serves for all users, one after the other.
pub(in crate::attribution::report) struct Paths<'a> {
    pub matcher: &'a Matcher<'a>,
    pub settings: &'a CreditSettings,
    /// The kind of conversions asked for. `Some(None)` is a kind that no conversion has.
    kind: Option<Option<Text>>,
    /// The look-back windows of kinds that have their own.
    windows: Vec<(Text, Duration)>,
    /// The touches of the user at hand, in the order of time. Touches of one moment are in the order of their visitors and then of
    /// their ids.
    touches: Vec<Touch>,
    steps: Vec<Step>,
    /// The path that was asked for last.
    path: Path,
}

/// The touches of a path, oldest first.
#[derive(Debug, Default)]
pub(in crate::attribution::report) struct Path {
    pub touches: Vec<Touch>,
    pub steps: Vec<Step>,
}

impl<'a> Paths<'a> {
    pub fn new(matcher: &'a Matcher<'a>, settings: &'a CreditSettings) -> Self {
        let texts = &matcher.dictionary.texts;
        let kind = matcher.question.filter.kind.as_deref().map(|kind| texts.find(kind));
        let windows = settings.windows.iter().filter_map(|(kind, window)| Some((texts.find(kind)?, *window))).collect();
        Self { matcher, settings, kind, windows, touches: Vec::new(), steps: Vec::new(), path: Path::default() }
    }

    /// Returns whether a conversion is of the kind asked for.
    pub fn is_of_kind(&self, conversion: &Conversion) -> bool {
        self.kind.is_none_or(|kind| kind == Some(conversion.kind))
    }

    /// Returns whether a conversion is in the question's period and of the kind asked for.
    pub fn counts(&self, conversion: &Conversion) -> bool {
        self.matcher.range.contains(conversion.occurred_at) && self.is_of_kind(conversion)
    }

    /// Goes on to another user.
    pub fn load(&mut self, person: &Person<'_>) {
        let (dictionary, internal) = (self.matcher.dictionary, self.settings.internal_touches);
        self.touches.clear();
        self.touches.extend(person.touches().filter(|touch| internal || !dictionary.tuple(touch.tuple).internal));
        if !self.touches.is_sorted_by_key(|touch| touch.at) {
            self.touches.sort_by_key(|touch| touch.at);
        }
        self.steps.clear();
        self.steps.extend(self.touches.iter().map(|touch| {
            let tuple = dictionary.tuple(touch.tuple);
            Step { at: touch.at, direct: tuple.channel == dictionary.direct(), key: tuple.key }
        }));
    }

    /// Returns the path of a conversion of the user at hand. The path is empty where the conversion is credited to Direct.
    pub fn path(&mut self, conversion: &Conversion) -> &Path {
        let own = self.windows.iter().find(|(kind, _)| *kind == conversion.kind);
        let window = own.map_or(self.settings.window, |(_, window)| *window);
        self.path.touches.clear();
        self.path.steps.clear();
        for place in path(&self.steps, conversion.credited_at, window) {
            self.path.touches.push(self.touches[place]);
            self.path.steps.push(self.steps[place]);
        }
        &self.path
    }
}
