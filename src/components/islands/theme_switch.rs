use leptos::prelude::*;

/// A button that goes from the system's colours to light, to dark, and back.
///
/// The choice is the attribute `data-theme` of `<html>`, and is kept in local storage. `public/theme.js` sets the attribute before
/// the first paint. The server cannot know the choice, so the button holds all three states, and the style sheet shows the one
/// that `data-theme` names. The accessible name ("Colours: dark") is then right from the start.
#[island]
pub fn ThemeSwitch() -> impl IntoView {
    view! {
        <button type="button" class="icon-button theme-switch" title="Switch colours" on:click=|_| switch()>
            <span class="visually-hidden">"Colours: "</span>
            <span class="theme-system">
                <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13zM8 3v10a5 5 0 0 1 0-10z"/></svg>
                <span class="visually-hidden">"system"</span>
            </span>
            <span class="theme-light">
                <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 4.8a3.2 3.2 0 1 0 0 6.4a3.2 3.2 0 1 0 0-6.4zM7.3.8h1.4v2.4H7.3zM7.3 12.8h1.4v2.4H7.3zM.8 7.3h2.4v1.4H.8zM12.8 7.3h2.4v1.4h-2.4zM2.4 3.4l1-1 1.7 1.7-1 1zM10.9 11.9l1-1 1.7 1.7-1 1zM2.4 12.6l1.7-1.7 1 1-1.7 1.7zM10.9 4.1l1.7-1.7 1 1-1.7 1.7z"/></svg>
                <span class="visually-hidden">"light"</span>
            </span>
            <span class="theme-dark">
                <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M6.2 1.7a6.6 6.6 0 1 0 8.1 8.1a5.4 5.4 0 0 1-8.1-8.1z"/></svg>
                <span class="visually-hidden">"dark"</span>
            </span>
        </button>
    }
}

fn switch() {
    #[cfg(feature = "hydrate")]
    {
        let Some(root) = document().document_element() else { return };
        let next = match root.get_attribute("data-theme").as_deref() {
            None => Some("light"),
            Some("light") => Some("dark"),
            Some(_) => None,
        };
        let storage = window().local_storage().ok().flatten();
        // without storage, the choice holds for this page
        match next {
            Some(theme) => {
                _ = root.set_attribute("data-theme", theme);
                _ = storage.map(|storage| storage.set_item("theme", theme));
            }
            None => {
                _ = root.remove_attribute("data-theme");
                _ = storage.map(|storage| storage.remove_item("theme"));
            }
        }
    }
}
