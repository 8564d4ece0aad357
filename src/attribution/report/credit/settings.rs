use std::time::Duration;

use crate::attribution::{model::Weights, settings::Settings};

/// What credit depends on, beside the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditSettings {
    pub weights: Weights,
    /// The look-back window: a touch counts for a conversion at most this long after the touch.
    pub window: Duration,
    /// The look-back windows of kinds of conversions that have their own.
    pub windows: Vec<(String, Duration)>,
    /// Whether touches from links on pages of this site are credited.
    pub internal_touches: bool,
}

impl CreditSettings {
    pub fn of(settings: &Settings) -> Self {
        Self {
            weights: settings.weights,
            window: settings.window,
            windows: settings.windows.clone(),
            internal_touches: settings.internal_touches,
        }
    }

    /// Returns the look-back window of a kind of conversions.
    pub fn window_of(&self, kind: &str) -> Duration {
        self.windows.iter().find(|(name, _)| name == kind).map_or(self.window, |(_, window)| *window)
    }
}
