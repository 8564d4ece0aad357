//! Moving in: leads that another system collected become touches.
//!
//! The source is django-utm-tracker's `LeadSource` table, as a CSV file or in Django's SQLite database itself. What always
//! holds:
//! - The import only reads the source.
//! - Importing the same leads again adds nothing. The leads may come from the same file or another export of the table, after an
//!   interruption, or in two imports at once. The id of a lead's touch is computed from the lead.
//! - Every row that is skipped, and every part of a row that is left out, is reported with its line and the reason.
//! - A lead belongs to the account with its user's e-mail address. An account that the import creates has no password.
//! - Memory holds a page of leads and the users of a `--users` file, plus about 16 bytes for each user. A CSV file without ids
//!   takes about as much for each lead.
//!
//! The imported leads of an account belong to one visitor, and each lead is one touch. The half hour within which arrivals
//! count as one, and the daily cap, do not apply: both are about requests.

/// The columns that the import knows, and a row of them.
mod columns;
/// The leads of a CSV file.
mod csv_file;
/// A CSV file whose first row names its columns.
mod csv_table;
/// The users of a CSV file.
mod csv_users;
/// The import: both passes through the source.
mod django;
mod error;
/// What reading CSV files and SQLite databases have in common.
mod file;
/// The query string that would have brought a lead.
mod landing_query;
/// A row becomes a touch.
mod lead;
mod options;
/// CSV, record by record.
mod records;
/// What an import did.
mod report;
/// Collects the report while the import runs.
mod report_writer;
/// The file to import, of either kind.
mod source_file;
/// The leads of Django's SQLite database.
mod sqlite_file;
/// The tables and columns of Django's SQLite database.
mod sqlite_schema;
/// Stores accounts, visitors and touches.
mod store;
#[cfg(test)]
mod tests;
/// Times as Django, its databases and their exports write them.
mod time;

pub use self::{
    django::django_utm_tracker,
    error::ImportError,
    options::Options,
    report::{ImportReport, Remark},
};
