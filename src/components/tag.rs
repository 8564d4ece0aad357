use leptos::prelude::*;

/// The colour of a [`Tag`]. The text has to say the same, for people who cannot see the colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Plain,
    Mark,
    Good,
    Bad,
}

/// A small label: a channel, a state.
#[component]
pub fn Tag(#[prop(into)] label: String, #[prop(optional)] tone: Tone) -> impl IntoView {
    let class = match tone {
        Tone::Plain => "tag",
        Tone::Mark => "tag mark",
        Tone::Good => "tag good",
        Tone::Bad => "tag bad",
    };
    view! { <span class=class>{label}</span> }
}
