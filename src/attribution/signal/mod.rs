//! The parser reads UTM fields, click ids and custom tags from the query string of a landing.
//!
//! The server and the browser share the parser. What always holds:
//! - The parser never fails and never panics. It reads at most [`MAX_QUERY_BYTES`] and [`MAX_PAIRS`].
//! - Neither cap cuts a value: a pair that lies across the end of what is read is dropped.
//! - A query without a known name costs no allocation.
//!
//! Names match in any ASCII case, percent-encoded or not, and behind what is left of an ampersand that was escaped for HTML: `amp;`,
//! `#038;`, `#38;`, `#x26;`. A second `?` separates pairs as `&` does, because people append `?utm_source=…` to addresses that have a
//! query already. `name[]` is another name than `name`.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use percent_encoding::percent_decode;

use self::{
    click_ids::MAX_ID_BYTES,
    custom_tags::CustomTags,
    name::{MAX_NAME_BYTES, decode_name},
    value::Value,
};

/// The table of click ids and what each implies.
pub mod click_ids;
/// Custom tags: the parameters that the owner named.
pub mod custom_tags;
/// Completes a link that names no source or no medium from its click ids.
pub mod from_click_ids;
/// The names of parameters, however a link was mangled.
mod name;
/// The `Referer` header's host and path.
pub mod referrer;
/// The UTM fields and their names.
mod utm;
/// What a value says: a text, a placeholder, or nothing.
pub mod value;

pub use self::utm::Utm;
pub use crate::clean_text::{self as clean, clean};

/// How much of a query is read, in bytes. A pair that lies across the end is dropped.
pub const MAX_QUERY_BYTES: usize = 8 * 1024;

/// How many `name=value` pairs of a query are read, with known names or not.
pub const MAX_PAIRS: usize = 100;

/// What a landing's link says about where the visitor came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// The UTM fields. If `derived`, a click id or the referrer implied the source, the medium or both.
    pub utm: Utm,
    /// Click ids by their names in [`click_ids::CLICK_IDS`], including those that imply nothing. Values are percent-decoded, and
    /// otherwise unchanged.
    pub click_ids: BTreeMap<&'static str, String>,
    /// Custom tags in the spelling of the setting, each with all its values in order. The case of values is kept.
    pub tags: BTreeMap<String, Vec<String>>,
    /// Whether the source, the medium or both come from a click id or the referrer, and not from UTM parameters.
    pub derived: bool,
    /// How much of the query was ignored.
    pub dropped: Dropped,
}

impl Signals {
    /// Returns whether the link cannot make a touch: there is no UTM field, no tag, and no click id that implies a source.
    ///
    /// A click id that implies nothing (`srsltid`, `mc_cid` …) does not count. Otherwise the touch would have no source, and the
    /// referrer, which may tell the source, would be ignored.
    pub fn is_empty(&self) -> bool {
        let speaks = |name: &&'static str| click_ids::find(name.as_bytes()).is_some_and(|id| id.implies.is_some());
        self.utm.is_empty() && self.tags.is_empty() && !self.click_ids.keys().any(speaks)
    }
}

/// How much of a query was ignored, for a counter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Click ids that were too long, not UTF-8, or had a control character.
    pub ids: usize,
    /// Pairs after the first [`MAX_PAIRS`].
    pub pairs: usize,
    /// Whether the query was longer than [`MAX_QUERY_BYTES`].
    pub cut: bool,
    /// The parameters whose value was a [placeholder](value), in the spelling under which a value would be stored.
    pub placeholders: BTreeSet<Cow<'static, str>>,
}

/// Reads a raw query, which is what follows the `?`. What the link does not name stays missing; [`from_click_ids::fill`] comes
/// after.
///
/// Example: `utm_source=News&gclid=x` → source `news`, no medium, click id `gclid`.
pub fn parse(query: &str, tags: &CustomTags) -> Signals {
    let mut signals = Signals::default();
    let query = within_cap(query.as_bytes(), &mut signals.dropped);
    let mut buffer = [0; MAX_NAME_BYTES];
    let pairs = query.split(|&byte| separates(byte)).filter(|pair| !pair.is_empty());
    for (index, pair) in pairs.enumerate() {
        if index >= MAX_PAIRS {
            signals.dropped.pairs += 1;
            continue;
        }
        let equals = pair.iter().position(|&byte| byte == b'=');
        let (name, value) = equals.map_or((pair, &[][..]), |at| (&pair[..at], &pair[at + 1..]));
        let Some(name) = decode_name(name, &mut buffer) else {
            continue;
        };
        let mut placeholder = None;
        if let Some((parameter, field)) = signals.utm.field(name) {
            match form_decoded(pair, value, value::utm) {
                // If a name is repeated, the last value that says something counts.
                Value::Text(text) => *field = Some(text),
                Value::Placeholder => placeholder = Some(parameter.into()),
                Value::Nothing => {}
            }
        } else if let Some(id) = click_ids::find(name) {
            match decode_id(value) {
                Some(Value::Text(value)) => _ = signals.click_ids.insert(id.name, value),
                Some(Value::Placeholder) => placeholder = Some(id.name.into()),
                Some(Value::Nothing) => {}
                None => signals.dropped.ids += 1,
            }
        } else if let Some(tag) = tags.spelling(name) {
            match form_decoded(pair, value, value::tag) {
                Value::Text(text) => match signals.tags.get_mut(tag) {
                    Some(values) => values.push(text),
                    None => _ = signals.tags.insert(tag.to_owned(), vec![text]),
                },
                Value::Placeholder => placeholder = Some(tag.to_owned().into()),
                Value::Nothing => {}
            }
        }
        signals.dropped.placeholders.extend(placeholder);
    }
    signals
}

/// Returns whether [`parse`] would find a signal in a query. `tags` are the names of the custom tags, separated by commas.
///
/// A page's script calls this function before the script reports the page's address to the server. Names are read as in
/// [`parse`]. Values are not cleaned, because the code for that would weigh more than all other code of a visitor's page. So a
/// value of spaces counts as a value.
pub fn may_say_something(query: &str, tags: &str) -> bool {
    let mut buffer = [0; MAX_NAME_BYTES];
    let query = within_cap(query.as_bytes(), &mut Dropped::default());
    query.split(|&byte| separates(byte)).filter(|pair| !pair.is_empty()).take(MAX_PAIRS).any(|pair| {
        let Some(equals) = pair.iter().position(|&byte| byte == b'=') else { return false };
        let (name, value) = (&pair[..equals], &pair[equals + 1..]);
        let tagged =
            |name: &[u8]| !name.is_empty() && tags.split(',').any(|tag| tag.as_bytes().eq_ignore_ascii_case(name));
        !value.is_empty()
            && decode_name(name, &mut buffer).is_some_and(|name| {
                is_utm(name) || click_ids::find(name).is_some_and(|id| id.implies.is_some()) || tagged(name)
            })
    })
}

/// Returns the query without the pairs that [`parse`] reads. The other pairs are unchanged. Examples: `a=1&utm_source=x` → `a=1`,
/// `a=1?utm_source=x&b` → `a=1&b`.
pub fn without_signals(query: &str, tags: &CustomTags) -> String {
    let mut buffer = [0; MAX_NAME_BYTES];
    let mut kept = String::with_capacity(query.len());
    let mut start = 0;
    for pair in query.split(['&', '?']) {
        let separator = query[..start].chars().next_back();
        start += pair.len() + 1;
        let name = pair.split('=').next().unwrap_or_default();
        let is_signal = decode_name(name.as_bytes(), &mut buffer)
            .is_some_and(|name| is_utm(name) || click_ids::find(name).is_some() || tags.spelling(name).is_some());
        if pair.is_empty() || is_signal {
            continue;
        }
        kept.extend(separator.filter(|_| !kept.is_empty()));
        kept.push_str(pair);
    }
    kept
}

/// Returns whether a name, in lower case, is the name of a UTM field: `utm_source`.
fn is_utm(name: &[u8]) -> bool {
    Utm::PARAMETERS.iter().any(|known| known.as_bytes() == name)
}

fn separates(byte: u8) -> bool {
    matches!(byte, b'&' | b'?')
}

/// Returns the part of a query that lies within [`MAX_QUERY_BYTES`], without a pair that lies across the end.
fn within_cap<'a>(query: &'a [u8], dropped: &mut Dropped) -> &'a [u8] {
    let Some(&next) = query.get(MAX_QUERY_BYTES) else {
        return query;
    };
    dropped.cut = true;
    let within = &query[..MAX_QUERY_BYTES];
    if separates(next) {
        return within;
    }
    let whole = within.iter().rposition(|&byte| separates(byte)).unwrap_or(0);
    &within[..whole]
}

/// Reads the value of a pair as a form: `+` is a space, invalid UTF-8 becomes U+FFFD, a stray `%` stays.
fn form_decoded(pair: &[u8], raw: &[u8], read: fn(&str) -> Value) -> Value {
    if value::is_raw_placeholder(raw) {
        return Value::Placeholder;
    }
    form_urlencoded::parse(pair).next().map_or(Value::Nothing, |(_, value)| read(&value))
}

/// Percent-decodes an id. Returns `None` if the id is too long, not UTF-8, or has a control character. A repaired id would be a
/// different id.
fn decode_id(raw: &[u8]) -> Option<Value> {
    if value::is_raw_placeholder(raw) {
        return Some(Value::Placeholder);
    }
    let value = percent_decode(raw).decode_utf8().ok()?;
    if value.len() > MAX_ID_BYTES || value.contains(char::is_control) {
        None
    } else if value.is_empty() {
        Some(Value::Nothing)
    } else if value::is_placeholder(&value) {
        Some(Value::Placeholder)
    } else {
        Some(Value::Text(value.into_owned()))
    }
}

#[cfg(test)]
mod tests;
