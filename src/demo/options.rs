/// The number of visitors for each user, in a sample with a number of users.
pub(super) const VISITORS: usize = 12;

/// The options of sample data with a number of users: a small sample, which people look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demo {
    /// How many users sign up. There are twelve times as many visitors.
    pub users: u32,
    /// How many days before today the data covers: 1 to 3650.
    pub days: u32,
    pub seed: u64,
    /// Adds sample data to a database with real data.
    pub mix: bool,
    /// Removes existing sample data first.
    pub replace: bool,
}

impl Default for Demo {
    fn default() -> Self {
        Self { users: 400, days: 365, seed: 1, mix: false, replace: false }
    }
}

impl Demo {
    /// Returns how many visitors there are.
    pub(super) fn visitors(&self) -> u64 {
        u64::from(self.users) * VISITORS as u64
    }
}

/// The options of sample data with a number of touches: a sample of any size, with the variety of a large site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LargeDemo {
    /// How many touches there are.
    pub touches: u64,
    /// How many days before today the data covers: 1 to 3650.
    pub days: u32,
    pub seed: u64,
    /// Adds sample data to a database with real data.
    pub mix: bool,
    /// Removes existing sample data first.
    pub replace: bool,
}
