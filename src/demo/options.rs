/// The options of sample data.
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
