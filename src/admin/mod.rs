//! The admin area: what touches, leads and conversions say.
//!
//! What always holds:
//! - Only admins get in. The layer in front of `/admin` checks the role, and the layout checks it again for all pages. Files
//!   and forms have addresses of their own, and each checks the role itself.
//! - A database that does not answer makes a page that says so, with status 503.
//! - Every value that came from a visitor is shown as text.
//! - The address of a page holds all of its state.
//!
//! # Another page
//!
//! 1. A file in this folder: a component that calls `page::admin_page` with an `async fn` from `page::PageRequest` to a view.
//! 2. Its `mod` line below and its `<Route>` in [`AdminRoutes`].
//! 3. For a place in the menu, a line in `sections`. Its title and its path come from there.
//!
//! The tests find the page by its route and by the menu: they check that only admins open it, and that it is accessible.

use leptos::prelude::*;
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route},
    path,
};

/// Credit and money in text.
pub mod amounts;
/// The audit log.
mod audit;
/// Leads per campaign.
mod campaigns;
/// The fields that confirm that the admin is at the browser.
mod confirm_fields;
/// Conversions, newest first.
mod conversions;
/// Leads, campaigns, conversions and models as CSV files.
pub mod csv;
/// The filter's toolbar, fields, search, chips and mistakes.
mod filter_parts;
/// The server functions behind the forms.
mod forms;
/// The inspector: what the server would do with an arrival.
pub mod inspector;
/// The invitations on the page of all users.
mod invitations;
/// The queue of jobs, and who runs what.
mod jobs;
/// The journey of one user.
mod journey;
/// The frame of all pages, and their guard.
mod layout;
/// One lead.
mod lead;
/// Leads, newest first.
mod leads;
/// What lists share.
mod lists;
/// The models side by side.
mod models;
/// The headline numbers, their trend, and the largest of each kind.
mod overview;
/// The request of a page, and what stands in the place of a page that cannot be made.
mod page;
/// The filter of one page and its links.
mod page_filter;
/// How far the numbers can be trusted.
mod quality;
/// Referral links.
mod referrals;
/// The sections: paths, titles and menu.
mod sections;
/// Tables of campaigns and leads, and cells that several tables share.
mod tables;
/// API tokens.
mod tokens;
/// The account of one user.
mod user;
/// All users.
mod users;
/// How pages name the values of reports.
mod words;

use self::{
    audit::AuditLogPage, campaigns::CampaignsPage, conversions::ConversionsPage, inspector::InspectorPage,
    jobs::JobsPage, journey::JourneyPage, layout::AdminLayout, lead::LeadPage, leads::LeadsPage, models::ModelsPage,
    overview::OverviewPage, quality::QualityPage, referrals::ReferralsPage, tokens::TokensPage, user::UserPage,
    users::UsersPage,
};

/// The routes of the admin area.
// The trait has its whole path, because a development build leaves the return type out, and an import would be unused there.
#[component(transparent)]
pub fn AdminRoutes() -> impl leptos_router::MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("/admin") view=AdminLayout ssr=SsrMode::Async>
            <Route path=path!("") view=OverviewPage/>
            <Route path=path!("campaigns") view=CampaignsPage/>
            <Route path=path!("leads") view=LeadsPage/>
            <Route path=path!("leads/:id") view=LeadPage/>
            <Route path=path!("conversions") view=ConversionsPage/>
            <Route path=path!("models") view=ModelsPage/>
            <Route path=path!("users") view=UsersPage/>
            <Route path=path!("users/:id") view=UserPage/>
            <Route path=path!("users/:id/journey") view=JourneyPage/>
            <Route path=path!("referrals") view=ReferralsPage/>
            <Route path=path!("quality") view=QualityPage/>
            <Route path=path!("inspector") view=InspectorPage/>
            <Route path=path!("audit") view=AuditLogPage/>
            <Route path=path!("tokens") view=TokensPage/>
            <Route path=path!("jobs") view=JobsPage/>
        </ParentRoute>
    }
    .into_inner()
}

#[cfg(test)]
mod tests {
    use leptos_axum::generate_route_list;
    use leptos_router::{
        SsrMode,
        components::{Router, Routes},
    };

    use super::{sections::SECTIONS, *};

    #[test]
    fn every_section_has_a_page_that_is_complete_before_it_is_sent() {
        let routes = generate_route_list(|| view! { <Router><Routes fallback=|| ()><AdminRoutes/></Routes></Router> });
        for section in SECTIONS {
            let route =
                routes.iter().find(|route| route.path() == section.path).unwrap_or_else(|| panic!("{section:?}"));
            assert_eq!(*route.mode(), SsrMode::Async, "{section:?}");
        }
        assert!(routes.iter().any(|route| route.path() == "/admin/leads/{id}"));
    }
}
