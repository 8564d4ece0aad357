//! The sections of the admin area: its menu, and where each page belongs in it.

use crate::{
    attribution::report::{Filter, FilterField, Preset},
    components::NavLink,
    timestamp::Timestamp,
};

/// A page that stands in the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdminSection {
    pub path: &'static str,
    /// Sections of one group stand together in the menu.
    pub group: Group,
    /// The heading of the page, and its name in the browser's tab.
    pub title: &'static str,
    /// The label in the menu.
    pub menu: &'static str,
}

/// What the sections of the menu are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Where people came from.
    Reports,
    /// The people, and what was done to their accounts.
    People,
    /// Whether the numbers are right, and what goes on behind the pages.
    Data,
}

const fn section(path: &'static str, title: &'static str, menu: &'static str) -> AdminSection {
    AdminSection { path, group: Group::Reports, title, menu }
}

const fn of_people(path: &'static str, title: &'static str, menu: &'static str) -> AdminSection {
    AdminSection { group: Group::People, ..section(path, title, menu) }
}

const fn of_data(path: &'static str, title: &'static str, menu: &'static str) -> AdminSection {
    AdminSection { group: Group::Data, ..section(path, title, menu) }
}

pub const OVERVIEW: AdminSection = section("/admin", "Overview", "Overview");
pub const CAMPAIGNS: AdminSection = section("/admin/campaigns", "Campaigns", "Campaigns");
pub const LEADS: AdminSection = section("/admin/leads", "Leads", "Leads");
pub const CONVERSIONS: AdminSection = section("/admin/conversions", "Conversions", "Conversions");
pub const MODELS: AdminSection = section("/admin/models", "Models", "Models");
pub const REFERRALS: AdminSection = section("/admin/referrals", "Referrals", "Referrals");
pub const USERS: AdminSection = of_people("/admin/users", "Users", "Users");
pub const AUDIT: AdminSection = of_people("/admin/audit", "Audit log", "Audit");
pub const TOKENS: AdminSection = of_data("/admin/tokens", "API tokens", "Tokens");
pub const QUALITY: AdminSection = of_data("/admin/quality", "Data quality", "Quality");
pub const INSPECTOR: AdminSection = of_data("/admin/inspector", "Inspector", "Inspector");
pub const JOBS: AdminSection = of_data("/admin/jobs", "Jobs", "Jobs");

/// All sections, in the order of the menu.
pub const SECTIONS: [AdminSection; 12] =
    [OVERVIEW, CAMPAIGNS, LEADS, CONVERSIONS, MODELS, REFERRALS, USERS, AUDIT, QUALITY, INSPECTOR, TOKENS, JOBS];

/// Returns the menu of the page at a path.
pub fn menu(path: &str, query: &str) -> Vec<NavLink> {
    let current = section_of(path, query);
    let mut before = OVERVIEW.group;
    let link = |section: AdminSection| NavLink {
        label: section.menu,
        href: section.path,
        current: current == Some(section),
        begins_group: std::mem::replace(&mut before, section.group) != section.group,
    };
    SECTIONS.into_iter().map(link).collect()
}

/// Returns the section of the page at a path: `/admin/leads/0193…` → leads.
fn section_of(path: &str, query: &str) -> Option<AdminSection> {
    // the overview of one campaign is the page of that campaign
    let one_campaign =
        || Filter::parse(query, Preset::All, Timestamp::EPOCH).filter.get(FilterField::Campaign).is_some();
    if path == OVERVIEW.path && one_campaign() {
        return Some(CAMPAIGNS);
    }
    let stands_under = |section: &AdminSection| {
        path.strip_prefix(section.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    SECTIONS.into_iter().filter(stands_under).max_by_key(|section| section.path.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_belongs_to_a_section() {
        for (path, query, section) in [
            ("/admin", "", OVERVIEW),
            ("/admin", "campaign=", OVERVIEW),
            ("/admin", "campaign=spring&period=all", CAMPAIGNS),
            ("/admin/campaigns", "campaign=spring", CAMPAIGNS),
            ("/admin/leads", "", LEADS),
            ("/admin/leads/0193b6e2", "", LEADS),
            ("/admin/users/0193b6e2/journey", "campaign=spring", USERS),
            ("/admin/inspector", "", INSPECTOR),
        ] {
            assert_eq!(section_of(path, query), Some(section), "{path}?{query}");
        }
        assert_eq!(section_of("/administration", ""), None);
    }
}
