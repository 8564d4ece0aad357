use leptos::prelude::*;

/// Stands where there is nothing yet: says what is missing and why. `children` are links, buttons or a form that help.
#[component]
pub fn EmptyState(
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <svg class="empty-mark" viewBox="0 0 64 64" width="64" height="64" aria-hidden="true">
                <path class="empty-path" d="M32 8v52"/>
                <rect class="empty-blaze" x="24" y="12" width="16" height="22" rx="3"/>
            </svg>
            <h2>{title}</h2>
            <p>{text}</p>
            {children.map(|children| view! { <div class="row">{children()}</div> })}
        </div>
    }
    .into_any()
}
