use leptos::prelude::*;
use leptos_meta::Title;

use super::{
    Beacon, MaybeText,
    footer::SiteFooter,
    header::{AdminSection, Section, SiteHeader},
};
use crate::{auth::current_user, pages::consent::ConsentBanner};

/// A link back to the list a detail page came from.
#[derive(Clone, Debug)]
pub struct BackLink {
    pub href: String,
    pub label: String,
}

impl BackLink {
    pub fn new(href: impl Into<String>, label: impl Into<String>) -> Self {
        Self { href: href.into(), label: label.into() }
    }
}

/// The frame of a public page. The page writes its own `<h1>`.
#[component]
pub fn PublicPage(
    /// For the browser's tab; the site's name is added.
    #[prop(into)]
    title: String,
    section: Section,
    children: Children,
) -> impl IntoView {
    frame(title, section, view! { {children()} <Beacon/> }.into_any())
}

/// The frame of an admin page: writes the `<h1>` from `title`, with `toolbar` beside it and `back` above it.
///
/// It does not check the role: the layer in front of `/admin` does.
#[component]
pub fn AdminPage(
    #[prop(into)] title: String,
    section: AdminSection,
    /// What stands at the right of the heading: buttons, [`super::Segmented`].
    #[prop(optional)]
    toolbar: Option<AnyView>,
    #[prop(optional_no_strip, into)] back: Option<BackLink>,
    /// A line below the heading.
    #[prop(optional, into)]
    subtitle: MaybeText,
    children: Children,
) -> impl IntoView {
    let body = view! {
        <div class="wrap admin">
            <div class="page-head">
                <div>
                    {back.map(|back| view! { <a class="back-link" href=back.href>{back.label}</a> })}
                    <h1>{title.clone()}</h1>
                    {subtitle.get().map(|text| view! { <p class="muted">{text}</p> })}
                </div>
                {toolbar.map(|toolbar| view! { <div class="toolbar">{toolbar}</div> })}
            </div>
            {children()}
        </div>
    };
    frame(title, Section::Admin(section), body.into_any())
}

/// Types end here: without this, those of a page grow past the compiler's limits.
fn frame(title: String, section: Section, body: AnyView) -> AnyView {
    let user = current_user();
    let is_admin = user.as_ref().is_some_and(|user| user.is_admin());
    view! {
        <Title text=title/>
        <SiteHeader email=user.map(|user| user.email) is_admin section/>
        <ConsentBanner/>
        <main id="main" tabindex="-1">{body}</main>
        <SiteFooter/>
    }
    .into_any()
}

/// Cards beside each other where there is room for two.
#[component]
pub fn Columns(children: Children) -> impl IntoView {
    view! { <div class="columns">{children()}</div> }.into_any()
}

/// A surface with a heading (`<h2>`) and what belongs under it.
#[component]
pub fn Card(
    /// Without a title the card is a plain surface.
    #[prop(optional, into)]
    title: MaybeText,
    /// At the right of the heading: a unit, a link.
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
