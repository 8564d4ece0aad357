//! Currencies of ISO 4217; data.
//!
//! The source is the standard's list of current currencies and funds (maintained by SIX, as amended to January 2026). The table
//! leaves out codes that are not money and have no minor unit: metals, units of account, the codes for tests and for no currency.

use std::fmt;

use crate::attribution::model::Minor;

/// The currencies by their number of digits behind the point. Most have two digits.
const CURRENT: [(u8, &str); 4] = [
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP \
         COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR \
         JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN \
         NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL \
         THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

/// Codes withdrawn since 2021. A purchase from before the withdrawal may be reported later. All these currencies had hundredths.
const WITHDRAWN: &str = "ANG BGN CUC HRK SLL ZWL";

/// The code of a currency: three letters in upper case that are on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    code: &'static str,
    minor_digits: u8,
}

impl Currency {
    /// Finds a code, in any case. Returns `None` if no list has the code.
    pub fn parse(text: &str) -> Option<Self> {
        let code = text.to_ascii_uppercase();
        let listed = CURRENT.into_iter().chain([(2, WITHDRAWN)]);
        listed
            .flat_map(|(minor_digits, codes)| codes.split(' ').map(move |code| Self { code, minor_digits }))
            .find(|currency| currency.code == code)
    }

    pub fn as_str(self) -> &'static str {
        self.code
    }

    /// Reads an amount as people type it: `49.50`, `49,5` and `49` are 4,950, 4,950 and 4,900 cents. Returns `None` for more digits
    /// behind the point than the currency has, for a sign, for grouped digits, and for what is no amount.
    pub fn parse_amount(self, text: &str) -> Option<Minor> {
        let (digits, text) = (usize::from(self.minor_digits), text.trim());
        let (whole, fraction) = text.split_once(['.', ',']).map_or((text, None), |(whole, part)| (whole, Some(part)));
        let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || fraction.is_some_and(|part| !all_digits(part) || part.len() > digits) {
            return None;
        }
        let minor = format!("{whole}{:0<digits$}", fraction.unwrap_or_default());
        minor.parse().ok().map(Minor)
    }

    /// Returns how many digits of an amount in minor units stand behind the point: 2 for euros, 0 for yen.
    pub fn minor_digits(self) -> u8 {
        self.minor_digits
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_found_in_any_case() {
        for (text, code, digits) in [("EUR", "EUR", 2), ("usd", "USD", 2), ("Jpy", "JPY", 0), ("KWD", "KWD", 3)] {
            let currency = Currency::parse(text).expect("a currency");
            assert_eq!((currency.as_str(), currency.minor_digits()), (code, digits));
        }
    }

    #[test]
    fn an_amount_is_read_as_people_type_it() {
        for (code, text, minor) in [
            ("EUR", "49.50", Some(4_950)),
            ("EUR", "49,5", Some(4_950)),
            ("EUR", " 49 ", Some(4_900)),
            ("EUR", "0.05", Some(5)),
            ("EUR", "0", Some(0)),
            ("JPY", "1500", Some(1_500)),
            ("KWD", "1.234", Some(1_234)),
            ("EUR", "49.505", None),
            ("JPY", "15.0", None),
            ("EUR", "", None),
            ("EUR", ".5", None),
            ("EUR", "5.", None),
            ("EUR", "-5", None),
            ("EUR", "+5", None),
            ("EUR", "1,234.50", None),
            ("EUR", "1 234", None),
            ("EUR", "１２", None),
            ("EUR", "1e3", None),
            ("EUR", "99999999999999999999", None),
        ] {
            let currency = Currency::parse(code).expect("a currency");
            assert_eq!(currency.parse_amount(text), minor.map(Minor), "{code} {text:?}");
        }
    }

    #[test]
    fn what_is_no_money_is_no_currency() {
        for text in
            ["", "EU", "EURO", "ABC", "€", "XXX", "XTS", "XAU", "XDR", "EUR ", "EUR USD", "DEM", "ＥＵＲ", "\0\0\0"]
        {
            assert_eq!(Currency::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn each_is_listed_once_and_well_formed() {
        let all: Vec<&str> =
            CURRENT.iter().flat_map(|(_, codes)| codes.split(' ')).chain(WITHDRAWN.split(' ')).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert!(all.iter().all(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())));
    }
}
