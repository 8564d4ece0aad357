//! What always holds: every part of a row that would not be stored is reported, and the same row has the same key each time.

use sha2::{Digest, Sha256};
use uuid::Builder;

use super::{
    columns::{KnownColumn, SourceRow, quoted, text},
    landing_query::LandingQuery,
    time,
};
use crate::{
    attribution::{
        channel::rules::Rules,
        signal::custom_tags::CustomTags,
        touch::{Landing, Touch, TouchOrigin},
    },
    auth::user::{email_key, parse_email},
    id::{TouchId, UserId, VisitorId},
    timestamp::Timestamp,
};

/// The name of the source, which goes into the ids of its touches and visitors.
const SOURCE: &str = "django-utm-tracker";

/// The user of a lead, and when the lead came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LeadArrival {
    pub email: String,
    /// Identifies the account: the address in lower case.
    pub email_key: String,
    pub occurred_at: Timestamp,
}

impl LeadArrival {
    /// Reads the arrival of a row. Errors: why the row cannot be imported.
    pub fn of(row: &SourceRow, now: Timestamp) -> Result<Self, String> {
        if let Some(problem) = &row.problem {
            return Err(problem.clone());
        }
        let occurred_at = match (row.text(KnownColumn::Timestamp)?, row.text(KnownColumn::CreatedAt)?) {
            (Some(time), _) | (None, Some(time)) => past_time(time, now)?,
            (None, None) => return Err("it has no time".to_owned()),
        };
        let Some(email) = row.text(KnownColumn::Email)? else {
            return Err(match row.text(KnownColumn::User)? {
                Some(user) => format!("the user {} has no e-mail address", quoted(user)),
                None => "it has no user".to_owned(),
            });
        };
        let email = parse_email(email).map_err(|_| format!("{} is not an e-mail address", quoted(email)))?;
        Ok(Self { email_key: email_key(&email), email, occurred_at })
    }
}

fn past_time(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    match time::parse(text) {
        None => Err(format!("{} is not a time like 2023-05-04 12:34:56", quoted(text))),
        Some(time) if time < Timestamp::EPOCH => Err(format!("the time {} is before 1970", quoted(text))),
        Some(time) if time > now => Err(format!("the time {} is in the future", quoted(text))),
        Some(time) => Ok(time),
    }
}

/// A row that can be imported.
#[derive(Clone, Debug)]
pub(super) struct ImportedLead {
    /// Where a person finds the row.
    pub place: String,
    pub arrival: LeadArrival,
    /// When the user joined, where the source says so.
    pub joined: Option<Timestamp>,
    /// The touch, under a new id that is not stored: see [`ImportedLead::touch_id`].
    pub touch: Touch,
    pub key: LeadKey,
    /// The parts of the row that are left out, in words.
    pub left_out: Vec<String>,
}

/// Identifies a lead when it is read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LeadKey {
    /// The id of a touch, from the column `lead_id` of Waymark's own `leads.csv`.
    Touch(TouchId),
    /// django-utm-tracker's primary key.
    Id(String),
    /// For a row without an id: a digest of its time, medium, source and campaign. `occurrence` counts the user's earlier rows
    /// in the file with the same digest.
    Row { digest: [u8; 32], occurrence: u32 },
}

impl ImportedLead {
    /// Reads a row. Errors: why the row cannot be imported.
    pub fn of(row: &SourceRow, known_tags: &CustomTags, rules: &Rules, now: Timestamp) -> Result<Self, String> {
        let arrival = LeadArrival::of(row, now)?;
        let mut query = LandingQuery::new(known_tags);
        for (column, cell) in &row.cells {
            match column {
                KnownColumn::Utm(name) => text(*column, cell)?.into_iter().for_each(|value| query.utm(name, value)),
                KnownColumn::ClickId(name) => {
                    text(*column, cell)?.into_iter().for_each(|value| query.click_id(name, value));
                }
                _ => {}
            }
        }
        for column in [KnownColumn::ClickIds, KnownColumn::CustomTags] {
            if let Some(json) = row.text(column)? {
                query.tags(column.name(), json)?;
            }
        }
        let (signals, left_out) = query.parse();
        if signals.is_empty() {
            let why = "it has no medium, no source, no campaign, no click id and no tag";
            return Err(left_out.into_iter().fold(why.to_owned(), |why, part| format!("{why}; {part}")));
        }
        let joined = row
            .text(KnownColumn::Joined)?
            .and_then(time::parse)
            .filter(|joined| (Timestamp::EPOCH..=now).contains(joined));
        let key = key_of(row)?;
        // The page is not known.
        let landing =
            Landing { signals, path: String::new(), referrer: None, origin: TouchOrigin::Import, internal: false };
        let touch = Touch::new(landing, arrival.occurred_at, rules);
        Ok(Self { place: row.place.clone(), arrival, joined, touch, key, left_out })
    }

    /// Returns the id of the lead's touch. Where the row has no id, the touch's id depends on the account's id, and is unknown as
    /// long as there is no account. No id may depend on the e-mail address: erasing a user removes the address and keeps the id.
    pub fn touch_id(&self, account: Option<UserId>) -> Option<TouchId> {
        let mut digest = Sha256::new();
        digest.update(SOURCE);
        match &self.key {
            LeadKey::Touch(id) => return Some(*id),
            LeadKey::Id(id) => {
                digest.update("\0id\0");
                digest.update(id);
            }
            LeadKey::Row { digest: row, occurrence } => {
                digest.update("\0row\0");
                digest.update(account?.as_uuid());
                digest.update(row);
                digest.update(occurrence.to_le_bytes());
            }
        }
        // The id begins with the time, as version 7 does, so that the touches of a day stand together in the index. Some
        // exports have whole seconds only; a lead gets the same id from the database and from such an export.
        let seconds = (self.arrival.occurred_at - Timestamp::EPOCH).as_secs();
        Some(Builder::from_unix_timestamp_millis(seconds * 1000, &first_bytes(digest)).into_uuid().into())
    }
}

/// Returns the id of the visitor that owns an account's imported touches.
pub(super) fn visitor_of(account: UserId) -> VisitorId {
    let digest = Sha256::new().chain_update(SOURCE).chain_update("\0visitor\0").chain_update(account.as_uuid());
    Builder::from_custom_bytes(first_bytes(digest)).into_uuid().into()
}

fn first_bytes<const N: usize>(digest: Sha256) -> [u8; N] {
    let digest: [u8; 32] = digest.finalize().into();
    std::array::from_fn(|index| digest[index])
}

fn key_of(row: &SourceRow) -> Result<LeadKey, String> {
    if let Some(id) = row.text(KnownColumn::LeadId)? {
        let id = id.trim();
        return Ok(id.parse().map_or_else(|_| LeadKey::Id(id.to_owned()), LeadKey::Touch));
    }
    if let Some(id) = row.text(KnownColumn::Id)? {
        return Ok(LeadKey::Id(id.trim().to_owned()));
    }
    // Values that erasing a user removes (term, content, click ids, tags) are not in the digest. The id outlives the erasure, and
    // somebody who knows the other values could try guesses of the removed values against the id.
    let mut digest = Sha256::new();
    let names = ["utm_medium", "utm_source", "utm_campaign"].map(KnownColumn::Utm);
    for column in [KnownColumn::Timestamp, KnownColumn::CreatedAt].into_iter().chain(names) {
        let cell = row.text(column)?.unwrap_or_default();
        digest.update(cell.len().to_le_bytes());
        digest.update(cell);
    }
    Ok(LeadKey::Row { digest: digest.finalize().into(), occurrence: 0 })
}
