use leptos::prelude::*;

use super::MaybeText;

/// The mark of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Marker {
    /// Filled: a touch.
    #[default]
    Blaze,
    /// Outlined: a touch of less weight, such as one from a link on this site.
    Hollow,
    /// The end of a trail: a sign-up, a conversion.
    Goal,
}

/// A journey: its [`TrailStep`]s in the order of time.
#[component]
pub fn Trail(#[prop(into)] label: String, children: Children) -> impl IntoView {
    view! { <ol class="trail" aria-label=label>{children()}</ol> }.into_any()
}

/// One step of a journey.
#[component]
pub fn TrailStep(
    #[prop(optional)] marker: Marker,
    #[prop(into)] title: String,
    #[prop(optional, into)] href: MaybeText,
    #[prop(optional, into)] subtitle: MaybeText,
    /// A path or an address, in the fixed-width font.
    #[prop(optional, into)]
    meta: MaybeText,
    /// At the right: a time or a share.
    #[prop(optional, into)]
    aside: MaybeText,
    /// Below the rest, for example [`super::Tag`]s or [`super::Facts`].
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let class = match marker {
        Marker::Blaze => "step",
        Marker::Hollow => "step hollow",
        Marker::Goal => "step goal",
    };
    let title = match href.get() {
        Some(href) => view! { <a href=href>{title}</a> }.into_any(),
        None => title.into_any(),
    };
    view! {
        <li class=class>
            <div class="step-main">
                <p class="step-title">{title}</p>
                {subtitle.get().map(|text| view! { <p class="step-subtitle">{text}</p> })}
                {meta.get().map(|text| view! { <p class="step-meta">{text}</p> })}
                {children.map(|children| view! { <div class="step-more">{children()}</div> })}
            </div>
            {aside.get().map(|text| view! { <p class="step-aside">{text}</p> })}
        </li>
    }
    .into_any()
}
