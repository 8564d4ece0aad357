use leptos::prelude::*;

use super::MaybeText;

/// A list of terms and what they are; holds [`Fact`]s.
#[component]
pub fn Facts(children: Children) -> impl IntoView {
    view! { <dl class="facts">{children()}</dl> }
}

/// One term and its description; a dash where the description is `None` and there are no children.
///
/// ```ignore
/// <Facts>
///     <Fact term="Campaign" value=touch.campaign/>
///     <Fact term="Click ids">{ids}</Fact>
/// </Facts>
/// ```
#[component]
pub fn Fact(
    #[prop(into)] term: String,
    #[prop(optional, into)] value: MaybeText,
    /// Ids and addresses, in the fixed-width face.
    #[prop(optional)]
    mono: bool,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let description = match (value.get(), children) {
        (Some(value), _) => value.into_any(),
        (None, Some(children)) => children(),
        (None, None) => view! { <span class="muted">"–"</span> }.into_any(),
    };
    view! { <div><dt>{term}</dt><dd class:mono=mono>{description}</dd></div> }
}
