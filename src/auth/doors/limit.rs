//! How many mails an e-mail address gets ([`MAILS`] within [`WITHIN`]), and how often a network may ask for one ([`AskTries`]). Change the
//! numbers here.

use std::time::Duration;

use crate::address_limit::{AddressLimit, Limited};

/// How many mails an address gets within [`WITHIN`]. Further ones are not sent, and a person who asks for one without being signed in is
/// not told.
pub const MAILS: i64 = 5;
pub const WITHIN: Duration = Duration::from_hours(1);

/// Requests for mails from one network, all doors together.
#[derive(Clone, Copy, Debug)]
pub struct AskTries;

impl Limited for AskTries {
    const MOST: u32 = 20;
    const WINDOW: Duration = Duration::from_hours(1);
}

/// Counts requests for mails by network.
pub type AskLimit = AddressLimit<AskTries>;
