//! Touches and conversions as read from the database.

use super::{
    chunk::{Conversion, NewTouch},
    dictionary::{Dictionary, Tuple, TupleNumber},
    texts::Texts,
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
    pub link: Link,
    pub hits: i64,
    pub landing_path: String,
    pub referrer: Option<String>,
}

impl TouchRow {
    /// Returns the touch as columns hold it. Adds to the dictionary what is new.
    pub(super) fn numbered(&self, dictionary: &mut Dictionary) -> NewTouch {
        NewTouch {
            visitor: self.visitor_id.as_uuid(),
            at: self.occurred_at,
            tuple: self.link.numbered(dictionary),
            page: dictionary.add_page(&self.landing_path, self.referrer.as_deref()),
            repeats: repeats(self.hits),
        }
    }
}

/// Returns how often a touch was seen again.
pub(super) fn repeats(hits: i64) -> u32 {
    u32::try_from(hits - 1).unwrap_or_default()
}

/// What a link said, and what was made of it, in texts: see [`Tuple`].
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Link {
    #[sqlx(flatten)]
    pub utm: Utm,
    pub channel: String,
    pub rules_version: String,
    pub derived: bool,
    pub internal: bool,
    /// May be missing, unless the touch's texts were erased.
    pub fingerprint: Option<i64>,
}

impl Link {
    /// Returns what tells two steps of a path apart. Erasure removed values, so two different erased touches may now look equal.
    /// Their fingerprints were kept apart for this purpose, and are the key.
    pub fn key(&self) -> u64 {
        let erased = self.fingerprint.filter(|fingerprint| ERASED_RANGE.contains(fingerprint));
        erased.map_or_else(|| step_key(&self.utm), i64::cast_unsigned)
    }

    /// Returns the number of the tuple. Adds to the dictionary what is new.
    pub fn numbered(&self, dictionary: &mut Dictionary) -> TupleNumber {
        let Utm { source, medium, campaign, term, content, .. } = &self.utm;
        let texts = &mut dictionary.texts;
        let mut text = |value: &Option<String>| value.as_deref().map(|value| texts.add(value));
        let tuple = Tuple {
            source: text(source),
            medium: text(medium),
            campaign: text(campaign),
            term: text(term),
            content: text(content),
            channel: texts.add(&self.channel),
            rules_version: texts.add(&self.rules_version),
            key: self.key(),
            derived: self.derived,
            internal: self.internal,
        };
        dictionary.add_tuple(tuple)
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

    /// Returns the conversion as columns hold it. Adds texts that are new.
    pub(super) fn numbered(&self, texts: &mut Texts) -> Conversion {
        Conversion {
            occurred_at: self.occurred_at,
            credited_at: self.credited_at(),
            value: self.value,
            before: self.before,
            kind: texts.add(&self.kind),
            currency: self.currency.as_deref().map(|currency| texts.add(currency)),
            is_refund: self.refund_of.is_some(),
        }
    }
}
