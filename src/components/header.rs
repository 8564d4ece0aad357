use leptos::prelude::*;

use super::ThemeSwitch;
use crate::site::NAME;

/// The part of the site that a page belongs to. The header marks its link as the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// A page without a link in the header, such as an error.
    None,
    Home,
    Login,
    Register,
    Account,
    Projects,
}

/// A link of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NavLink {
    pub label: &'static str,
    pub href: &'static str,
    /// Whether the link leads to the page that is shown, or to the list that this page belongs to.
    pub current: bool,
    /// Whether a new group of links begins with this link.
    pub begins_group: bool,
}

impl NavLink {
    pub fn new(label: &'static str, href: &'static str, current: bool) -> Self {
        Self { label, href, current, begins_group: false }
    }
}

/// The person who is signed in, as the header shows them.
#[derive(Clone, Debug)]
pub struct Viewer {
    pub email: String,
    pub is_admin: bool,
}

/// The head of every page. Without a `viewer` the header offers to sign in.
#[component]
pub fn SiteHeader(
    viewer: Option<Viewer>,
    /// Whether the header offers to make an account.
    sign_up: bool,
    section: Section,
    /// The menu of the admin area, on its pages.
    #[prop(optional_no_strip, into)]
    menu: Option<Vec<NavLink>>,
) -> impl IntoView {
    let is_admin = viewer.as_ref().is_some_and(|viewer| viewer.is_admin);
    let is_user = viewer.is_some();
    let wide = menu.is_some();
    let label = if wide { "Dashboard" } else { "Site" };
    let links = menu.unwrap_or_else(|| {
        let mut links = vec![NavLink::new("How it works", "/#how", false)];
        links.extend(is_user.then(|| NavLink::new("Projects", "/projects", section == Section::Projects)));
        links.extend(is_admin.then(|| NavLink::new("Dashboard", "/admin", false)));
        links
    });
    let links = links
        .into_iter()
        .map(|NavLink { label, href, current, begins_group }| {
            view! { <li class:begins-group=begins_group><a href=href aria-current=current.then_some("page")>{label}</a></li> }
        })
        .collect_view();
    // a narrow screen hides the links of visitors
    let minor = !is_user;

    view! {
        <a class="skip-link" href="#main">"Skip to content"</a>
        <header class="site-header" class:wide-nav=wide>
            <div class="wrap">
                <a class="brand" href="/" aria-label=format!("{NAME}, home")><Logo/>{NAME}</a>
                <nav class="site-nav" class:minor=minor aria-label=label><ul>{links}</ul></nav>
                <div class="site-user">
                    {match viewer {
                        Some(viewer) => signed_in(viewer.email, section).into_any(),
                        None => signed_out(section, sign_up).into_any(),
                    }}
                    <ThemeSwitch/>
                </div>
            </div>
        </header>
    }
    .into_any()
}

fn signed_in(email: String, section: Section) -> impl IntoView {
    let current = (section == Section::Account).then_some("page");
    view! {
        <a class="user-link" href="/account" aria-current=current title="Your account">{email}</a>
        <form method="post" action="/api/logout"><button class="button quiet" type="submit">"Sign out"</button></form>
    }
}

fn signed_out(section: Section, sign_up: bool) -> impl IntoView {
    let current = |of| (section == of).then_some("page");
    view! {
        <a class="button quiet" href="/login" aria-current=current(Section::Login)>"Sign in"</a>
        {sign_up.then(|| view! {
            <a class="button" href="/register" aria-current=current(Section::Register)>"Create account"</a>
        })}
    }
}

/// The logo: a trail mark on its post.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 18 24" width="18" height="24" aria-hidden="true">
            <path class="logo-post" d="M8 10h2v12h2.5v2h-7v-2H8z"/>
            <rect class="logo-blaze" x="1" y="0" width="16" height="10" rx="2"/>
        </svg>
    }
}
