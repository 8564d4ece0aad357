use leptos::prelude::*;

/// A button that copies the `value` of the field right before it.
///
/// ```no_run
/// # use leptos::prelude::*;
/// # use waymark::components::CopyButton;
/// # let url = String::new();
/// view! {
///     <div class="copy-field">
///         <input readonly aria-label="Your link" value=url/>
///         <CopyButton/>
///     </div>
/// }
/// # ;
/// ```
///
/// The button reads the text from the page. A prop would bring a JSON parser to every page's download.
#[island]
pub fn CopyButton() -> impl IntoView {
    view! {
        <button type="button" class="button copy-button" on:click=|_event| {
            #[cfg(feature = "hydrate")]
            browser::copy(&_event);
        }>"Copy"</button>
        <span class="visually-hidden" role="status"></span>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use std::time::Duration;

    use leptos::prelude::*;
    use wasm_bindgen::{JsCast, JsValue};
    use web_sys::{Element, MouseEvent};

    /// How long the button says what became of the copying.
    const SHOWN_FOR: Duration = Duration::from_secs(2);

    pub fn copy(event: &MouseEvent) {
        let Some(button) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
        let Some(field) = button.parent_element().and_then(|island| island.previous_element_sibling()) else { return };
        let Some(text) = field.get_attribute("value") else { return };
        let status = button.next_element_sibling();

        // on plain http, browsers offer no clipboard, although web_sys' type says that they do
        let navigator = window().navigator();
        if js_sys::Reflect::get(&navigator, &JsValue::from_str("clipboard")).is_ok_and(|it| it.is_undefined()) {
            say(&button, status.as_ref(), "Select and copy");
            return;
        }
        let copied = wasm_bindgen_futures::JsFuture::from(navigator.clipboard().write_text(&text));
        leptos::task::spawn_local(async move {
            say(&button, status.as_ref(), if copied.await.is_ok() { "Copied" } else { "Not copied" });
        });
    }

    fn say(button: &Element, status: Option<&Element>, text: &'static str) {
        button.set_text_content(Some(text));
        if let Some(status) = status {
            status.set_text_content(Some(text));
        }
        let (button, status) = (button.clone(), status.cloned());
        set_timeout(
            move || {
                button.set_text_content(Some("Copy"));
                if let Some(status) = status {
                    status.set_text_content(None);
                }
            },
            SHOWN_FOR,
        );
    }
}
