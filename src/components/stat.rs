use leptos::prelude::*;

use super::{MaybeText, format};

/// How a number changed since the period before. The direction is a sign in the text, never a colour alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// Relative: 0.124 is +12.4%.
    Percent(f64),
    /// A difference of two ratios: −0.002 is −0.2 percentage points.
    Points(f64),
    /// Zero before and more now: there is no ratio.
    New,
}

impl Change {
    /// Returns the change of a count. Returns `None` if both are zero.
    pub fn between(current: i64, previous: i64) -> Option<Self> {
        match (current, previous) {
            (0, 0) => None,
            (_, 0) => Some(Self::New),
            _ => Some(Self::Percent((current - previous) as f64 / previous as f64)),
        }
    }

    /// Returns the change of a rate between 0 and 1. Returns `None` if one of the rates is not known.
    pub fn between_rates(current: Option<f64>, previous: Option<f64>) -> Option<Self> {
        Some(Self::Points(current? - previous?))
    }

    fn text(self) -> String {
        match self {
            Self::Percent(ratio) => format::signed_percent(ratio),
            Self::Points(difference) => format::signed_points(difference),
            Self::New => "new".to_owned(),
        }
    }

    /// Returns the class and the arrow. Both follow the rounded text: `+0.04%` is written as `0.0%` and has no direction.
    fn direction(self) -> (&'static str, &'static str) {
        let text = self.text();
        if text.starts_with('+') {
            ("change good", "↑ ")
        } else if text.starts_with('−') {
            ("change bad", "↓ ")
        } else {
            ("change", "")
        }
    }
}

/// Headline numbers in one card. `below` explains them, for example with a [`super::LineChart`].
#[component]
pub fn StatRow(
    #[prop(into)] label: String,
    /// [`Stat`]s.
    children: Children,
    #[prop(optional)] below: Option<AnyView>,
) -> impl IntoView {
    view! {
        <section class="card stats-card" aria-label=label>
            <dl class="stats">{children()}</dl>
            {below}
        </section>
    }
    .into_any()
}

/// One headline number.
#[component]
pub fn Stat(
    #[prop(into)] label: String,
    /// The text that a function of [`format`] writes.
    #[prop(into)]
    value: String,
    #[prop(optional_no_strip, into)] change: Option<Change>,
    /// Leads to the page with this number in its chart.
    #[prop(optional, into)]
    href: MaybeText,
    /// Whether the chart shows this number.
    #[prop(optional)]
    current: bool,
) -> impl IntoView {
    let label = match href.get() {
        Some(href) => {
            let current = current.then_some("true");
            view! { <a href=href aria-current=current>{label}</a> }.into_any()
        }
        None => label.into_any(),
    };
    view! {
        <div class="stat" class:current=current>
            <dt>{label}</dt>
            <dd>
                <span class="stat-value">{value}</span>
                {change.map(|change| {
                    let (class, arrow) = change.direction();
                    view! {
                        " "
                        <span class=class>
                            <span aria-hidden="true">{arrow}</span>
                            {change.text()}
                            <span class="visually-hidden">" against the period before"</span>
                        </span>
                    }
                })}
            </dd>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_needs_something_to_compare_with() {
        assert_eq!(Change::between(0, 0), None);
        assert_eq!(Change::between(5, 0), Some(Change::New));
        assert_eq!(Change::between(0, 5), Some(Change::Percent(-1.0)));
        assert_eq!(Change::between_rates(Some(0.5), None), None);
    }

    #[test]
    fn the_arrow_agrees_with_the_text() {
        assert_eq!(Change::Percent(0.124).direction(), ("change good", "↑ "));
        assert_eq!(Change::Points(-0.002).direction(), ("change bad", "↓ "));
        assert_eq!(Change::Percent(-0.0001).direction(), ("change", ""));
        assert_eq!(Change::New.direction(), ("change", ""));
    }
}
