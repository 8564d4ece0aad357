use std::{collections::BTreeMap, ops::AddAssign};

use crate::attribution::model::{Credit, Minor};

/// The share of a conversion that goes to one touch, or to Direct.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// The share of the conversion, counted as one; zero for a refund.
    pub conversions: Credit,
    /// The share of the conversion's value.
    pub value: Minor,
}

/// Conversions and money.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revenue {
    pub conversions: Credit,
    /// By currency. Negative where a period has more refunds than sales.
    pub by_currency: BTreeMap<String, Minor>,
}

impl Revenue {
    pub fn add(&mut self, share: Share, currency: Option<&str>) {
        self.conversions += share.conversions;
        if let Some(currency) = currency {
            self.add_value(currency, share.value);
        }
    }

    /// Adds money. A currency is listed from then on, also with a value of zero.
    pub fn add_value(&mut self, currency: &str, value: Minor) {
        match self.by_currency.get_mut(currency) {
            Some(sum) => *sum += value,
            None => drop(self.by_currency.insert(currency.to_owned(), value)),
        }
    }

    /// Returns the amount in a currency.
    pub fn value(&self, currency: &str) -> Minor {
        self.by_currency.get(currency).copied().unwrap_or_default()
    }
}

impl AddAssign<&Self> for Revenue {
    fn add_assign(&mut self, other: &Self) {
        self.conversions += other.conversions;
        for (currency, value) in &other.by_currency {
            self.add_value(currency, *value);
        }
    }
}
