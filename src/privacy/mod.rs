//! Privacy: how long data is kept, what a user can download, and how a user is erased.
//!
//! What always holds:
//! - Touches, and visitors without a user, are kept no longer than the configuration says ([`retention`]).
//! - Everything stored about a user is in the user's [`export`]. A test goes through the schema.
//! - After an [erasure](erase) no table of the database identifies the user, and soon after, no file of the database does
//!   ([`file_wipe`]). The totals of reports stay as they were.
//! - Retention, the job of erasures and the clean-up of files each run on one replica at a time
//!   ([`lease`](crate::jobs::lease)).

/// `GET /account/export.json`.
mod download;
/// E-mail addresses within other text.
mod email_in_text;
/// Erasing a user.
pub mod erase;
/// The server function behind "Erase my data".
mod erase_form;
/// Everything stored about a user, as one document.
pub mod export;
/// A moment in the document.
mod exported_time;
/// Removing erased data from the database's files.
pub mod file_wipe;
/// Projects, of the example to copy.
mod projects;
/// Removing data that is older than the configuration keeps.
pub mod retention;
#[cfg(test)]
mod tests;

pub use self::{download::export_json, erase_form::erase_in_background};
