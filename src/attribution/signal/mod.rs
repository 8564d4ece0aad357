//! The query string of a landing → UTM fields, click ids, custom tags.
//!
//! The server and the browser share this parser. What always holds: it never fails and never panics, it
//! looks at no more than [`MAX_QUERY_BYTES`] and [`MAX_PAIRS`], every value is whole (what a cap would cut in
//! two is dropped), and a query without a name of interest allocates nothing.
//!
//! Names match in any ASCII case, percent-encoded or not, with `amp;` in front as often as some mailer
//! escaped the link. A further `?` separates as `&` does: people append `?utm_source=…` to addresses that
//! have a query. `name[]` is another name, and no one's.

use std::collections::BTreeMap;

use percent_encoding::percent_decode;

use self::{
    clean::tidy,
    click_ids::MAX_ID_BYTES,
    custom_tags::{CustomTags, MAX_NAME_BYTES},
    referrer::Referrer,
};

/// Text from an address, made safe to store and to show.
pub mod clean;
/// Click ids and what they imply; data.
pub mod click_ids;
/// Custom tags: the parameters that the owner named.
pub mod custom_tags;
/// The `Referer` header's host and path.
pub mod referrer;

pub use self::clean::clean;

/// How much of a query is looked at, in bytes. The pair that lies across the end is not.
pub const MAX_QUERY_BYTES: usize = 8 * 1024;

/// How many `name=value` pairs of a query are looked at, of interest or not.
pub const MAX_PAIRS: usize = 100;

/// The UTM fields of one landing: one tuple. What is absent is never filled from another touch. Values are
/// clean, as [`clean`] makes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Utm {
    pub source: Option<String>,
    pub medium: Option<String>,
    pub campaign: Option<String>,
    pub term: Option<String>,
    pub content: Option<String>,
    pub id: Option<String>,
    pub source_platform: Option<String>,
    pub creative_format: Option<String>,
    pub marketing_tactic: Option<String>,
}

impl Utm {
    /// Whether no field has a value.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The field of a parameter, whose name is given in lower case.
    fn field(&mut self, name: &[u8]) -> Option<&mut Option<String>> {
        match name.strip_prefix(b"utm_")? {
            b"source" => Some(&mut self.source),
            b"medium" => Some(&mut self.medium),
            b"campaign" => Some(&mut self.campaign),
            b"term" => Some(&mut self.term),
            b"content" => Some(&mut self.content),
            b"id" => Some(&mut self.id),
            b"source_platform" => Some(&mut self.source_platform),
            b"creative_format" => Some(&mut self.creative_format),
            b"marketing_tactic" => Some(&mut self.marketing_tactic),
            _ => None,
        }
    }
}

/// What a query says about where a visitor came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// The UTM fields; source and medium are those a click id implies where `derived`.
    pub utm: Utm,
    /// Ids by the name their platform gives them ([`click_ids::CLICK_IDS`]), those that imply nothing
    /// included. Values are byte-exact after percent-decoding.
    pub click_ids: BTreeMap<&'static str, String>,
    /// Custom tags in the setting's spelling, each with all its values in order, case kept.
    pub tags: BTreeMap<String, Vec<String>>,
    /// Whether source and medium come from a click id and not from UTM.
    pub derived: bool,
    /// What was ignored.
    pub dropped: Dropped,
}

impl Signals {
    /// Whether there is nothing here to make a touch of: no UTM field, no tag, and no click id that
    /// implies something. One that is only kept (`srsltid`, `mc_cid` …) says nothing about a source, so that
    /// alone it would make a touch that came from nowhere, and would hide the referrer, which knows.
    pub fn is_empty(&self) -> bool {
        let speaks = |name: &&'static str| click_ids::find(name.as_bytes()).is_some_and(|id| id.implies.is_some());
        self.utm.is_empty() && self.tags.is_empty() && !self.click_ids.keys().any(speaks)
    }
}

/// What of a query was ignored, for a counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Click ids that were too long, or no text: not UTF-8, or with a control character.
    pub ids: usize,
    /// Pairs after the first [`MAX_PAIRS`].
    pub pairs: usize,
    /// Whether the query was longer than [`MAX_QUERY_BYTES`].
    pub cut: bool,
}

/// Reads a raw query, as it stands after the `?`. The referrer refines what a click id implies.
pub fn parse(query: &str, referrer: Option<&Referrer>, tags: &CustomTags) -> Signals {
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
            // Of repeated keys the last that says something wins.
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
    if signals.utm.source.is_none()
        && signals.utm.medium.is_none()
        && let Some((source, medium)) = click_ids::implied(&signals.click_ids, referrer)
    {
        signals.utm.source = Some(source.to_owned());
        signals.utm.medium = Some(medium.to_owned());
        signals.derived = true;
    }
    signals
}

/// Whether a query has a name that [`parse`] would make a signal of, and something after it. The browser asks this before it
/// tells the server: it is the same reading of names, without the cleaning of values, which would weigh more than all of the
/// browser's other code. `tags` are the custom tags' names, separated by commas.
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

/// The query without what [`parse`] takes from it, the rest as it was.
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

/// Whether that is a UTM field's name, in lower case.
fn is_utm(name: &[u8]) -> bool {
    const FIELDS: [&str; 9] = [
        "source",
        "medium",
        "campaign",
        "term",
        "content",
        "id",
        "source_platform",
        "creative_format",
        "marketing_tactic",
    ];
    name.strip_prefix(b"utm_").is_some_and(|field| FIELDS.iter().any(|known| known.as_bytes() == field))
}

fn separates(byte: u8) -> bool {
    matches!(byte, b'&' | b'?')
}

/// The whole pairs of a query that lie within [`MAX_QUERY_BYTES`].
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

/// A parameter's name, form-decoded, in ASCII lower case, without any `amp;` in front. `None` where it is
/// too long to be of interest.
fn decode_name<'a>(raw: &[u8], buffer: &'a mut [u8; MAX_NAME_BYTES]) -> Option<&'a [u8]> {
    let mut length = 0;
    for byte in percent_decode(raw) {
        // An encoded plus becomes a space as well: no name of interest has a plus.
        let byte = if byte == b'+' { b' ' } else { byte.to_ascii_lowercase() };
        *buffer.get_mut(length)? = byte;
        length += 1;
        if &buffer[..length] == b"amp;" {
            length = 0;
        }
    }
    Some(&buffer[..length])
}

/// The form-decoded value of a pair: `+` is a space, what is not UTF-8 becomes U+FFFD, a stray `%` stays.
fn form_decoded(pair: &[u8], cleaned: fn(&str) -> Option<String>) -> Option<String> {
    form_urlencoded::parse(pair).next().and_then(|(_, value)| cleaned(&value))
}

/// An id is opaque: percent-decoded and nothing else. `None` where it is too long or no text; mending it
/// would make it another id.
fn decode_id(raw: &[u8]) -> Option<String> {
    let value = percent_decode(raw).decode_utf8().ok()?;
    let sound = value.len() <= MAX_ID_BYTES && !value.contains(char::is_control);
    sound.then(|| value.into_owned())
}

#[cfg(test)]
mod tests;
