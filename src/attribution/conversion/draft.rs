//! A conversion as it is reported ([`Draft`]), and as it is accepted ([`NewConversion`]).

use std::time::Duration;

use super::currency::Currency;
use crate::{
    attribution::{model::Minor, signal::clean},
    id::{ConversionId, UserId},
    timestamp::Timestamp,
};

/// The most that one conversion may be worth: ten thousand million euros. Nine million such values add up without overflowing.
pub const MAX_VALUE: Minor = Minor(1_000_000_000_000);
/// How far a reporter's clock may be ahead of the database's.
const AHEAD: Duration = Duration::from_mins(5);
/// 2000-01-01T00:00:00Z. An earlier time is a mistake, or in seconds instead of milliseconds.
const EARLIEST: Timestamp = Timestamp::from_millis(946_684_800_000);
/// The longest kind, in characters.
const KIND_CHARS: usize = 64;
/// The longest source and external id, in characters.
const NAME_CHARS: usize = 255;

/// The kind and the source of sign-ups, which Waymark records itself. Reports must not use them.
pub(crate) const SIGN_UP: &str = "signup";
pub(crate) const OWN_SOURCE: &str = "waymark";
/// How the external id of an erased conversion begins.
pub(super) const ERASED: &str = "erased:";

/// What is wrong with one field, in a sentence for the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldMistake {
    pub field: &'static str,
    pub message: String,
}

impl FieldMistake {
    pub fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}

/// A conversion as it is reported. [`NewConversion::parse`] checks it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Draft<'a> {
    /// The user who converted. A refund can leave the user out, and then takes the user of the refunded conversion.
    pub user: Option<UserId>,
    /// What happened: `purchase`, `demo`. A refund can leave the kind out, too.
    pub kind: Option<&'a str>,
    /// Negative for a refund; 0 if no money was paid.
    pub value: Minor,
    /// An ISO 4217 code, required with a value. A refund can leave the currency out, too.
    pub currency: Option<&'a str>,
    /// `None` means now.
    pub occurred_at: Option<Timestamp>,
    /// The system that reports the conversion: `shop`.
    pub source: &'a str,
    /// The name that the source gives the conversion. A second report with the same name is the same conversion.
    pub external_id: &'a str,
    /// For a refund: the external id of the refunded conversion, which has the same source.
    pub refunds: Option<&'a str>,
    /// For a refund: the id of the refunded conversion, of any source.
    pub refund_of: Option<ConversionId>,
}

/// A conversion whose every part is well formed. Recording checks whether the user exists, and whether a refund is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConversion {
    pub(super) subject: Subject,
    /// Negative exactly for refunds. Its size is at most [`MAX_VALUE`].
    pub(super) value: Minor,
    /// Always there if the value is positive.
    pub(super) currency: Option<Currency>,
    pub(super) occurred_at: Timestamp,
    pub(super) source: Name,
    pub(super) external_id: Name,
}

/// What a conversion is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    First {
        user: UserId,
        kind: Kind,
    },
    /// User and kind, if given, must be those of the refunded conversion.
    Refund {
        of: Refunded,
        user: Option<UserId>,
        kind: Option<Kind>,
    },
}

/// How a refund names the refunded conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refunded {
    Id(ConversionId),
    ExternalId(Name),
}

impl NewConversion {
    /// Checks a report. Errors: all mistakes together, at most one for each field.
    pub fn parse(draft: Draft<'_>, now: Timestamp) -> Result<Self, Vec<FieldMistake>> {
        let mut mistakes = Mistakes::default();
        let of = mistakes.take("refunds", draft.refunded()).flatten();
        let user = mistakes.take("user", draft.user()).flatten();
        let kind = mistakes.take("kind", draft.kind()).flatten();
        let value = mistakes.take("value", draft.value());
        let currency = mistakes.take("currency", draft.currency()).flatten();
        let occurred_at = mistakes.take("occurred_at", draft.occurred_at(now));
        let source = mistakes.take("source", Name::of_source(draft.source));
        let external_id = mistakes.take("external_id", Name::parse(draft.external_id));
        let subject = match of {
            Some(of) => Some(Subject::Refund { of, user, kind }),
            None => user.zip(kind).map(|(user, kind)| Subject::First { user, kind }),
        };
        match (subject, value, occurred_at, source, external_id) {
            (Some(subject), Some(value), Some(occurred_at), Some(source), Some(external_id))
                if mistakes.0.is_empty() =>
            {
                Ok(Self { subject, value, currency, occurred_at, source, external_id })
            }
            _ => Err(mistakes.0),
        }
    }
}

/// Collects the mistakes of a report.
#[derive(Debug, Default)]
struct Mistakes(Vec<FieldMistake>);

impl Mistakes {
    /// Returns the value of a field. If the value is wrong, notes why and returns `None`.
    fn take<T>(&mut self, field: &'static str, parsed: Result<T, &str>) -> Option<T> {
        parsed.map_err(|why| self.0.push(FieldMistake::new(field, why))).ok()
    }
}

/// The rules of each field. Errors are sentences for the sender of the report.
impl Draft<'_> {
    fn is_refund(&self) -> bool {
        self.refunds.is_some() || self.refund_of.is_some()
    }

    fn refunded(&self) -> Result<Option<Refunded>, &'static str> {
        match (self.refunds, self.refund_of) {
            (Some(_), Some(_)) => Err("Name what is refunded once, by its external id or by its id."),
            (Some(name), None) => Name::parse(name).map(|name| Some(Refunded::ExternalId(name))),
            (None, id) => Ok(id.map(Refunded::Id)),
        }
    }

    fn user(&self) -> Result<Option<UserId>, &'static str> {
        match self.user {
            None if !self.is_refund() => Err("Say whose conversion it is."),
            user => Ok(user),
        }
    }

    fn kind(&self) -> Result<Option<Kind>, &'static str> {
        match self.kind {
            None if !self.is_refund() => Err("Say what happened, in one word: purchase."),
            kind => kind.map(Kind::parse).transpose(),
        }
    }

    fn value(&self) -> Result<Minor, &'static str> {
        match self.value {
            value if !(-MAX_VALUE..=MAX_VALUE).contains(&value) => {
                Err("That is too much for one conversion: at most 1000000000000 minor units.")
            }
            value if value < Minor::ZERO && !self.is_refund() => {
                Err("A negative value is a refund, and a refund names what it takes back, in refunds.")
            }
            value if value >= Minor::ZERO && self.is_refund() => {
                Err("A refund's value is negative: what is taken back, in minor units.")
            }
            value => Ok(value),
        }
    }

    fn currency(&self) -> Result<Option<Currency>, &'static str> {
        match (self.currency, self.currency.and_then(Currency::parse)) {
            (Some(_), None) => Err("This is no currency of ISO 4217: it should look like EUR."),
            (None, _) if self.value != Minor::ZERO && !self.is_refund() => {
                Err("A value needs its currency: three letters of ISO 4217, like EUR.")
            }
            (_, currency) => Ok(currency),
        }
    }

    fn occurred_at(&self, now: Timestamp) -> Result<Timestamp, &'static str> {
        match self.occurred_at.unwrap_or(now) {
            at if at > now + AHEAD => Err("This lies in the future."),
            at if at < EARLIEST => Err("This lies before the year 2000."),
            at => Ok(at),
        }
    }
}

/// What happened: 1 to 64 lower-case letters, digits, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind(String);

impl Kind {
    /// Reads a kind, in any case.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let kind = text.to_ascii_lowercase();
        let fine = (1..=KIND_CHARS).contains(&kind.len())
            && kind.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        match fine {
            true if kind == SIGN_UP => Err("A sign-up is recorded by itself, when the account is created."),
            true => Ok(Self(kind)),
            false => Err("Write 1 to 64 letters (a to z), digits, _ and -, like purchase."),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name that a reporter gives: of itself (the source) or of a conversion (the external id). A name has 1 to 255 characters,
/// none of them hidden, and no white space around them. The characters stay as they were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("This is missing.");
        }
        if text.chars().count() > NAME_CHARS {
            return Err("This is too long: at most 255 characters.");
        }
        // Names are not cleaned: two different names must not become equal.
        if text.chars().any(clean::is_hidden) {
            return Err("This holds control or invisible characters.");
        }
        if text.trim() != text {
            return Err("This begins or ends with white space.");
        }
        if text.starts_with(ERASED) {
            return Err("Names that begin with erased: are not for use.");
        }
        Ok(Self(text.to_owned()))
    }

    /// Reads the name of a source. Refuses Waymark's own name, in any case.
    pub fn of_source(text: &str) -> Result<Self, &'static str> {
        match text.eq_ignore_ascii_case(OWN_SOURCE) {
            true => Err("The name waymark is not for use: it is this site's own."),
            false => Self::parse(text),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests;
