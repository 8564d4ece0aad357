//! A row becomes a touch of somebody, or a reason why it cannot.
//!
//! What always holds: values go through the parser of real landings ([`signal::parse`]), with its cleaning and its caps; what of
//! a row would not be stored is told; and the same row has the same key each time.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Builder;

use super::{
    columns::{Column, Row, UTM, quoted, text},
    time,
};
use crate::{
    attribution::{
        channel::rules::Rules,
        signal::{
            self, Signals,
            click_ids::{self, MAX_ID_BYTES},
            custom_tags::CustomTags,
        },
        touch::{Arrived, Origin, Touch},
    },
    auth::user::{email_key, parse_email},
    db::Millis,
    id::{TouchId, UserId, VisitorId},
};

/// Where these touches come from: part of what their ids are made of.
const ORIGIN: &str = "django-utm-tracker";
/// The longest UTM value or tag, in characters.
const MAX_CHARS: usize = 255;

/// Whose a lead is and when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    pub email: String,
    /// What identifies the account.
    pub email_key: String,
    pub occurred_at: Millis,
}

impl Arrival {
    /// Reads them, or says why the row cannot be taken.
    pub fn of(row: &Row, now: Millis) -> Result<Self, String> {
        if let Some(problem) = &row.problem {
            return Err(problem.clone());
        }
        let occurred_at = match (row.text(Column::Timestamp)?, row.text(Column::CreatedAt)?) {
            (Some(time), _) | (None, Some(time)) => when(time, now)?,
            (None, None) => return Err("it has no time".to_owned()),
        };
        let Some(email) = row.text(Column::Email)? else {
            return Err(match row.text(Column::User)? {
                Some(user) => format!("the user {} has no e-mail address", quoted(user)),
                None => "it has no user".to_owned(),
            });
        };
        let email = parse_email(email).map_err(|_| format!("{} is no e-mail address", quoted(email)))?;
        Ok(Self { email_key: email_key(&email), email, occurred_at })
    }
}

fn when(text: &str, now: Millis) -> Result<Millis, String> {
    match time::parse(text) {
        None => Err(format!("{} is no time like 2023-05-04 12:34:56", quoted(text))),
        Some(time) if time < 0 => Err(format!("the time {} is before 1970", quoted(text))),
        Some(time) if time > now => Err(format!("the time {} is in the future", quoted(text))),
        Some(time) => Ok(time),
    }
}

/// A row that can be taken.
#[derive(Clone, Debug)]
pub(super) struct Lead {
    /// What a person finds its row by.
    pub place: String,
    pub arrival: Arrival,
    /// When the user joined, where that is known.
    pub joined: Option<Millis>,
    /// Under an id that is not yet its own: [`Lead::touch_id`].
    pub touch: Touch,
    pub key: Key,
    /// What of the row is not kept, in words.
    pub not_kept: Vec<String>,
}

/// What makes a lead the same when it is read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// It has been a touch of Waymark's, under this id.
    Touch(TouchId),
    /// django-utm-tracker's primary key.
    Id(String),
    /// A digest of its time, medium, source and campaign, and which of the user's rows with the same ones it is, in the order of
    /// the file.
    Row { digest: [u8; 32], occurrence: u32 },
}

impl Lead {
    pub fn of(row: &Row, known_tags: &CustomTags, rules: &Rules, now: Millis) -> Result<Self, String> {
        let arrival = Arrival::of(row, now)?;
        let mut query = LinkQuery::new(known_tags);
        for (column, cell) in &row.cells {
            let said = |cell| text(*column, cell);
            match column {
                Column::Utm(name) => said(cell)?.into_iter().for_each(|value| query.utm(name, value)),
                Column::ClickId(name) => said(cell)?.into_iter().for_each(|value| query.click_id(name, value)),
                _ => {}
            }
        }
        if let Some(json) = row.text(Column::ClickIds)? {
            query.tags("click_ids", json)?;
        }
        if let Some(json) = row.text(Column::CustomTags)? {
            query.tags("custom_tags", json)?;
        }
        let (signals, not_kept) = query.parse();
        if signals.is_empty() {
            let why = "it says nothing: no medium, no source, no campaign, no click id, no tag";
            return Err(not_kept.into_iter().fold(why.to_owned(), |why, part| format!("{why}; {part}")));
        }
        let joined = row.text(Column::Joined)?.and_then(time::parse).filter(|joined| (0..=now).contains(joined));
        let key = key_of(row)?;
        let arrived = Arrived {
            signals: &signals,
            // which page it was is not known
            path: "",
            referrer: None,
            origin: Origin::Import,
            internal: false,
            at: arrival.occurred_at,
        };
        let touch = Touch::new(&arrived, rules);
        Ok(Self { place: row.place.clone(), arrival, joined, touch, key, not_kept })
    }

    /// The id of its touch. A row that has no id itself is known only together with its account: the id must not be a trace of
    /// the e-mail address, which can be erased.
    pub fn touch_id(&self, account: Option<UserId>) -> Option<TouchId> {
        let mut digest = Sha256::new();
        digest.update(ORIGIN);
        match &self.key {
            Key::Touch(id) => return Some(*id),
            Key::Id(id) => {
                digest.update("\0id\0");
                digest.update(id);
            }
            Key::Row { digest: row, occurrence } => {
                digest.update("\0row\0");
                digest.update(account?.as_uuid());
                digest.update(row);
                digest.update(occurrence.to_le_bytes());
            }
        }
        // In whole seconds, as some exports have them, so that a lead is the same from the database and from an export. The time
        // in front keeps the touches of a day together in the index, as version 7 wants it.
        let seconds = (self.arrival.occurred_at / 1000).unsigned_abs();
        Some(Builder::from_unix_timestamp_millis(seconds * 1000, &first(digest)).into_uuid().into())
    }
}

/// The visitor who has the imported touches of an account.
pub(super) fn visitor_of(account: UserId) -> VisitorId {
    let digest = Sha256::new().chain_update(ORIGIN).chain_update("\0visitor\0").chain_update(account.as_uuid());
    Builder::from_custom_bytes(first(digest)).into_uuid().into()
}

fn first<const N: usize>(digest: Sha256) -> [u8; N] {
    let digest: [u8; 32] = digest.finalize().into();
    std::array::from_fn(|index| digest[index])
}

fn key_of(row: &Row) -> Result<Key, String> {
    if let Some(id) = row.text(Column::LeadId)? {
        let id = id.trim();
        return Ok(id.parse().map_or_else(|_| Key::Id(id.to_owned()), Key::Touch));
    }
    if let Some(id) = row.text(Column::Id)? {
        return Ok(Key::Id(id.trim().to_owned()));
    }
    // What erasing a user takes out of a touch is no part of it: the id stays, and whoever knows the rest could try values.
    let mut digest = Sha256::new();
    let names = ["utm_medium", "utm_source", "utm_campaign"].map(Column::Utm);
    for column in [Column::Timestamp, Column::CreatedAt].into_iter().chain(names) {
        let cell = row.text(column)?.unwrap_or_default();
        digest.update(cell.len().to_le_bytes());
        digest.update(cell);
    }
    Ok(Key::Row { digest: digest.finalize().into(), occurrence: 0 })
}

/// The query string that would have brought a lead.
struct LinkQuery<'a> {
    known_tags: &'a CustomTags,
    text: String,
    /// The names of UTM fields and click ids that have a value.
    said: Vec<&'static str>,
    tags: Vec<String>,
    not_kept: Vec<String>,
}

impl<'a> LinkQuery<'a> {
    fn new(known_tags: &'a CustomTags) -> Self {
        Self { known_tags, text: String::new(), said: Vec::new(), tags: Vec::new(), not_kept: Vec::new() }
    }

    fn push(&mut self, name: &str, value: &str) {
        for (sign, part) in [("&", name), ("=", value)] {
            self.text.push_str(sign);
            // a plus and a space, too: they do not mean the same in every value
            self.text.extend(utf8_percent_encode(part, NON_ALPHANUMERIC));
        }
    }

    fn utm(&mut self, name: &'static str, value: &str) {
        if value.chars().nth(MAX_CHARS).is_some() {
            let name = name.trim_start_matches("utm_");
            self.not_kept.push(format!("{name} is cut at {MAX_CHARS} characters"));
        }
        self.said.push(name);
        self.push(name, value);
    }

    fn click_id(&mut self, name: &'static str, value: &str) {
        if value.len() > MAX_ID_BYTES {
            self.not_kept.push(format!("{name} has more than {MAX_ID_BYTES} bytes and is left out"));
        } else if value.contains(char::is_control) {
            self.not_kept.push(format!("{name} has a control character and is left out"));
        } else {
            self.said.push(name);
            self.push(name, value);
        }
    }

    /// Reads a JSON object of values by name.
    fn tags(&mut self, column: &str, json: &str) -> Result<(), String> {
        let object = match serde_json::from_str(json) {
            Ok(Value::Object(object)) => object,
            Ok(Value::Null) => return Ok(()),
            Ok(_) => return Err(format!("{column} is no JSON object: {}", quoted(json))),
            Err(error) => return Err(format!("{column} is no JSON ({error}): {}", quoted(json))),
        };
        for (name, value) in &object {
            let name = name.trim();
            match value {
                Value::Array(values) => values.iter().for_each(|value| self.tag(name, value)),
                value => self.tag(name, value),
            }
        }
        Ok(())
    }

    fn tag(&mut self, name: &str, value: &Value) {
        let value = match value {
            Value::Null => return,
            Value::String(text) if text.trim().is_empty() => return,
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                return self.not_kept.push(format!("the tag {} is no text and is left out", quoted(name)));
            }
        };
        // django-utm-tracker knows five click ids; sites that wanted others, or more UTM fields, named them as tags
        let utm = UTM.into_iter().find(|utm| utm.eq_ignore_ascii_case(name));
        let click_id = click_ids::find(name.as_bytes()).map(|id| id.name);
        if let Some(known) = utm.or(click_id) {
            if self.said.contains(&known) {
                self.not_kept.push(format!("the tag {} is left out, because {known} has a value", quoted(name)));
            } else if utm.is_some() {
                self.utm(known, &value);
            } else {
                self.click_id(known, &value);
            }
            return;
        }
        match CustomTags::parse(name) {
            Ok(parsed) if parsed.names().eq([name]) => {
                let name = self.known_tags.spelling(name.as_bytes()).unwrap_or(name);
                if value.chars().nth(MAX_CHARS).is_some() {
                    self.not_kept.push(format!("the tag {} is cut at {MAX_CHARS} characters", quoted(name)));
                }
                self.tags.push(name.to_owned());
                self.push(name, &value);
            }
            Ok(_) => self.not_kept.push(format!("{} cannot be a custom tag: it has a comma", quoted(name))),
            Err(error) => self.not_kept.push(error.to_string()),
        }
    }

    /// What the parser of landings makes of it, and what was not kept.
    fn parse(mut self) -> (Signals, Vec<String>) {
        // each name was accepted by itself
        let tags = CustomTags::parse(&self.tags.join(",")).unwrap_or_default();
        let signals = signal::parse(self.text.strip_prefix('&').unwrap_or_default(), None, &tags);
        if signals.dropped.cut || signals.dropped.pairs > 0 {
            self.not_kept.push("what goes beyond 8 KiB or 100 values is left out".to_owned());
        }
        (signals, self.not_kept)
    }
}
