//! The admin area: what the touches, leads and sign-ups say.
//!
//! What always holds: every page and file asks for the role itself, whatever stands in front of it; a database that does not
//! answer makes a page that says so, with status 503; every value that came from a visitor is shown as text; the address
//! of a page holds all of its state.

/// The server functions that merge campaign names.
pub mod alias_forms;
/// Credit and money as people and programs read them.
mod amounts;
/// Leads per campaign.
mod campaigns;
/// Conversions, newest first.
mod conversions;
/// Leads, campaigns and models as CSV files.
pub mod csv;
/// What the filter's forms, chips and links look like on each page.
mod filters;
/// What would become of an arrival.
pub mod inspector;
/// The journey of one user.
mod journey;
/// One lead.
mod lead;
/// Leads, newest first.
mod leads;
/// The models side by side.
mod models;
/// The headline numbers, their trend, and the largest of each kind.
mod overview;
/// What every page here begins with.
mod page;
/// How far the numbers can be trusted.
mod quality;
/// The server functions behind the referral page's forms.
pub mod referral_forms;
/// Referral links.
mod referrals;
/// The server function behind the button in an empty dashboard.
pub mod sample_form;
/// Tables of campaigns and leads that several pages show.
mod tables;

pub use self::campaigns::CampaignsPage;
pub use self::conversions::ConversionsPage;
pub use self::inspector::InspectorPage;
pub use self::journey::JourneyPage;
pub use self::lead::LeadPage;
pub use self::leads::LeadsPage;
pub use self::models::ModelsPage;
pub use self::overview::OverviewPage;
pub use self::quality::QualityPage;
pub use self::referrals::ReferralsPage;
