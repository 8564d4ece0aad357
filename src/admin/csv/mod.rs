//! Leads, campaigns, conversions and models as CSV files.
//!
//! What always holds:
//! - A file has all rows that its filter finds. Without days in the address, the file covers all of time.
//! - A file is read and sent in pieces, so that a large file does not stand in memory.
//! - A file is RFC 4180 in UTF-8 and begins with a byte order mark, so that Excel on Windows reads letters such as é.
//! - Spreadsheets take no cell of text for a formula.

/// Campaigns, by name.
mod campaigns;
/// Cells of text, values and JSON.
mod cells;
/// Conversions, newest first.
mod conversions;
/// The request and the response, whatever is in the file.
mod file;
/// Leads, newest first.
mod leads;
/// Conversions credited by all models.
mod models;
#[cfg(test)]
mod tests;

pub use self::{
    campaigns::{campaigns_csv, campaigns_file},
    conversions::conversions_csv,
    file::CsvRefusal,
    leads::leads_csv,
    models::models_csv,
};
