//! Privacy: how long things are kept, what a person can take along, and how a person is forgotten.
//!
//! What always holds:
//! - Nothing is kept for longer than the configuration says ([`retention`]).
//! - What is stored about a user is in the user's [`export`], all of it; a test goes through the schema.
//! - After an [`erasure`](erase) nothing in the database's tables says who the user was, and soon after, nothing in its files
//!   ([`traces`]). Totals of reports stay as they were.
//! - Of several replicas one does such work at a time ([`lease`]).

/// `GET /account/export.json`.
mod download;
/// E-mail addresses within other text.
mod email_in_text;
/// Forgetting a user.
pub mod erase;
/// The server function behind "Erase my data".
mod erase_form;
/// Everything stored about a user, as one document.
pub mod export;
/// What an erasure leaves in the database's files.
pub mod file_wipe;
/// Whose turn a job is.
pub mod lease;
/// Removing what has been kept long enough.
pub mod retention;
#[cfg(test)]
mod tests;

pub use self::download::export_json;
