use std::fmt;

/// How many rows of sample data were added or removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DemoSummary {
    pub users: u64,
    pub visitors: u64,
    pub touches: u64,
    /// Users who signed up through another user's link.
    pub referrals: u64,
    /// Sign-ups, purchases and refunds.
    pub conversions: u64,
}

impl fmt::Display for DemoSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { users, visitors, touches, referrals, conversions } = self;
        write!(
            f,
            "{users} users, {visitors} visitors, {touches} touches, {referrals} referrals, {conversions} conversions"
        )
    }
}
