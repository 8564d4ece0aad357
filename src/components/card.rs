use leptos::prelude::*;

use super::MaybeText;

/// A surface with a heading (`<h2>`) and its content.
#[component]
pub fn Card(
    /// Without a title the card is a plain surface.
    #[prop(optional, into)]
    title: MaybeText,
    /// At the right of the heading: a unit or a link.
    #[prop(optional)]
    aside: Option<AnyView>,
    children: Children,
) -> impl IntoView {
    let head = title.get().map(|title| {
        view! {
            <div class="card-head">
                <h2>{title}</h2>
                {aside.map(|aside| view! { <div class="card-aside">{aside}</div> })}
            </div>
        }
    });
    view! { <section class="card">{head}{children()}</section> }.into_any()
}
