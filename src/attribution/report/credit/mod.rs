//! What always holds:
//! - A conversion is credited over its whole path; then a filter decides which shares are summed. Without a filter the
//!   shares add up to the conversions of the period, to the millionth, and to their values, to the minor unit.
//! - A conversion without a path is credited to Direct.
//! - A refund counts in the period of its own time, and takes value back from the touches that had been credited. A refund
//!   changes values, not the number of conversions.
//! - Currencies are never added to each other.

/// The models side by side.
pub mod compare;
/// What the rows of a comparison stand for.
pub(in crate::attribution::report) mod groups;
/// The credit of one user's conversions.
mod of_user;
/// The paths of conversions.
mod path;
/// The paths of all people, converted or not.
pub(in crate::attribution::report) mod people;
/// By campaign, over time, and by channel, source, page and referrer.
mod period;
/// Conversions and money.
mod revenue;
/// Shares conversions over their paths.
mod tally;

pub(in crate::attribution::report) use self::path::Paths;
pub use self::{
    of_user::{CreditedConversion, PathEnds, PathTouch, credit_of_touch, credit_of_user, path_ends},
    period::{PeriodCredit, PeriodSum},
    revenue::{Revenue, Share},
    tally::CreditTally,
};
pub use crate::attribution::settings::CreditSettings;
