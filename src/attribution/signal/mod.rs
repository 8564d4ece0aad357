//! The parser reads UTM fields, click ids and custom tags from the query string of a landing.
//!
//! The server and the browser share the parser. What always holds:
//! - The parser never fails and never panics. It reads at most [`MAX_QUERY_BYTES`] and [`MAX_PAIRS`].
//! - Neither cap cuts a value: a pair that lies across the end of what is read is dropped.
//! - A query without a known name costs no allocation.
//!
//! Names match in any ASCII case, percent-encoded or not, and with any number of `amp;` in front, which some mailers add. A second
//! `?` separates pairs as `&` does, because people append `?utm_source=…` to addresses that have a query already. `name[]` is
//! another name than `name`.

use std::collections::BTreeMap;

use percent_encoding::percent_decode;

use self::{
    clean::tidy,
    click_ids::MAX_ID_BYTES,
    custom_tags::{CustomTags, MAX_NAME_BYTES},
};

/// Text from an address, made safe to store and to show.
pub mod clean;
/// The table of click ids and what each implies.
pub mod click_ids;
/// Custom tags: the parameters that the owner named.
pub mod custom_tags;
/// Completes a link that names no source or no medium from its click ids.
pub mod from_click_ids;
/// The `Referer` header's host and path.
pub mod referrer;
/// The UTM fields and their names.
mod utm;

pub use self::{clean::clean, utm::Utm};

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Click ids that were too long, not UTF-8, or had a control character.
    pub ids: usize,
    /// Pairs after the first [`MAX_PAIRS`].
    pub pairs: usize,
    /// Whether the query was longer than [`MAX_QUERY_BYTES`].
    pub cut: bool,
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
        if let Some(field) = signals.utm.field(name) {
            // If a name is repeated, the last value that is not empty counts.
            if let Some(value) = form_decoded(pair, clean) {
                *field = Some(value);
            }
        } else if let Some(id) = click_ids::find(name) {
            match decode_id(value) {
                Some(value) if value.is_empty() => {}
                Some(value) => {
                    signals.click_ids.insert(id.name, value);
                }
                None => signals.dropped.ids += 1,
            }
        } else if let Some(tag) = tags.spelling(name)
            && let Some(value) = form_decoded(pair, tidy)
        {
            match signals.tags.get_mut(tag) {
                Some(values) => values.push(value),
                None => {
                    signals.tags.insert(tag.to_owned(), vec![value]);
                }
            }
        }
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

/// Returns the query without the pairs that [`parse`] reads. The other pairs are unchanged. Example: `a=1&utm_source=x` → `a=1`.
pub fn without_signals(query: &str, tags: &CustomTags) -> String {
    let mut buffer = [0; MAX_NAME_BYTES];
    let mut signal = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        decode_name(name.as_bytes(), &mut buffer)
            .is_some_and(|name| is_utm(name) || click_ids::find(name).is_some() || tags.spelling(name).is_some())
    };
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !signal(pair)).collect();
    kept.join("&")
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

/// Returns a parameter's name, form-decoded, in ASCII lower case, and without any `amp;` in front. Returns `None` if it is longer
/// than every known name.
fn decode_name<'a>(raw: &[u8], buffer: &'a mut [u8; MAX_NAME_BYTES]) -> Option<&'a [u8]> {
    let mut length = 0;
    for byte in percent_decode(raw) {
        // An encoded plus becomes a space too, which changes nothing: no known name has a plus.
        let byte = if byte == b'+' { b' ' } else { byte.to_ascii_lowercase() };
        *buffer.get_mut(length)? = byte;
        length += 1;
        if &buffer[..length] == b"amp;" {
            length = 0;
        }
    }
    Some(&buffer[..length])
}

/// Returns the form-decoded and cleaned value of a pair: `+` is a space, invalid UTF-8 becomes U+FFFD, a stray `%` stays.
fn form_decoded(pair: &[u8], cleaned: fn(&str) -> Option<String>) -> Option<String> {
    form_urlencoded::parse(pair).next().and_then(|(_, value)| cleaned(&value))
}

/// Percent-decodes an id. Returns `None` if the id is too long, not UTF-8, or has a control character. A repaired id would be a
/// different id.
fn decode_id(raw: &[u8]) -> Option<String> {
    let value = percent_decode(raw).decode_utf8().ok()?;
    let sound = value.len() <= MAX_ID_BYTES && !value.contains(char::is_control);
    sound.then(|| value.into_owned())
}

#[cfg(test)]
mod tests;
