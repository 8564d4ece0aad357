use leptos::prelude::*;

use super::MaybeText;

/// A list of [`Fact`]s.
#[component]
pub fn Facts(children: Children) -> impl IntoView {
    view! { <dl class="facts">{children()}</dl> }
}

/// A term and its description: `value`, or else the children, or else a dash.
///
/// ```no_run
/// # use leptos::prelude::*;
/// # use waymark::components::{Fact, Facts, Tag};
/// # let campaign: Option<String> = None;
/// view! {
///     <Facts>
///         <Fact term="Campaign" value=campaign/>
///         <Fact term="Channel"><Tag label="Paid Search"/></Fact>
///     </Facts>
/// }
/// # ;
/// ```
#[component]
pub fn Fact(
    #[prop(into)] term: String,
    #[prop(optional, into)] value: MaybeText,
    /// In the fixed-width font, for ids and addresses.
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
