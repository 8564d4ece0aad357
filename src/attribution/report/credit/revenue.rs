use std::{collections::BTreeMap, ops::AddAssign};

use crate::attribution::{
    facts::{Dictionary, Text},
    model::{Credit, Minor},
};

/// The share of a conversion that goes to one touch, or to Direct.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// The share of the conversion, counted as one; zero for a refund.
    pub conversions: Credit,
    /// The share of the conversion's value.
    pub value: Minor,
}

impl Share {
    /// Returns a whole conversion or refund. A refund changes the value, not the number of conversions.
    pub fn whole(value: Minor, is_refund: bool) -> Self {
        Self { conversions: if is_refund { Credit::ZERO } else { Credit::ONE }, value }
    }
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

/// [`Revenue`] while it is being summed, with currencies by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RevenueSum {
    conversions: Credit,
    /// There are few currencies, so a list is searched faster than a map.
    by_currency: Vec<(Text, Minor)>,
}

impl RevenueSum {
    pub fn add(&mut self, share: Share, currency: Option<Text>) {
        self.conversions += share.conversions;
        if let Some(currency) = currency {
            self.add_value(currency, share.value);
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.conversions += other.conversions;
        other.by_currency.iter().for_each(|&(currency, value)| self.add_value(currency, value));
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub fn finish(&self, dictionary: &Dictionary) -> Revenue {
        let named = |&(currency, value): &(Text, Minor)| (dictionary.texts.get(currency).to_owned(), value);
        Revenue { conversions: self.conversions, by_currency: self.by_currency.iter().map(named).collect() }
    }

    fn add_value(&mut self, currency: Text, value: Minor) {
        match self.by_currency.iter_mut().find(|(known, _)| *known == currency) {
            Some((_, sum)) => *sum += value,
            None => self.by_currency.push((currency, value)),
        }
    }
}
