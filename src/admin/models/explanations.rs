use std::time::Duration;

use leptos::prelude::*;

use crate::{
    admin::words,
    attribution::{
        channel::Channel,
        model::{Model, Weights},
        report::credit::{CreditSettings, compare::Learnt},
    },
    components::{Card, Fact, Facts, format},
    timestamp::{DAY, whole_days},
};

/// What each model does. `by_channel` leads to the page that has the data-driven models.
#[component]
pub fn Explanations(settings: CreditSettings, learnt: Option<Learnt>, by_channel: String) -> impl IntoView {
    let facts = Model::ALL
        .into_iter()
        .map(|model| view! { <Fact term=words::model(model) value=explained(model, &settings.weights)/> })
        .collect_view();
    let elsewhere = learnt.is_none().then(|| {
        view! {
            <p class="muted small">
                "Markov chain and Shapley value divide all conversions among channels, not touch by touch. They are on "
                <a href=by_channel>"the page by channel, without a filter on touches"</a>"."
            </p>
        }
    });
    view! {
        <Card title="What the models do">
            <Facts>{facts}{learnt.map(|learnt| view! { <DataDriven learnt/> })}</Facts>
            {elsewhere}
            <p class="muted small">{rules(&settings)}</p>
        </Card>
    }
}

fn explained(model: Model, weights: &Weights) -> String {
    match model {
        Model::First => "All credit goes to the first touch. This model shows what makes people aware of you.".to_owned(),
        Model::Last => "All credit goes to the touch right before the conversion. This model shows what makes people act.".to_owned(),
        Model::LastNonDirect => {
            "Like last touch, but a touch that does not say where it came from gets credit only if no other touch does. Direct \
             visits are not stored, so the two models differ for such touches only."
                .to_owned()
        }
        Model::Linear => "Every touch before the conversion gets the same credit.".to_owned(),
        Model::Position => format!(
            "First touch, all touches between, last touch: {}. The first and the last touch count most.",
            weights.position
        ),
        Model::TimeDecay => format!(
            "The closer a touch is to the conversion, the more credit it gets. A touch {} earlier has half the weight.",
            length(weights.half_life)
        ),
    }
}

/// The models that learn from paths.
#[component]
fn DataDriven(learnt: Learnt) -> impl IntoView {
    let from = format!(
        "The paths of {} and of {} who did not convert. These are the users and visitors who have a touch in the period and no \
         such conversion at any time.",
        format::plural(learnt.converted as i64, "conversion with touches", "conversions with touches"),
        format::plural(learnt.unconverted as i64, "person", "people"),
    );
    let estimated = (!learnt.exact).then_some(
        " Some paths have too many channels to try all orders, so the value is an estimate. ± is its standard error.",
    );
    view! {
        <Fact term="Markov chain" value="How many conversions would be lost without the channel."/>
        <Fact term="Shapley value">
            "What a channel adds, on average, to the other channels that people came through."{estimated}
        </Fact>
        <Fact term="Both are learnt from" value=from/>
        <Fact term="Value is learnt separately"
            value="The value in a currency is learnt from the conversions with a value in this currency. Everybody else counts as \
                   not converted."/>
    }
}

/// Returns which touches get credit, and what a refund does.
fn rules(settings: &CreditSettings) -> String {
    let windows: String =
        settings.windows.iter().map(|(kind, window)| format!(", {} for {kind}", length(*window))).collect();
    let internal = if settings.internal_touches { "count, too" } else { "do not count" };
    format!(
        "A conversion is credited to the touches of its user in the {} before it{windows}. Repeats of the same link in a row are \
         one touch. Links on pages of this site {internal}. A conversion without a touch is credited to {}. A refund takes back \
         value, on the day of the refund, from the touches that were credited. The conversion still counts.",
        length(settings.window),
        Channel::Direct.as_str(),
    )
}

/// Writes a span of time: `15 days`, `36 hours`.
fn length(span: Duration) -> String {
    match span.as_millis() % DAY.as_millis() {
        0 => format::plural(whole_days(span), "day", "days"),
        _ => format::plural((span.as_secs() / 3_600).cast_signed(), "hour", "hours"),
    }
}
