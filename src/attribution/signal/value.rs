//! What a parameter's value says: a text, a placeholder, or nothing.
//!
//! - A **placeholder** stands where an ad platform, a mailer or a program had no value to put: `(not set)`, `undefined`,
//!   `{{campaign.name}}`. The whole value has to be one: `spring-{{ad.id}}` and the word `none` are texts.
//! - A UTM value that still has escapes **was encoded more than once**, by a mailer or a wrapper of links. Such a value is decoded
//!   until no escape is left: `spring%20sale` → `spring sale`. A value whose escapes do not all make text stays: `50% off`,
//!   `caf%E9`. Click ids and tags are never decoded again.
//!
//! Reading a text that [`utm`] returned gives the same text. So stored values can be read again.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::clean_text::{clean, tidy};

/// What a value says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Nothing,
    Placeholder,
    Text(String),
}

impl Value {
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Placeholder | Self::Nothing => None,
        }
    }
}

/// How many times more than once a value may be encoded. Mailers and wrappers of links each encode a value once.
const MOST_ENCODED: usize = 4;

/// Reads the value of a UTM field, which is form-decoded. Examples: `Spring%20Sale` → `spring sale`, `{{ad.id}}` → placeholder.
pub fn utm(value: &str) -> Value {
    if is_placeholder(value) {
        return Value::Placeholder;
    }
    let mut text = Cow::Borrowed(value);
    for _ in 0..=MOST_ENCODED {
        if let Some(decoded) = decoded_again(&text) {
            text = Cow::Owned(decoded);
            continue;
        }
        match clean(&text) {
            None => return Value::Nothing,
            Some(text) if is_placeholder(&text) => return Value::Placeholder,
            // Cleaning can complete an escape, by removing a hidden character from it, and can cut a wrong escape off.
            Some(cleaned) if decoded_again(&cleaned).is_some() => text = Cow::Owned(cleaned),
            Some(text) => return Value::Text(text),
        }
    }
    // Nothing that people use encodes a value so often. Reading on would cost time that grows with the square of the length.
    Value::Nothing
}

/// Reads the value of a custom tag, which is form-decoded. Its case is kept.
pub fn tag(value: &str) -> Value {
    match tidy(value) {
        None => Value::Nothing,
        Some(text) if is_placeholder(&text) => Value::Placeholder,
        Some(text) => Value::Text(text),
    }
}

/// What programs write for a missing value, in lower case.
const WORDS: [&str; 6] = ["(not set)", "(none)", "(direct)", "null", "undefined", "[object object]"];

/// How macros of ad platforms and mailers begin and end.
const MACROS: [Macro; 8] = [
    // Meta, HubSpot, and templates of many programs
    Macro::of("{{", "}}"),
    Macro::of("{{{", "}}}"),
    // Google Ads, Microsoft Advertising
    Macro { begin: "{", end: "}", is_inside: |c| is_word(c) || matches!(c, ':' | '.' | '+' | '-' | ' ') },
    // templates of programs
    Macro::of("${", "}"),
    Macro::of("[[", "]]"),
    // Google Ad Manager, Salesforce Marketing Cloud
    Macro::of("%%", "%%"),
    // Mailchimp
    Macro::of("*|", "|*"),
    // TikTok
    Macro { begin: "__", end: "__", is_inside: is_word },
];

struct Macro {
    begin: &'static str,
    end: &'static str,
    /// Whether a character can stand between begin and end.
    is_inside: fn(char) -> bool,
}

impl Macro {
    const fn of(begin: &'static str, end: &'static str) -> Self {
        Self { begin, end, is_inside: |c| !matches!(c, '{' | '}' | '[' | ']') }
    }

    /// Returns whether the whole text is one macro. Two macros in a row are a longer value.
    fn is(&self, text: &str) -> bool {
        let inside = text.strip_prefix(self.begin).and_then(|rest| rest.strip_suffix(self.end));
        inside.is_some_and(|inside| {
            inside.contains(char::is_alphanumeric)
                && inside.chars().all(self.is_inside)
                && !inside.contains(self.begin)
                && !inside.contains(self.end)
        })
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Returns whether the whole value is a placeholder, in any ASCII case and with any white space around it. Allocates nothing.
pub fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(value)) || MACROS.iter().any(|known| known.is(value))
}

/// Returns whether a value, as it stands in the address, is a macro between `%%`. Decoding would damage such a macro:
/// `%%CAMPAIGN%%` has the escape `%CA`.
pub(super) fn is_raw_placeholder(raw: &[u8]) -> bool {
    let inside = raw.strip_prefix(b"%%").and_then(|rest| rest.strip_suffix(b"%%"));
    inside.is_some_and(|inside| !inside.is_empty() && !inside.windows(2).any(|pair| pair == b"%%"))
}

/// Decodes the escapes of a text once. Returns `None` if there is no escape, or if the escapes do not all make text: UTF-8 without
/// control characters other than white space.
fn decoded_again(text: &str) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    let Cow::Owned(decoded) = percent_decode_str(text).decode_utf8().ok()? else { return None };
    let controls = |text: &str| text.chars().filter(|c| c.is_control() && !c.is_whitespace()).count();
    (controls(&decoded) == controls(text)).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    #[test]
    fn what_was_not_filled_in_is_a_placeholder() {
        for value in [
            "(not set)",
            "(Not Set)",
            " (none)\t",
            "(direct)",
            "null",
            "NULL",
            "undefined",
            "[object Object]",
            "{{campaign.name}}",
            "{{ad.id}}",
            "{{ campaign | default: \"x\" }}",
            "{{{name}}}",
            "{keyword}",
            "{_campaign}",
            "{ifmobile:phone}",
            "{KeyWord:Shoes On Sale}",
            "${campaign}",
            "${utm.source}",
            "%%CAMPAIGN%%",
            "%%=v(@name)=%%",
            "*|CAMPAIGN_UID|*",
            "*|MC:SUBJECT|*",
            "[[campaign]]",
            "[[ campaign name ]]",
            "__CAMPAIGN_NAME__",
            "__campaign_name__",
            "__CID__",
        ] {
            assert!(is_placeholder(value), "{value:?}");
            assert_eq!(utm(value), Value::Placeholder, "{value:?}");
            assert_eq!(tag(value), Value::Placeholder, "{value:?}");
        }
        for hidden in ["%7B%7Bcampaign.name%7D%7D", "{{campaign\u{200b}.name}}", "%28not%20set%29"] {
            assert_eq!(utm(hidden), Value::Placeholder, "{hidden:?}");
        }
    }

    #[test]
    fn what_somebody_wrote_is_no_placeholder() {
        for value in [
            "none",
            "not set",
            "nullable",
            "direct",
            "spring-{{ad.id}}",
            "{{campaign.name}}-{{ad.name}}",
            "{campaign}_{creative}",
            "{\"id\":1}",
            "{}",
            "{{}}",
            "{ }",
            "%%",
            "%%%%",
            "____",
            "__init",
            "__a__b__",
            "__spring sale__",
            "[vip]",
            "(sale)",
            "50% off %%",
            "*star*",
        ] {
            assert!(!is_placeholder(value), "{value:?}");
            assert_eq!(utm(value), text(&value.to_lowercase()), "{value:?}");
        }
    }

    #[test]
    fn a_value_that_was_encoded_twice_is_decoded_again() {
        for (value, expected) in [
            ("spring%20sale", "spring sale"),
            ("Spring%20Sale", "spring sale"),
            ("caf%C3%A9", "café"),
            ("caf%c3%a9", "café"),
            ("a%2Bb", "a+b"),
            ("100%25", "100%"),
            ("100%%20off", "100% off"),
            ("spring%2520sale", "spring sale"),
            ("a%\u{200b}20b", "a b"),
            ("line%0Abreak", "line break"),
            ("50% off", "50% off"),
            ("50%off", "50%off"),
            ("100%", "100%"),
            ("caf%E9", "caf%e9"),
            ("caf%C3%A9%E9", "caf%c3%a9%e9"),
            ("20%desconto", "20%desconto"),
            ("5%00", "5%00"),
            ("5%1Bred", "5%1bred"),
            ("%zz%4", "%zz%4"),
        ] {
            assert_eq!(utm(value), text(expected), "{value:?}");
        }
        assert_eq!(utm("%20"), Value::Nothing);
        // Nobody encodes so often. Decoding to the end would take as many rounds as the value has digits.
        assert_eq!(utm(&format!("%{}41", "25".repeat(4_000))), Value::Nothing);
        assert_eq!(tag("spring%20sale"), text("spring%20sale"));
    }

    #[test]
    fn a_macro_between_percent_signs_is_known_before_decoding() {
        for raw in ["%%CAMPAIGN%%", "%%DEST%%", "%%first%20name%%"] {
            assert!(is_raw_placeholder(raw.as_bytes()), "{raw}");
        }
        for raw in ["%%%%", "%%", "", "a%%b%%", "%%a%%-%%b%%", "%25%25a%25%25"] {
            assert!(!is_raw_placeholder(raw.as_bytes()), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn reading_again_changes_nothing(any in any::<String>(), hard in "[%25cC39aEe0A\u{200b}{}_ ]{0,300}") {
            for value in [any, hard] {
                if let Value::Text(once) = utm(&value) {
                    prop_assert_eq!(utm(&once), Value::Text(once.clone()));
                }
                if let Value::Text(once) = tag(&value) {
                    prop_assert_eq!(tag(&once), Value::Text(once.clone()));
                }
            }
        }

        #[test]
        fn however_often_a_text_was_encoded_it_reads_the_same(words in "[a-zé&=+/]{1,9}( [a-zé&=+/]{1,9}){0,3}", times in 0..4) {
            let encoded = (0..times).fold(words.clone(), |text, _| {
                percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string()
            });
            prop_assert_eq!(utm(&encoded), Value::Text(words));
        }
    }
}
