use std::time::Duration;

use super::{
    path::{Amount, Path, UserTouches},
    revenue::Share,
    settings::CreditSettings,
};
use crate::attribution::{
    facts::{Conversion, Person, Text, Touch, scan::Tally},
    model::Model,
    report::matcher::Matcher,
};

/// Sums the shares of conversions.
pub(super) trait Sum: Send {
    /// Learns of a conversion and its path, before its shares. The path is empty where the conversion is credited to Direct.
    fn conversion(&mut self, _conversion: &Conversion, _path: &Path) {}

    /// Adds a share that the filter finds, by the model at this place among [`CreditTally`]'s models. Without a touch, the share is
    /// Direct's.
    fn share(&mut self, model: usize, conversion: &Conversion, touch: Option<Touch>, share: Share);

    /// Adds the sums of another thread.
    fn merge(&mut self, other: Self);
}

/// Shares the conversions of the question's period and kind over their paths.
pub(super) struct CreditTally<'a, S> {
    matcher: &'a Matcher<'a>,
    settings: &'a CreditSettings,
    models: &'a [Model],
    windows: Windows<'a>,
    touches: UserTouches<'a>,
    path: Path,
    pub sum: S,
}

impl<'a, S> CreditTally<'a, S> {
    pub fn new(matcher: &'a Matcher<'a>, settings: &'a CreditSettings, models: &'a [Model], sum: S) -> Self {
        Self {
            matcher,
            settings,
            models,
            windows: Windows::new(matcher, settings),
            touches: UserTouches::new(matcher.dictionary, settings.internal_touches),
            path: Path::default(),
            sum,
        }
    }
}

impl<S: Sum> Tally for CreditTally<'_, S> {
    fn add(&mut self, person: &Person<'_>) {
        let mut counted = person.conversions().iter().filter(|row| self.windows.counts(self.matcher, row)).peekable();
        if counted.peek().is_none() {
            return;
        }
        self.touches.load(person);
        let matching = self.matcher.of(person);
        for conversion in counted {
            self.touches.path(conversion.credited_at, self.windows.of(conversion.kind), &mut self.path);
            self.sum.conversion(conversion, &self.path);
            let amount = Amount::of(conversion);
            if self.path.touches.is_empty() {
                if self.matcher.finds_direct(person) {
                    (0..self.models.len()).for_each(|model| self.sum.share(model, conversion, None, amount.whole));
                }
                continue;
            }
            for (place, &model) in self.models.iter().enumerate() {
                let shares = amount.shares(model, &self.settings.weights, &self.path.steps);
                for (&touch, share) in self.path.touches.iter().zip(shares) {
                    if share != Share::default() && matching.finds(touch.tuple) {
                        self.sum.share(place, conversion, Some(touch), share);
                    }
                }
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.sum.merge(other.sum);
    }
}

/// Which conversions a question is about, and how long before them touches count.
#[derive(Debug)]
pub(in crate::attribution::report) struct Windows<'a> {
    settings: &'a CreditSettings,
    /// The kind of conversions asked for. `Some(None)` is a kind that no conversion has.
    kind: Option<Option<Text>>,
    /// The look-back windows of kinds that have their own.
    of_kinds: Vec<(Text, Duration)>,
}

impl<'a> Windows<'a> {
    pub fn new(matcher: &Matcher<'_>, settings: &'a CreditSettings) -> Self {
        let texts = &matcher.dictionary.texts;
        let of_kinds = settings.windows.iter().filter_map(|(kind, window)| Some((texts.find(kind)?, *window)));
        let kind = matcher.question.filter.kind.as_deref().map(|kind| texts.find(kind));
        Self { settings, kind, of_kinds: of_kinds.collect() }
    }

    /// Returns whether a conversion is in the question's period and of the kind asked for.
    pub fn counts(&self, matcher: &Matcher<'_>, conversion: &Conversion) -> bool {
        matcher.range.contains(conversion.occurred_at) && self.kind.is_none_or(|kind| kind == Some(conversion.kind))
    }

    /// Returns the look-back window of a kind of conversions.
    pub fn of(&self, kind: Text) -> Duration {
        let own = self.of_kinds.iter().find(|(known, _)| *known == kind);
        own.map_or(self.settings.window, |(_, window)| *window)
    }
}

/// Several sums of the same shares.
impl<A: Sum, B: Sum> Sum for (A, B) {
    fn conversion(&mut self, conversion: &Conversion, path: &Path) {
        self.0.conversion(conversion, path);
        self.1.conversion(conversion, path);
    }

    fn share(&mut self, model: usize, conversion: &Conversion, touch: Option<Touch>, share: Share) {
        self.0.share(model, conversion, touch, share);
        self.1.share(model, conversion, touch, share);
    }

    fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
        self.1.merge(other.1);
    }
}

impl<S: Sum> Sum for Option<S> {
    fn conversion(&mut self, conversion: &Conversion, path: &Path) {
        if let Some(sum) = self {
            sum.conversion(conversion, path);
        }
    }

    fn share(&mut self, model: usize, conversion: &Conversion, touch: Option<Touch>, share: Share) {
        if let Some(sum) = self {
            sum.share(model, conversion, touch, share);
        }
    }

    fn merge(&mut self, other: Self) {
        if let (Some(sum), Some(other)) = (self, other) {
            sum.merge(other);
        }
    }
}
