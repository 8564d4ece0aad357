//! Amounts as Stripe's API counts them, which is not always in the minor units of ISO 4217.
//!
//! The source is docs.stripe.com/currencies, "Zero-decimal currencies", "Three-decimal currencies" and "Special cases", read in
//! November 2026. Stripe counts ISK and UGX in hundredths that the currencies no longer have, and MGA whole although ISO 4217
//! has hundredths of it. HUF and TWD are whole only in payouts: payments and refunds are in hundredths.

use super::currency::Currency;
use crate::attribution::model::Minor;

/// Currencies that Stripe counts whole.
const WHOLE: &str = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF";
/// Currencies without minor units that Stripe counts in hundredths.
const IN_HUNDREDTHS: &str = "ISK UGX";
/// Currencies that Stripe counts in thousandths. The last digit is always 0.
const IN_THOUSANDTHS: &str = "BHD JOD KWD OMR TND";

/// Why an amount of Stripe is no amount in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StripeAmountError {
    #[error("Stripe takes no payments in this currency.")]
    Currency,
    /// The amount has a fraction that the currency does not have: 150 in ISK, which would be 1.5 krónur.
    #[error(
        "Stripe counts this currency in hundredths, and the currency has none: the amount must be a multiple of 100."
    )]
    Fraction,
    #[error("This number is too large.")]
    TooLarge,
}

impl Minor {
    /// Returns an amount of Stripe's API in minor units: 500 in ISK → 5; 500 in MGA → 50000; 500 in EUR → 500.
    pub fn from_stripe(amount: i64, currency: Currency) -> Result<Self, StripeAmountError> {
        let digits = digits(currency).ok_or(StripeAmountError::Currency)?;
        let own = currency.minor_digits();
        if let Some(missing) = own.checked_sub(digits) {
            let minor = amount.checked_mul(10_i64.pow(missing.into()));
            return minor.map(Self).ok_or(StripeAmountError::TooLarge);
        }
        let unit = 10_i64.pow((digits - own).into());
        if amount % unit == 0 { Ok(Self(amount / unit)) } else { Err(StripeAmountError::Fraction) }
    }
}

/// Returns how many digits of an amount of Stripe stand behind the point.
fn digits(currency: Currency) -> Option<u8> {
    let is_in = |list: &str| list.split(' ').any(|code| code == currency.as_str());
    match currency.minor_digits() {
        _ if is_in(WHOLE) => Some(0),
        _ if is_in(IN_THOUSANDTHS) => Some(3),
        _ if is_in(IN_HUNDREDTHS) => Some(2),
        2 => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(amount: i64, code: &str) -> Result<i64, StripeAmountError> {
        Minor::from_stripe(amount, Currency::parse(code).expect("a currency")).map(|minor| minor.0)
    }

    #[test]
    fn amounts_become_minor_units_exactly() {
        for (amount, code, expected) in [
            (4_900, "EUR", 4_900),
            (500, "JPY", 500),
            (500, "ISK", 5),
            (0, "ISK", 0),
            (-500, "UGX", -5),
            (1_234_500, "UGX", 12_345),
            (500, "MGA", 50_000),
            (5_120, "KWD", 5_120),
            (1_045, "HUF", 1_045),
            (1_045, "TWD", 1_045),
        ] {
            assert_eq!(minor(amount, code), Ok(expected), "{amount} {code}");
        }
    }

    #[test]
    fn an_amount_that_does_not_fit_is_refused() {
        for (amount, code, why) in [
            (150, "ISK", StripeAmountError::Fraction),
            (1, "UGX", StripeAmountError::Fraction),
            (-150, "ISK", StripeAmountError::Fraction),
            (i64::MAX, "MGA", StripeAmountError::TooLarge),
            (i64::MIN, "MGA", StripeAmountError::TooLarge),
            (100, "IQD", StripeAmountError::Currency),
            (100, "CLF", StripeAmountError::Currency),
            (100, "UYI", StripeAmountError::Currency),
        ] {
            assert_eq!(minor(amount, code), Err(why), "{amount} {code}");
        }
    }

    #[test]
    fn the_lists_name_currencies_of_iso_4217_with_other_digits_where_they_say_so() {
        let digits_of = |list: &'static str| {
            list.split(' ').map(|code| (code, Currency::parse(code).expect("a currency").minor_digits()))
        };
        assert!(digits_of(WHOLE).all(|(code, digits)| digits == 0 || code == "MGA"));
        assert!(digits_of(IN_HUNDREDTHS).all(|(_, digits)| digits == 0));
        assert!(digits_of(IN_THOUSANDTHS).all(|(_, digits)| digits == 3));
    }
}
