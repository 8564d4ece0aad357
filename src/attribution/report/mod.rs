//! What always holds:
//! - Every number is counted from facts that have every change so far; reports write nothing.
//! - A period is a half-open range of time. Its ends are beginnings of days in the reader's time zone. So a day of 23
//!   or 25 hours is one day, and neighbouring periods share no touch and miss none.
//! - A [`Filter`] means the same everywhere: it is a condition on touches. Conditions on people follow from their touches. A
//!   sign-up matches if one of the user's touches matches, at or before the sign-up and within the look-back window.
//!
//! Internal touches, whose link stood on a page of this site, are counted and marked as such. Only models leave internal touches
//! out.
//!
//! A report is a [`Tally`](super::facts::scan::Tally): it goes over all persons once and counts. A page counts all its reports in
//! one pass. Lists show single rows, which facts do not know. So facts find the users and times of a page's rows, and the
//! database is asked for these rows alone.

/// Touches by source, medium, campaign and channel.
pub mod campaigns;
/// What users did that counts, newest first.
pub mod conversions;
/// The conversions and the money that touches are credited with, by a model.
pub mod credit;
/// Counts distinct people.
mod distinct;
/// What a report is asked for: a period, and conditions on touches.
pub mod filter;
/// The touches and the sign-up of one user.
pub mod journey;
/// Touches that belong to users, newest first.
pub mod leads;
/// Compares a filter with touches.
pub mod matcher;
/// Lists by time, a page at a time.
pub mod page;
/// Reading the parameters of a query string, with all problems told at once.
mod parameters;
/// Days in a time zone as ranges of time.
pub mod period;
/// How far the numbers can be trusted.
pub mod quality;
/// A filter, with what it needs from the database.
mod question;
/// The largest channels, sources, landing pages and referrers.
pub mod ranking;
/// Referral links, and the users that they brought.
pub mod referrals;
#[cfg(test)]
pub(crate) mod tests;
/// The headline numbers.
pub mod totals;
/// A number over time.
pub mod trend;
/// Users, the newest first.
pub mod users;

pub use self::filter::{Filter, FilterField, ParsedFilter};
pub use self::parameters::Problem;
pub use self::period::{Period, Preset};
pub use self::question::Question;
pub use crate::timestamp::Range;
