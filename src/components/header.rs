use leptos::prelude::*;

use super::ThemeSwitch;

/// The part of the site that a page belongs to. The navigation marks its link as the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// A page without a link in the navigation, such as an error.
    None,
    Home,
    Login,
    Register,
    Account,
    Admin(AdminSection),
}

/// The admin area's navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminSection {
    Overview,
    Campaigns,
    Leads,
    Conversions,
    Models,
    Referrals,
    Quality,
    Inspector,
}

impl AdminSection {
    /// In the order of the navigation.
    const ALL: [(Self, &'static str, &'static str); 8] = [
        (Self::Overview, "Overview", "/admin"),
        (Self::Campaigns, "Campaigns", "/admin/campaigns"),
        (Self::Leads, "Leads", "/admin/leads"),
        (Self::Conversions, "Conversions", "/admin/conversions"),
        (Self::Models, "Models", "/admin/models"),
        (Self::Referrals, "Referrals", "/admin/referrals"),
        (Self::Quality, "Quality", "/admin/quality"),
        (Self::Inspector, "Inspector", "/admin/inspector"),
    ];
}

/// The person who is signed in, as the header shows them.
#[derive(Clone, Debug)]
pub struct Viewer {
    pub email: String,
    pub is_admin: bool,
}

/// The head of every page. Without a `viewer` it offers to sign in.
#[component]
pub fn SiteHeader(viewer: Option<Viewer>, section: Section) -> impl IntoView {
    let is_admin = viewer.as_ref().is_some_and(|viewer| viewer.is_admin);
    let links = match section {
        Section::Admin(current) => AdminSection::ALL
            .into_iter()
            .map(|(section, label, href)| nav_link(label, href, section == current))
            .collect_view()
            .into_any(),
        _ => view! {
            {nav_link("How it works", "/#how", false)}
            {is_admin.then(|| nav_link("Dashboard", "/admin", false))}
        }
        .into_any(),
    };
    let label = if matches!(section, Section::Admin(_)) { "Dashboard" } else { "Site" };
    // a narrow screen hides the links of visitors and members
    let minor = !is_admin;

    view! {
        <a class="skip-link" href="#main">"Skip to content"</a>
        <header class="site-header">
            <div class="wrap">
                <a class="brand" href="/" aria-label="Waymark, home"><Logo/>"Waymark"</a>
                <nav class="site-nav" class:minor=minor aria-label=label><ul>{links}</ul></nav>
                <div class="site-user">
                    {match viewer {
                        Some(viewer) => signed_in(viewer.email, section).into_any(),
                        None => signed_out(section).into_any(),
                    }}
                    <ThemeSwitch/>
                </div>
            </div>
        </header>
    }
    .into_any()
}

fn nav_link(label: &'static str, href: &'static str, current: bool) -> impl IntoView {
    view! { <li><a href=href aria-current=current.then_some("page")>{label}</a></li> }
}

fn signed_in(email: String, section: Section) -> impl IntoView {
    let current = (section == Section::Account).then_some("page");
    view! {
        <a class="user-link" href="/account" aria-current=current title="Your account">{email}</a>
        <form method="post" action="/api/logout"><button class="button quiet" type="submit">"Sign out"</button></form>
    }
}

fn signed_out(section: Section) -> impl IntoView {
    let current = |of| (section == of).then_some("page");
    view! {
        <a class="button quiet" href="/login" aria-current=current(Section::Login)>"Sign in"</a>
        <a class="button" href="/register" aria-current=current(Section::Register)>"Create account"</a>
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
