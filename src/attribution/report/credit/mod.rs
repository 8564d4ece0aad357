//! What always holds:
//! - A conversion is credited over its whole path; then a filter decides which shares are summed. Without a filter the
//!   shares add up to the conversions of the period, to the millionth, and to their values, to the minor unit.
//! - A conversion without a path is credited to Direct.
//! - A refund counts in the period of its own time, and takes value back from the touches that had been credited. A refund
//!   changes values, not the number of conversions.
//! - Currencies are never added to each other.

/// By campaign.
mod campaigns;
/// The models side by side.
pub mod compare;
/// The credit of one user's conversions.
mod of_user;
/// Over time.
mod over_time;
/// The paths of conversions.
mod path;
/// The paths of all people, converted or not.
mod people;
/// Credit as the overview shows it.
mod period;
/// By channel, source, page and referrer.
mod rankings;
/// Conversions and money.
mod revenue;
/// What credit depends on, beside the model.
mod settings;
/// Shares conversions over their paths.
mod tally;

#[cfg(test)]
pub(crate) use self::people::{Channels, paths_of_people};
pub use self::{
    campaigns::{CampaignCredit, credit_by_campaign},
    of_user::{CreditedConversion, PathEnds, PathTouch, credit_of_touch, credit_of_user, path_ends},
    period::{PeriodCredit, PeriodCreditTally},
    revenue::{Revenue, Share},
    settings::CreditSettings,
};
pub(in crate::attribution::report) use self::{
    path::{Path, UserTouches},
    tally::Windows,
};
