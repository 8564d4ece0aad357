//! What accounts need of the application.

use super::{
    doors::{MailDoors, limit::AskLimit},
    hasher::Hasher,
    registration::Registration,
    sign_up_limit::SignUpTryLimit,
    throttle::SignInLimit,
};
use crate::{attribution::settings::ReferralCredit, db::Db, jobs::Jobs};

/// The state of everything that signs in, signs up or checks a password. Server functions and pages find it in their context.
#[derive(Clone, Debug)]
pub struct Accounts {
    pub db: Db,
    pub hasher: Hasher,
    /// Failed sign-ins of an address, counted in this process.
    pub sign_in_limit: SignInLimit,
    /// Sign-up forms of an address, counted in this process.
    pub sign_up_tries: SignUpTryLimit,
    /// Requests for mails by address, counted in this process.
    pub ask_tries: AskLimit,
    /// Whether the doors that go by mail are open.
    pub doors: MailDoors,
    /// The worker, which sends mail.
    pub jobs: Jobs,
    /// Who may make an account.
    pub registration: Registration,
    /// How many accounts the whole site may make in an hour.
    pub sign_ups_per_hour: i64,
    /// Which referral link gets the credit for a sign-up.
    pub referral_credit: ReferralCredit,
    /// Whether admins need a second factor to open the admin area.
    pub admins_need_second_factor: bool,
    /// Whether the site is served over TLS: cookies are then bound to TLS.
    pub secure: bool,
}
