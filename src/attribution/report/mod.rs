//! What always holds:
//! - Every number is counted from the rows at the moment when a page asks; reports write nothing.
//! - A period is a half-open range of time. Its ends are beginnings of days in the reader's time zone. So a day of 23
//!   or 25 hours is one day, and neighbouring periods share no touch and miss none.
//! - A [`Filter`] means the same everywhere: it is a condition on touches. Conditions on people follow from their touches. A
//!   sign-up matches if one of the user's touches matches, at or before the sign-up and within the look-back window.
//! - The text of a statement is code; what somebody typed is bound (see `statement.rs`).
//!
//! Internal touches, whose link stood on a page of this site, are counted and marked as such. Only models leave internal touches
//! out.
//!
//! Functions take a connection, so that the caller decides which queries run one after the other and which at the same time.
//!
//! Some statements say `cross join` where `join` would return the same rows: SQLite then keeps the order of the tables.
//! Few visitors belong to a user. Going from them to their touches is much faster than looking up the visitor of each
//! touch. PostgreSQL chooses the order by its statistics.

/// What tells the rows of a report on campaigns apart.
pub mod campaign_key;
/// The name under which reports show a campaign, in SQL.
mod campaign_name;
/// Touches by source, medium, campaign and channel.
pub mod campaigns;
/// What users did that counts, newest first.
pub mod conversions;
/// The conversions and the money that touches are credited with, by a model.
pub mod credit;
/// What a report is asked for: a period, and conditions on touches.
pub mod filter;
/// The touches and the sign-up of one user.
pub mod journey;
/// Touches that belong to users, newest first.
pub mod leads;
/// Lists by time, a page at a time.
pub mod page;
/// Reading the parameters of a query string, with all problems told at once.
mod parameters;
/// Days in a time zone as ranges of time.
pub mod period;
/// How far the numbers can be trusted.
pub mod quality;
/// The largest channels, sources, landing pages and referrers.
pub mod ranking;
/// Referral links, and the users that they brought.
pub mod referrals;
/// Putting statements together.
mod statement;
#[cfg(test)]
pub(crate) mod tests;
/// The headline numbers.
pub mod totals;
/// A number over time.
pub mod trend;

pub use self::filter::{Filter, FilterField, ParsedFilter};
pub use self::parameters::Problem;
pub use self::period::{Period, Preset, Range};
