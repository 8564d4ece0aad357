use leptos::prelude::*;
use leptos_meta::Title;

use super::{
    Beacon, MaybeText,
    footer::SiteFooter,
    header::{NavLink, Section, SiteHeader, Viewer},
};

/// What every frame shows of the request. [`crate::app`] provides this value as a context, so that pages need not pass the value
/// on.
#[derive(Clone)]
pub struct FrameContext {
    pub viewer: Option<Viewer>,
    /// Whether everybody may make an account, so that the header offers it.
    pub sign_up: bool,
    /// Stands between the header and the page: the consent banner.
    pub notice: ViewFn,
}

/// A link from a detail page back to its list.
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
    /// The title of the browser's tab, without the site's name.
    #[prop(into)]
    title: String,
    section: Section,
    children: Children,
) -> impl IntoView {
    view! {
        <Title text=title/>
        <Frame section>{children()} <Beacon/></Frame>
    }
    .into_any()
}

/// The frame of a page whose address is a secret. The page has no beacon, which would tell the address.
#[component]
pub fn SecretPage(#[prop(into)] title: String, children: Children) -> impl IntoView {
    view! {
        <Title text=title/>
        <Frame section=Section::None>{children()}</Frame>
    }
    .into_any()
}

/// The frame of the admin area, with its menu in the header. The page in it is an [`AdminPage`].
#[component]
pub fn AdminFrame(menu: Vec<NavLink>, children: Children) -> impl IntoView {
    view! { <Frame section=Section::None menu>{children()}</Frame> }
}

/// The frame around every page.
///
/// The frame and the pages return an [`AnyView`], because the nested types of a whole page grow past the compiler's limits.
#[component]
fn Frame(
    section: Section,
    #[prop(optional_no_strip, into)] menu: Option<Vec<NavLink>>,
    children: Children,
) -> impl IntoView {
    let FrameContext { viewer, sign_up, notice } = expect_context();
    view! {
        <SiteHeader viewer sign_up section menu=menu/>
        {notice.run()}
        <main id="main" tabindex="-1">{children()}</main>
        <SiteFooter/>
    }
    .into_any()
}

/// An admin page, inside of [`AdminFrame`]: writes the `<h1>` from `title`, with `toolbar` beside it and `back` above it.
#[component]
pub fn AdminPage(
    #[prop(into)] title: String,
    /// At the right of the heading: buttons, or a [`super::Segmented`] choice.
    #[prop(optional)]
    toolbar: Option<AnyView>,
    #[prop(optional_no_strip, into)] back: Option<BackLink>,
    /// A line below the heading.
    #[prop(optional, into)]
    subtitle: MaybeText,
    children: Children,
) -> impl IntoView {
    view! {
        <Title text=title.clone()/>
        <div class="wrap admin">
            <div class="page-head">
                <div>
                    {back.map(|back| view! { <a class="back-link" href=back.href>{back.label}</a> })}
                    <h1>{title}</h1>
                    {subtitle.get().map(|text| view! { <p class="muted">{text}</p> })}
                </div>
                {toolbar.map(|toolbar| view! { <div class="toolbar">{toolbar}</div> })}
            </div>
            {children()}
        </div>
    }
    .into_any()
}

/// Cards, beside each other if there is room for two.
#[component]
pub fn Columns(children: Children) -> impl IntoView {
    view! { <div class="columns">{children()}</div> }.into_any()
}
