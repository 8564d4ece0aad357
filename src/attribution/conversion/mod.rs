//! Conversions: the sign-up of a user, and what the application or a webhook reports about a user.
//!
//! What always holds:
//! - A conversion counts once, even if several replicas get the report: the pair of source and external id is unique. A second
//!   report with another value is refused.
//! - A refund is a negative conversion of the same user, kind and currency, and the refunds of a conversion never exceed it.
//! - A user's conversions change under the lock on the user's row, which erasure takes too.
//! - An erased user's conversions keep no external id, only a digest by which a repeated report is recognised.

mod currency;
mod draft;
/// Amounts as Stripe counts them.
mod stripe;
#[cfg(test)]
mod tests;

use std::fmt::Write;

use sha2::{Digest, Sha256};

pub use super::model::Minor;

pub use self::currency::Currency;
pub use self::draft::{Draft, FieldMistake, Kind, MAX_VALUE, Name, NewConversion};
pub(crate) use self::draft::{OWN_SOURCE, SIGN_UP};
pub use self::stripe::StripeAmountError;

use self::draft::{ERASED, Refunded, Subject};
use crate::{
    db::{Conn, Error, sql},
    id::{ConversionId, UserId},
    timestamp::Timestamp,
    user_lock::lock_user,
};

/// What recording a report did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    New(ConversionId),
    /// The conversion had been reported before. Nothing changed.
    Already(ConversionId),
}

impl Recorded {
    pub fn id(self) -> ConversionId {
        match self {
            Self::New(id) | Self::Already(id) => id,
        }
    }
}

/// Why a conversion was not recorded.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RecordError {
    /// The report is well formed but does not fit what is stored.
    #[error("the conversion was refused: {}", .0.iter().map(|mistake| mistake.field).collect::<Vec<_>>().join(", "))]
    Refused(Vec<FieldMistake>),
    /// The conversion `id` has the same source and external id, but differs in a field.
    #[error("the conversion was reported before with another {field}")]
    Conflict { field: &'static str, id: ConversionId },
    #[error(transparent)]
    Db(#[from] Error),
}

/// Records a conversion in the caller's transaction. The conversion counts only if the transaction commits. A report that was
/// seen before changes nothing, and a refused report leaves the transaction usable.
///
/// ```no_run
/// # use uuid::Uuid;
/// use waymark::{
///     attribution::conversion::{Draft, Minor, NewConversion, record_conversion},
///     db::{Db, sql},
///     id::UserId,
///     user_lock::lock_active,
/// };
///
/// # async fn pay(db: &Db, user: UserId, order: Uuid) -> Result<(), Box<dyn std::error::Error>> {
/// let now = db.now();
/// let purchase = NewConversion::parse(
///     Draft {
///         user: Some(user),
///         kind: Some("purchase"),
///         value: Minor(49_00),
///         currency: Some("EUR"),
///         source: "checkout",
///         external_id: &order.to_string(),
///         ..Draft::default()
///     },
///     now,
/// )
/// .map_err(|mistakes| format!("{mistakes:?}"))?;
/// db.transaction(move |conn| {
///     Box::pin(async move {
///         // An erasure of the user locks the same row first. So the two never wait for each other.
///         if !lock_active(conn, user).await? {
///             return Ok(None); // the user was erased
///         }
///         let pay = sql("update orders set paid = true where id = $1 and paid = false").bind(order);
///         match pay.execute(conn).await? {
///             0 => Ok(None), // paid before
///             _ => record_conversion(conn, &purchase, now).await.map(Some),
///         }
///     })
/// })
/// .await?;
/// # Ok(())
/// # }
/// ```
pub async fn record_conversion(
    conn: &mut Conn,
    conversion: &NewConversion,
    now: Timestamp,
) -> Result<Recorded, RecordError> {
    let NewConversion { occurred_at, source, external_id, .. } = conversion;
    let (source, external_id) = (source.as_str(), external_id.as_str());
    let row = CompleteReport::of(conn, conversion).await?;
    // A conversion and its refunds belong to one user, so locking the user serializes them.
    let owner = row.first.as_ref().map_or(row.user, |first| first.user_id);
    let Some(owner) = lock_user(conn, owner).await? else {
        return Err(RecordError::Refused(vec![FieldMistake::new("user", "There is no such user.")]));
    };
    if let Some(stored) = find(conn, source, external_id).await? {
        return stored.compare(&row);
    }
    match &row.first {
        Some(first) => row.may_refund(conn, first).await?,
        None if owner.erased_at.is_some() => {
            return Err(RecordError::Refused(vec![FieldMistake::new("user", "There is no such user any more.")]));
        }
        None => {}
    }
    let id = ConversionId::new();
    let added = sql("insert into conversions (id, user_id, kind, value, currency, occurred_at, recorded_at, source,
            external_id, refund_of, sample)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        on conflict (source, external_id) do nothing")
    .bind(id)
    .bind(row.user)
    .bind(row.kind.as_str())
    .bind(row.value.0)
    .bind(row.currency.as_deref())
    .bind(*occurred_at)
    .bind(now)
    .bind(source)
    .bind(match owner.erased_at {
        // A report after the erasure must not bring back an external id.
        Some(_) => erased_id(source, external_id),
        None => external_id.to_owned(),
    })
    .bind(row.refund_of())
    .bind(owner.sample)
    .execute(conn)
    .await?;
    match added {
        // The same report for another user was recorded at the same moment.
        0 => find(conn, source, external_id).await?.ok_or(Error::from(sqlx::Error::RowNotFound))?.compare(&row),
        _ => Ok(Recorded::New(id)),
    }
}

/// Records the sign-up of a user, in the transaction that adds the user's row. Code that adds users must call this function. A
/// second call changes nothing. The conversion's id is the user's: [`ConversionId::of_sign_up`].
pub async fn sign_up_conversion(conn: &mut Conn, user: UserId, at: Timestamp) -> Result<(), Error> {
    sql("insert into conversions (id, user_id, kind, occurred_at, recorded_at, source, external_id, sample)
        select id, id, $2, $3, $3, $4, $5, sample from users where id = $1
        on conflict do nothing")
    .bind(user)
    .bind(SIGN_UP)
    .bind(at)
    .bind(OWN_SOURCE)
    .bind(sign_up_id(user))
    .execute(conn)
    .await
    .map(|_| ())
}

/// Returns the external id of a user's sign-up.
pub(crate) fn sign_up_id(user: UserId) -> String {
    format!("{SIGN_UP}:{}", user.as_uuid().simple())
}

/// Returns what replaces an erased external id: a digest, by which a repeated report is recognized.
pub fn erased_id(source: &str, external_id: &str) -> String {
    let digest = Sha256::new().chain_update(source).chain_update([0]).chain_update(external_id).finalize();
    let mut id = ERASED.to_owned();
    for byte in digest {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

/// Returns the user of an erased conversion. A repeated report names the user by an e-mail address, which was erased too.
pub async fn erased_owner(conn: &mut Conn, source: &str, external_id: &str) -> Result<Option<UserId>, Error> {
    // PostgreSQL takes no text with a NUL, and the source was not checked.
    if source.contains('\0') {
        return Ok(None);
    }
    let owner: Option<(UserId,)> = sql("select user_id from conversions where source = $1 and external_id = $2")
        .bind(source)
        .bind(erased_id(source, external_id))
        .fetch_optional(conn)
        .await?;
    Ok(owner.map(|(user,)| user))
}

/// A conversion as it is stored.
#[derive(Clone, Debug, sqlx::FromRow)]
struct StoredConversion {
    id: ConversionId,
    user_id: UserId,
    kind: String,
    value: Minor,
    currency: Option<String>,
    refund_of: Option<ConversionId>,
}

/// The columns of [`StoredConversion`].
const STORED: &str = "id, user_id, kind, value, currency, refund_of";

/// Finds a conversion by its source and external id, also if the external id was erased.
async fn find(conn: &mut Conn, source: &str, external_id: &str) -> Result<Option<StoredConversion>, Error> {
    sql(format!("select {STORED} from conversions where source = $1 and external_id in ($2, $3)"))
        .bind(source)
        .bind(external_id)
        .bind(erased_id(source, external_id))
        .fetch_optional(conn)
        .await
}

impl StoredConversion {
    /// Returns [`Recorded::Already`] for a report that was seen before. Errors: the report differs.
    fn compare(&self, row: &CompleteReport) -> Result<Recorded, RecordError> {
        let differs = [
            ("user", self.user_id != row.user),
            ("kind", self.kind != row.kind),
            ("value", self.value != row.value),
            ("currency", self.currency != row.currency),
            ("refunds", self.refund_of != row.refund_of()),
        ];
        match differs.into_iter().find(|(_, differs)| *differs) {
            Some((field, _)) => Err(RecordError::Conflict { field, id: self.id }),
            None => Ok(Recorded::Already(self.id)),
        }
    }
}

/// A report, completed: a refund takes user, kind and currency from the refunded conversion.
#[derive(Clone, Debug)]
struct CompleteReport {
    user: UserId,
    kind: String,
    value: Minor,
    currency: Option<String>,
    /// The conversion that a refund takes back.
    first: Option<StoredConversion>,
}

impl CompleteReport {
    async fn of(conn: &mut Conn, conversion: &NewConversion) -> Result<Self, RecordError> {
        let NewConversion { subject, value, currency, source, .. } = conversion;
        let currency = currency.map(|currency| currency.as_str().to_owned());
        let (of, user, kind) = match subject {
            Subject::First { user, kind } => {
                return Ok(Self { user: *user, kind: kind.as_str().to_owned(), value: *value, currency, first: None });
            }
            Subject::Refund { of, user, kind } => (of, user, kind),
        };
        let first = match of {
            Refunded::ExternalId(name) => find(conn, source.as_str(), name.as_str()).await?,
            Refunded::Id(id) => {
                sql(format!("select {STORED} from conversions where id = $1")).bind(*id).fetch_optional(conn).await?
            }
        };
        let Some(first) = first else {
            let why = "There is no conversion of this name to refund. Report it first.";
            return Err(RecordError::Refused(vec![FieldMistake::new("refunds", why)]));
        };
        Ok(Self {
            user: user.unwrap_or(first.user_id),
            kind: kind.as_ref().map_or_else(|| first.kind.clone(), |kind| kind.as_str().to_owned()),
            value: *value,
            currency: currency.or_else(|| first.currency.clone()),
            first: Some(first),
        })
    }

    fn refund_of(&self) -> Option<ConversionId> {
        self.first.as_ref().map(|first| first.id)
    }

    /// Checks a refund against the refunded conversion. The lock on the user must be held.
    async fn may_refund(&self, conn: &mut Conn, first: &StoredConversion) -> Result<(), RecordError> {
        let mut mistakes = Vec::new();
        let mut wrong = |field, why: String| mistakes.push(FieldMistake::new(field, why));
        if first.value <= Minor::ZERO {
            let why = match first.refund_of {
                Some(_) => "That is a refund itself, and cannot be refunded.",
                None => "That has no value that could be refunded.",
            };
            return Err(RecordError::Refused(vec![FieldMistake::new("refunds", why)]));
        }
        if self.user != first.user_id {
            wrong("user", "What is refunded is another user's.".to_owned());
        }
        if self.kind != first.kind {
            wrong("kind", format!("What is refunded is of the kind {}.", first.kind));
        }
        let currency = first.currency.as_deref().unwrap_or_default();
        if self.currency != first.currency {
            wrong("currency", format!("What is refunded is in {currency}."));
        }
        let refunded: Minor =
            sql("select cast(coalesce(sum(value), 0) as bigint) from conversions where refund_of = $1")
                .bind(first.id)
                .fetch_scalar(conn)
                .await?;
        let left = first.value + refunded;
        if left + self.value < Minor::ZERO {
            wrong(
                "value",
                format!("Of {} {currency} in minor units, {} can still be refunded.", first.value.0, left.0),
            );
        }
        if mistakes.is_empty() { Ok(()) } else { Err(RecordError::Refused(mistakes)) }
    }
}
