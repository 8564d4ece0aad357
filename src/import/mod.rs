//! Moving in: what another system knows about leads becomes touches here.
//!
//! The source is django-utm-tracker's `LeadSource` table, as a CSV file or as Django's SQLite database itself. What always holds:
//! - The source is only read.
//! - Importing the same leads again adds nothing: from the same file or an export of the same table, after an interruption, and
//!   twice at once. A lead's touch has an id that follows from the lead.
//! - A row that is not taken is told with its line and the reason, and so is what of a row is not kept.
//! - Leads of a user belong to the account with the user's e-mail address. An account that is created has no password.
//! - What is held in memory is a page of leads, 16 bytes or so for each user, and as much for each lead of a CSV file without ids.
//!
//! An imported lead is a touch of one visitor per account, one for each lead: neither the half hour in which arrivals are one nor
//! the daily cap applies, because both are about requests.

/// What the columns of a source are.
mod columns;
mod csv_file;
mod django;
mod error;
/// A row becomes a touch.
mod lead;
/// A bar for the terminal.
pub mod progress;
mod records;
mod report;
mod source;
mod sqlite_file;
/// Accounts, visitors and touches of a page.
mod store;
#[cfg(test)]
mod tests;
mod time;

use std::path::PathBuf;

use crate::attribution::signal::custom_tags::CustomTags;

pub use self::django::django_utm_tracker;
pub use self::error::ImportError;
pub use self::report::{Remark, Report};

/// How an import goes.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A CSV file of users (`id`, `email` and, where known, `date_joined`), for leads that name their user by id only.
    pub users: Option<PathBuf>,
    /// Takes no lead of somebody who has no account, instead of creating one.
    pub existing_users_only: bool,
    /// A CSV file that is written: every row that was not taken, or not whole, with the reason.
    pub rejected: Option<PathBuf>,
    /// `ATTRIBUTION_CUSTOM_TAGS`. Tags of the source that are none of these are kept, too; those that are get this spelling.
    pub custom_tags: CustomTags,
}
