//! Touches and conversions as read from the database.

use super::{
    chunk::{Conversion, NewTouch},
    dictionary::{Dictionary, Page, PageNumber, Tuple, TupleNumber},
    texts::Text,
};
use crate::{
    attribution::{
        model::Minor,
        signal::Utm,
        touch::fingerprint::{ERASED_RANGE, step_key},
    },
    id::{ConversionId, TouchId, UserId, VisitorId},
    timestamp::Timestamp,
};

/// A touch, as far as reports and paths need it.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct TouchRow {
    pub id: TouchId,
    pub visitor_id: VisitorId,
    pub user_id: Option<UserId>,
    pub occurred_at: Timestamp,
    #[sqlx(flatten)]
    pub utm: Utm,
    pub channel: String,
    pub rules_version: String,
    pub derived: bool,
    pub internal: bool,
    pub hits: i64,
    pub fingerprint: i64,
    pub landing_path: String,
    pub referrer: Option<String>,
}

impl TouchRow {
    /// Returns what tells two steps of a path apart.
    pub fn key(&self) -> u64 {
        self.link().key()
    }

    /// Returns the touch as columns hold it, if the dictionary has everything in it.
    pub(super) fn find_in(&self, dictionary: &Dictionary) -> Option<NewTouch> {
        let text = |text: &str| dictionary.texts.find(text);
        let tuple = dictionary.find_tuple(&self.link().tuple(text)?)?;
        let page = dictionary.find_page(&page(&self.landing_path, self.referrer.as_deref(), text)?)?;
        Some(self.numbered(tuple, page))
    }

    /// Returns the touch as columns hold it. Adds to the dictionary what is new in it.
    pub(super) fn add_to(&self, dictionary: &mut Dictionary) -> NewTouch {
        let tuple = self.link().add_to(dictionary);
        let page = add_page(&self.landing_path, self.referrer.as_deref(), dictionary);
        self.numbered(tuple, page)
    }

    fn link(&self) -> Link<'_> {
        Link {
            utm: &self.utm,
            channel: &self.channel,
            rules_version: &self.rules_version,
            derived: self.derived,
            internal: self.internal,
            erased: Some(self.fingerprint).filter(|fingerprint| ERASED_RANGE.contains(fingerprint)),
        }
    }

    fn numbered(&self, tuple: TupleNumber, page: PageNumber) -> NewTouch {
        NewTouch { visitor: self.visitor_id.as_uuid(), at: self.occurred_at, tuple, page, repeats: repeats(self.hits) }
    }
}

/// Returns how often a touch was seen again.
pub(super) fn repeats(hits: i64) -> u32 {
    u32::try_from(hits - 1).unwrap_or_default()
}

/// What a link said, and what was made of it, in texts: see [`Tuple`].
pub(super) struct Link<'a> {
    pub utm: &'a Utm,
    pub channel: &'a str,
    pub rules_version: &'a str,
    pub derived: bool,
    pub internal: bool,
    /// The fingerprint of a touch whose texts were erased.
    pub erased: Option<i64>,
}

impl Link<'_> {
    /// Returns what tells two steps of a path apart. Erasure removed values, so two different erased touches may now look equal.
    /// Their fingerprints were kept apart for this purpose, and are the key.
    fn key(&self) -> u64 {
        self.erased.map_or_else(|| step_key(self.utm), i64::cast_unsigned)
    }

    /// Returns the tuple, with the texts' numbers by `text`; `None` if a text has none.
    fn tuple(&self, mut text: impl FnMut(&str) -> Option<Text>) -> Option<Tuple> {
        let Utm { source, medium, campaign, term, content, .. } = self.utm;
        Some(Tuple {
            source: number(source, &mut text)?,
            medium: number(medium, &mut text)?,
            campaign: number(campaign, &mut text)?,
            term: number(term, &mut text)?,
            content: number(content, &mut text)?,
            channel: text(self.channel)?,
            rules_version: text(self.rules_version)?,
            key: self.key(),
            derived: self.derived,
            internal: self.internal,
        })
    }

    /// Returns the number of the tuple. Adds to the dictionary what is new.
    pub fn add_to(&self, dictionary: &mut Dictionary) -> TupleNumber {
        let tuple = self.tuple(|text| Some(dictionary.texts.add(text)));
        dictionary.add_tuple(tuple.unwrap_or_else(|| unreachable!("every text has a number now")))
    }
}

/// Returns the page, with the texts' numbers by `text`; `None` if a text has none. Of the referrer only the host is kept:
/// `example.org/a` → `example.org`.
fn page(landing_path: &str, referrer: Option<&str>, mut text: impl FnMut(&str) -> Option<Text>) -> Option<Page> {
    let host = referrer.and_then(|referrer| referrer.split('/').next());
    Some(Page { landing_path: text(landing_path)?, referrer: number(&host, text)? })
}

/// Returns the number of a page. Adds to the dictionary what is new.
pub(super) fn add_page(landing_path: &str, referrer: Option<&str>, dictionary: &mut Dictionary) -> PageNumber {
    let page = page(landing_path, referrer, |text| Some(dictionary.texts.add(text)));
    dictionary.add_page(page.unwrap_or_else(|| unreachable!("every text has a number now")))
}

/// Returns the number of a text that may be missing; `None` if the text has no number.
fn number(value: &Option<impl AsRef<str>>, mut text: impl FnMut(&str) -> Option<Text>) -> Option<Option<Text>> {
    match value {
        Some(value) => text(value.as_ref()).map(Some),
        None => Some(None),
    }
}

/// A conversion or refund, as far as reports and paths need it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct ConversionRow {
    pub id: ConversionId,
    pub user_id: UserId,
    pub kind: String,
    pub occurred_at: Timestamp,
    pub value: Minor,
    pub currency: Option<String>,
    pub refund_of: Option<ConversionId>,
    /// Of the refunded conversion.
    pub refunded_at: Option<Timestamp>,
    pub refunded_value: Option<Minor>,
    /// For a refund, the refunded conversion's value less all earlier refunds; 0 for a conversion.
    #[sqlx(skip)]
    pub before: Minor,
}

impl ConversionRow {
    /// Returns the end of the path: for a conversion its own time, for a refund the time of the refunded conversion.
    pub fn credited_at(&self) -> Timestamp {
        self.refunded_at.unwrap_or(self.occurred_at)
    }

    /// Returns the conversion as columns hold it, if the dictionary has its texts.
    pub(super) fn find_in(&self, dictionary: &Dictionary) -> Option<Conversion> {
        self.numbered(|text| dictionary.texts.find(text))
    }

    /// Returns the conversion as columns hold it. Adds its texts to the dictionary.
    pub(super) fn add_to(&self, dictionary: &mut Dictionary) -> Conversion {
        let numbered = self.numbered(|text| Some(dictionary.texts.add(text)));
        numbered.unwrap_or_else(|| unreachable!("every text has a number now"))
    }

    fn numbered(&self, mut text: impl FnMut(&str) -> Option<Text>) -> Option<Conversion> {
        Some(Conversion {
            occurred_at: self.occurred_at,
            credited_at: self.credited_at(),
            value: self.value,
            before: self.before,
            kind: text(&self.kind)?,
            currency: number(&self.currency, text)?,
            is_refund: self.refund_of.is_some(),
        })
    }
}
