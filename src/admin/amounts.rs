//! Credit and money as people and programs read them.

use crate::{
    attribution::{
        conversion::Currency,
        model::{Credit, Minor},
        report::credit::Revenue,
    },
    components::format,
};

/// The minus sign. The sign is as wide as a digit, so that figures align.
const MINUS: char = '\u{2212}';

/// Writes conversions. A whole number has no decimals, any other number has two: `1,234`, `0.33`. A number that would round to
/// zero reads `< 0.01`.
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

/// Writes conversions for files, with all six decimals and no grouping: `1234.000000`.
pub fn exact_credit(credit: Credit) -> String {
    point(credit.0, 6)
}

/// Writes an amount of money without its currency: `1,234.50`. A currency without minor units has no decimals: `1,234`.
pub fn amount(value: Minor, currency: &str) -> String {
    let exact = exact_amount(value, currency);
    let (whole, fraction) = exact.split_once('.').map_or((exact.as_str(), None), |(whole, part)| (whole, Some(part)));
    let digits: i64 = whole.trim_start_matches('-').parse().unwrap_or_default();
    let sign = if value < Minor::ZERO { MINUS.to_string() } else { String::new() };
    let fraction = fraction.map(|part| format!(".{part}")).unwrap_or_default();
    format!("{sign}{}{fraction}", format::count(digits))
}

/// Writes an amount of money with its currency: `1,234.50 EUR`.
pub fn money(value: Minor, currency: &str) -> String {
    format!("{}\u{a0}{currency}", amount(value, currency))
}

/// Writes an amount of money for files, without grouping: `1234.50`.
pub fn exact_amount(value: Minor, currency: &str) -> String {
    // Stored currencies are known. An amount in an unknown currency would be written in minor units.
    let digits = Currency::parse(currency).map_or(0, |currency| currency.minor_digits());
    point(value.0, digits.into())
}

/// Writes the amounts in each currency: `12.00 EUR, 7 JPY`. Returns `None` if all are zero.
pub fn monies(revenue: &Revenue) -> Option<String> {
    let amounts: Vec<_> = revenue
        .by_currency
        .iter()
        .filter(|(_, value)| **value != Minor::ZERO)
        .map(|(currency, value)| money(*value, currency))
        .collect();
    (!amounts.is_empty()).then(|| amounts.join(", "))
}

/// Writes a difference with its sign: `+12.5`, `−3`. Returns `None` for zero.
pub fn signed(difference: i64, text: impl FnOnce(i64) -> String) -> Option<String> {
    (difference != 0).then(|| format!("{}{}", if difference > 0 { "+" } else { "" }, text(difference)))
}

/// Writes a number with its decimal point moved left: `point(-5, 2)` → `-0.05`.
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
    fn a_difference_has_a_sign() {
        assert_eq!(signed(1_500_000, |units| format_credit(Credit(units))).as_deref(), Some("+1.50"));
        assert_eq!(signed(-1_000_000, |units| format_credit(Credit(units))).as_deref(), Some("−1"));
        assert_eq!(signed(0, |units| format_credit(Credit(units))), None);
    }
}
