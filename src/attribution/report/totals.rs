use super::matcher::Matcher;
use crate::attribution::facts::{Person, scan::Tally};

/// The headline numbers of a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub touches: i64,
    /// Distinct visitors with a touch.
    pub visitors: i64,
    /// Touches of visitors who belong to a user.
    pub leads: i64,
    /// Distinct users with a touch.
    pub users: i64,
    /// Users who signed up in the period. With conditions on touches, only those that a matching touch brought.
    pub signups: i64,
    /// Users who signed up in the period, with a matching touch before the sign-up. The others came directly.
    pub attributed: i64,
}

impl Totals {
    /// Returns the sign-ups that a touch brought, divided by the visitors with a touch.
    pub fn rate(&self) -> Option<f64> {
        (self.visitors > 0).then(|| self.attributed as f64 / self.visitors as f64)
    }
}

/// Counts [`Totals`].
pub struct TotalsTally<'a> {
    matcher: &'a Matcher<'a>,
    totals: Totals,
}

impl<'a> TotalsTally<'a> {
    pub fn new(matcher: &'a Matcher<'a>) -> Self {
        Self { matcher, totals: Totals::default() }
    }

    pub fn finish(self) -> Totals {
        let totals = self.totals;
        let bare = self.matcher.question.filter.is_bare();
        Totals { signups: if bare { totals.signups } else { totals.attributed }, ..totals }
    }
}

impl Tally for TotalsTally<'_> {
    fn add(&mut self, person: &Person<'_>) {
        let (mut touches, mut visitors, mut counted) = (0, 0, false);
        let (matching, range) = (self.matcher.of(person), self.matcher.range);
        for touch in person.touches() {
            counted &= !touch.next_visitor;
            if range.contains(touch.at) && matching.finds(touch.tuple) {
                touches += 1;
                visitors += i64::from(!counted);
                counted = true;
            }
        }
        self.totals.touches += touches;
        self.totals.visitors += visitors;
        if person.user().is_some() {
            self.totals.leads += touches;
            self.totals.users += i64::from(touches > 0);
        }
        if let Some(created_at) = self.matcher.signed_up(person) {
            self.totals.signups += 1;
            self.totals.attributed += i64::from(self.matcher.brought(person, created_at).next().is_some());
        }
    }

    fn merge(&mut self, other: Self) {
        let (own, other) = (&mut self.totals, other.totals);
        own.touches += other.touches;
        own.visitors += other.visitors;
        own.leads += other.leads;
        own.users += other.users;
        own.signups += other.signups;
        own.attributed += other.attributed;
    }
}
