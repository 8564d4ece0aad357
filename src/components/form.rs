use leptos::prelude::*;

use super::MaybeText;

/// An input with its label, its hint and its error.
///
/// Screen readers read the error with the field (`aria-describedby`, `aria-invalid`). Leave out `value` for a password: the server
/// never sends one back. `id` defaults to `name`. Give an `id` where two forms of a page have a field of the same name.
///
/// ```no_run
/// # use leptos::prelude::*;
/// # use waymark::components::Field;
/// # let (typed, error) = (String::new(), None::<String>);
/// view! {
///     <Field name="email" label="E-mail" kind="email" autocomplete="username" required=true value=typed error/>
/// }
/// # ;
/// ```
#[component]
pub fn Field(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    /// The input's `type`.
    #[prop(default = "text")]
    kind: &'static str,
    #[prop(optional, into)] id: MaybeText,
    #[prop(optional, into)] value: MaybeText,
    #[prop(optional, into)] hint: MaybeText,
    #[prop(optional, into)] error: MaybeText,
    #[prop(optional, into)] autocomplete: MaybeText,
    #[prop(optional, into)] placeholder: MaybeText,
    #[prop(optional)] required: bool,
    #[prop(optional)] minlength: Option<u32>,
    #[prop(optional)] maxlength: Option<u32>,
    /// For dates: the first and the last allowed.
    #[prop(optional, into)]
    min: MaybeText,
    #[prop(optional, into)] max: MaybeText,
) -> impl IntoView {
    let (hint, error) = (hint.get(), error.get());
    let id = id.get().unwrap_or_else(|| name.clone());
    let hint_id = hint.is_some().then(|| format!("{id}-hint"));
    let error_id = error.is_some().then(|| format!("{id}-error"));
    let described_by = match (&error_id, &hint_id) {
        (Some(error), Some(hint)) => Some(format!("{error} {hint}")),
        (Some(one), None) | (None, Some(one)) => Some(one.clone()),
        (None, None) => None,
    };
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input id=id name=name type=kind value=value.get() autocomplete=autocomplete.get()
                placeholder=placeholder.get() required=required minlength=minlength maxlength=maxlength
                min=min.get() max=max.get()
                aria-describedby=described_by aria-invalid=error.is_some().then_some("true")/>
            {error.map(|error| view! { <p class="field-error" id=error_id>{error}</p> })}
            {hint.map(|hint| view! { <p class="field-hint" id=hint_id>{hint}</p> })}
        </div>
    }
    .into_any()
}

/// A box to tick. A ticked box sends `1`; an unticked box sends nothing.
#[component]
pub fn CheckField(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    checked: bool,
    #[prop(optional, into)] hint: MaybeText,
) -> impl IntoView {
    let hint = hint.get();
    let hint_id = hint.is_some().then(|| format!("{name}-hint"));
    view! {
        <div class="field">
            <label class="check">
                <input type="checkbox" name=name value="1" checked=checked aria-describedby=hint_id.clone()/>
                {label}
            </label>
            {hint.map(|hint| view! { <p class="field-hint" id=hint_id>{hint}</p> })}
        </div>
    }
}

/// A hidden input. Without a value nothing is rendered.
#[component]
pub fn HiddenField(#[prop(into)] name: String, #[prop(into)] value: MaybeText) -> impl IntoView {
    value.get().map(|value| view! { <input type="hidden" name=name value=value/> })
}

/// Whether a message reports an error, a success or something to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertKind {
    Error,
    Success,
    Info,
}

/// A message about a form as a whole. Without a message nothing is rendered.
#[component]
pub fn FormAlert(#[prop(into)] message: MaybeText, kind: AlertKind) -> impl IntoView {
    let (class, role, prefix) = match kind {
        AlertKind::Error => ("alert bad", "alert", "Error: "),
        AlertKind::Success => ("alert good", "status", ""),
        AlertKind::Info => ("alert", "status", ""),
    };
    message.get().map(|message| {
        view! { <p class=class role=role><span class="visually-hidden">{prefix}</span>{message}</p> }
    })
}

/// The form's main button.
#[component]
pub fn SubmitButton(#[prop(into)] label: String) -> impl IntoView {
    view! { <button class="button primary" type="submit">{label}</button> }
}
