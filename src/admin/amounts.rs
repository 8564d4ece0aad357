//! Credit and money as people and programs read them.

use crate::{
    attribution::{
        conversion::{Currency, SIGN_UP},
        model::{Credit, Minor},
        report::credit::Revenue,
    },
    components::format,
};

/// The sign that figures align with.
const MINUS: char = '\u{2212}';

/// Writes conversions, with two decimals where they are not whole: `1,234`, `0.33`. Less than a hundredth becomes `< 0.01`.
pub fn format_credit(Credit(millionths): Credit) -> String {
    const HUNDREDTH: i64 = Credit::ONE.0 / 100;
    if millionths % Credit::ONE.0 == 0 {
        return format::count(millionths / Credit::ONE.0);
    }
    let sign = if millionths < 0 { MINUS.to_string() } else { String::new() };
    let hundredths = (millionths.unsigned_abs() + HUNDREDTH.unsigned_abs() / 2) / HUNDREDTH.unsigned_abs();
    if hundredths == 0 {
        return format!("< {sign}0.01");
    }
    format!("{sign}{}.{:02}", format::count((hundredths / 100).cast_signed()), hundredths % 100)
}

/// The same with all six decimals and nothing else, for files: `1234.000000`.
pub fn exact_credit(credit: Credit) -> String {
    point(credit.0, 6)
}

/// An amount of money without its currency: `1,234.50`; of a currency without minor units `1,234`.
pub fn amount(value: Minor, currency: &str) -> String {
    let exact = exact_amount(value, currency);
    let (whole, fraction) = exact.split_once('.').map_or((exact.as_str(), None), |(whole, part)| (whole, Some(part)));
    let digits: i64 = whole.trim_start_matches('-').parse().unwrap_or_default();
    let sign = if value < Minor::ZERO { MINUS.to_string() } else { String::new() };
    let fraction = fraction.map(|part| format!(".{part}")).unwrap_or_default();
    format!("{sign}{}{fraction}", format::count(digits))
}

/// `1,234.50 EUR`.
pub fn money(value: Minor, currency: &str) -> String {
    format!("{}\u{a0}{currency}", amount(value, currency))
}

/// As [`amount`], for files: `1234.50`.
pub fn exact_amount(value: Minor, currency: &str) -> String {
    // What is stored is a currency; were it none, its amounts are shown as they are kept.
    let digits = Currency::parse(currency).map_or(0, |currency| currency.minor_digits());
    point(value.0, digits.into())
}

/// What was earned in each currency, `12.00 EUR, 7 JPY`; nothing where it is nothing.
pub fn monies(revenue: &Revenue) -> Option<String> {
    let amounts: Vec<_> = revenue
        .by_currency
        .iter()
        .filter(|(_, value)| **value != Minor::ZERO)
        .map(|(currency, value)| money(*value, currency))
        .collect();
    (!amounts.is_empty()).then(|| amounts.join(", "))
}

/// A kind of conversion as people read it: the sign-up has a word, others are what their reporters call them. Files keep what
/// is stored.
pub fn kind_label(kind: &str) -> &str {
    if kind == SIGN_UP { "Sign-up" } else { kind }
}

/// A difference with its sign: `+12.5`, `−3`; nothing where there is none.
pub fn signed(difference: i64, text: impl FnOnce(i64) -> String) -> Option<String> {
    (difference != 0).then(|| format!("{}{}", if difference > 0 { "+" } else { "" }, text(difference)))
}

/// A number with its decimal point moved left.
fn point(value: i64, digits: usize) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", value.unsigned_abs(), width = digits + 1);
    let (whole, fraction) = text.split_at(text.len() - digits);
    if digits == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_has_two_decimals_where_it_is_not_whole() {
        for (millionths, text) in [
            (0, "0"),
            (1_234_000_000, "1,234"),
            (333_333, "0.33"),
            (500_000, "0.50"),
            (999_999, "1.00"),
            (5_000, "0.01"),
            (4_999, "< 0.01"),
            (-1_500_000, "−1.50"),
        ] {
            assert_eq!(format_credit(Credit(millionths)), text);
        }
        assert_eq!(exact_credit(Credit(1_000_001)), "1.000001");
        assert_eq!(exact_credit(Credit(-42)), "-0.000042");
    }

    #[test]
    fn money_has_the_decimals_of_its_currency() {
        assert_eq!(money(Minor(123_456), "EUR"), "1,234.56\u{a0}EUR");
        assert_eq!(money(Minor(-5), "EUR"), "−0.05\u{a0}EUR");
        assert_eq!(money(Minor(1_234), "JPY"), "1,234\u{a0}JPY");
        assert_eq!(money(Minor(1_234), "KWD"), "1.234\u{a0}KWD");
        assert_eq!(exact_amount(Minor(-123_456), "EUR"), "-1234.56");
    }

    #[test]
    fn the_sign_up_has_a_word() {
        assert_eq!(kind_label("signup"), "Sign-up");
        assert_eq!(kind_label("purchase"), "purchase");
    }

    #[test]
    fn a_difference_has_a_sign() {
        assert_eq!(signed(1_500_000, |units| format_credit(Credit(units))).as_deref(), Some("+1.50"));
        assert_eq!(signed(-1_000_000, |units| format_credit(Credit(units))).as_deref(), Some("−1"));
        assert_eq!(signed(0, |units| format_credit(Credit(units))), None);
    }
}
