//! What the admin pages and the CSV files ask of the touches.
//!
//! What always holds:
//! - Every number is counted from the rows when it is asked for; nothing here writes.
//! - A period is a half-open range of milliseconds whose ends are the beginnings of days in the reader's time zone, so
//!   a day of 23 or 25 hours is one day, and neighbouring periods share no touch and miss none.
//! - One [`Filter`] means the same everywhere: it is a condition on touches. What it asks of people follows from their
//!   touches: a sign-up matches where one of the user's touches does, at or before the sign-up and within the look-back
//!   window.
//! - The text of a statement is code; what was typed is bound ([`Statement`]).
//!
//! Internal touches (the link stood on a page of our own) are counted and shown as such; only models leave them out.
//!
//! Functions take a connection, so that whoever asks decides what runs one after the other and what at once.

/// Touches by source, medium, campaign and channel.
pub mod campaigns;
/// What users did that counts, newest first.
pub mod conversions;
/// What touches brought, by a model.
pub mod credit;
/// What is asked for, as a query string says it.
pub mod filter;
/// The touches and the sign-up of one user.
pub mod journey;
/// Touches that belong to users, newest first.
pub mod leads;
/// Lists by time, a page at a time.
pub mod page;
/// Days in a time zone as ranges of milliseconds.
pub mod period;
/// How far the numbers can be trusted.
pub mod quality;
/// The largest channels, sources, landing pages and referrers.
pub mod ranking;
/// Referral links and whom they brought.
pub mod referrals;
mod statement;
#[cfg(test)]
pub(crate) mod tests;
/// The headline numbers.
pub mod totals;
/// A number over time.
pub mod trend;

pub use self::filter::{Field, Filter, Parsed, Problem};
pub use self::period::{Period, Preset, Range};
pub(crate) use self::statement::Statement;
