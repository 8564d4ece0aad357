//! Custom tags are the query parameters beside UTM that the site's owner wants kept with each touch.
//!
//! The names come from `ATTRIBUTION_CUSTOM_TAGS`. In a [`CustomTags`] no name is a UTM field, a click id, an id of a person, or a
//! parameter of the site's own pages. A custom tag is a signal. If a parameter of the site's own links were a custom tag, every
//! click on such a link would make a touch.

use std::fmt;

use super::{
    click_ids,
    name::{MAX_NAME_BYTES, begins_escaped},
};
use crate::clean_text::is_hidden;

/// The names of custom tags, in the order and spelling of the setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomTags {
    names: Vec<String>,
}

impl CustomTags {
    /// Reads the comma-separated setting. White space around a name, empty names and repeated names are skipped. `reserved` are
    /// the parameters that the site's own pages use.
    ///
    /// Errors: every refused tag, with the reason.
    pub fn parse(setting: &str, reserved: &[&str]) -> Result<Self, TagError> {
        let mut tags = Self::default();
        let mut refused = Vec::new();
        for name in setting.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match TagRefusal::of(name, reserved) {
                Some(refusal) => refused.push((name.to_owned(), refusal)),
                None if tags.spelling(name.as_bytes()).is_some() => {}
                None => tags.names.push(name.to_owned()),
            }
        }
        if refused.is_empty() { Ok(tags) } else { Err(TagError { refused }) }
    }

    /// Returns the names, in the order and spelling of the setting.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Returns the setting's spelling of a name, which matches in any ASCII case.
    pub fn spelling(&self, name: &[u8]) -> Option<&str> {
        self.names().find(|tag| tag.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// Why `ATTRIBUTION_CUSTOM_TAGS` was refused. The message names each refused tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagError {
    refused: Vec<(String, TagRefusal)>,
}

impl fmt::Display for TagError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, refusal)) in self.refused.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            // `Debug` quotes the name and escapes invisible characters.
            write!(formatter, "{separator}{name:?} cannot be a custom tag: {}", refusal.reason())?;
        }
        Ok(())
    }
}

impl std::error::Error for TagError {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TagRefusal {
    Utm,
    ClickId,
    Person,
    Reserved,
    Hidden,
    Long,
    Unreachable,
}

impl TagRefusal {
    fn of(name: &str, reserved: &[&str]) -> Option<Self> {
        let prefixed = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        if name.chars().any(is_hidden) {
            Some(Self::Hidden)
        } else if name.len() > MAX_NAME_BYTES {
            Some(Self::Long)
        } else if prefixed("utm_") {
            Some(Self::Utm)
        } else if click_ids::find(name.as_bytes()).is_some() {
            Some(Self::ClickId)
        } else if click_ids::is_personal(name) {
            Some(Self::Person)
        } else if reserved.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            Some(Self::Reserved)
        } else if begins_escaped(name.as_bytes()) || name.ends_with("[]") || name.contains('+') {
            Some(Self::Unreachable)
        } else {
            None
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Utm => "names that begin with utm_ are reserved for UTM fields",
            Self::ClickId => "it is a click id, which is always captured",
            Self::Person => "it identifies a person and is never stored",
            Self::Reserved => "this site uses that parameter itself",
            Self::Hidden => "it has a control or invisible character",
            Self::Long => "it is longer than 64 bytes",
            Self::Unreachable => {
                "no parameter is read under a name that begins with amp; or #38;, contains +, or ends with []"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RESERVED: &[&str] = &["next", "__err"];

    fn parse(setting: &str) -> Result<CustomTags, TagError> {
        CustomTags::parse(setting, RESERVED)
    }

    #[test]
    fn names_are_split_trimmed_and_taken_once() {
        let tags = parse(" Partner, ref ,,coupon,PARTNER,\n").unwrap();
        assert_eq!(tags.names().collect::<Vec<_>>(), ["Partner", "ref", "coupon"]);
        assert_eq!(tags.spelling(b"pARTNER"), Some("Partner"));
        assert_eq!(tags.spelling(b"partner[]"), None);
        assert_eq!(parse("").unwrap(), CustomTags::default());
    }

    #[test]
    fn reserved_names_are_refused_in_any_case() {
        let personal = click_ids::PERSONAL.iter().copied();
        let ids = click_ids::CLICK_IDS.iter().map(|id| id.name);
        let others = [
            "utm_source",
            "UTM_whatever",
            "next",
            "Next",
            "__err",
            "a\u{0}b",
            "a\u{200b}b",
            "amp;a",
            "#038;a",
            "38;a",
            "a[]",
            "a+b",
        ];
        for name in personal.chain(ids).chain(others) {
            assert!(parse(name).is_err(), "{name:?}");
            assert!(parse(&name.to_uppercase()).is_err(), "{name:?}");
        }
        assert!(parse(&"a".repeat(65)).is_err());
        assert!(parse(&"a".repeat(64)).is_ok());
    }

    #[test]
    fn the_error_names_each_tag_and_why() {
        let error = parse("ok,GCLID,mc_eid,next,utm_x,a\u{0}b").unwrap_err().to_string();
        assert_eq!(
            error,
            "\"GCLID\" cannot be a custom tag: it is a click id, which is always captured; \
             \"mc_eid\" cannot be a custom tag: it identifies a person and is never stored; \
             \"next\" cannot be a custom tag: this site uses that parameter itself; \
             \"utm_x\" cannot be a custom tag: names that begin with utm_ are reserved for UTM fields; \
             \"a\\0b\" cannot be a custom tag: it has a control or invisible character"
        );
    }

    proptest! {
        #[test]
        fn any_setting_is_read_without_panic(setting in any::<String>()) {
            if let Ok(tags) = parse(&setting) {
                prop_assert!(tags.names().all(|name| TagRefusal::of(name, RESERVED).is_none()));
            }
        }
    }
}
