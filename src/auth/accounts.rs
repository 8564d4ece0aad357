//! What accounts need of the application.

use super::{password::Hasher, throttle::SignInLimit};
use crate::{attribution::settings::ReferralCredit, db::Db};

/// The state of everything that signs in, signs up or checks a password. Server functions and pages find it in their context.
#[derive(Clone, Debug)]
pub struct Accounts {
    pub db: Db,
    pub hasher: Hasher,
    /// Failed sign-ins of an address, counted in this process.
    pub sign_in_limit: SignInLimit,
    /// Which referral link gets the credit for a sign-up.
    pub referral_credit: ReferralCredit,
    /// Whether the site is served over TLS: cookies are then bound to TLS.
    pub secure: bool,
}
