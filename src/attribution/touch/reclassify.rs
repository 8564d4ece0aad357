//! Reads stored touches again by the present rules, after a change of the rules or of the lists of sources.
//!
//! A run goes through all touches in the order of their ids, batch by batch. A server can work at the same time, because a run
//! holds the writer only for the rows of a batch that change. If a run is interrupted, the next run changes the remaining
//! touches. Touches that a server adds meanwhile have the channel of the server's rules, so restart servers with the new rules
//! first.
//!
//! A touch of older rules gets what the same request would store today: its source and medium, whether they are derived, and its
//! channel ([`reread`]). A touch of the present rules gets the channel of the owner's rules. No touch is deleted: the summary says
//! how many touches would not be stored today, and for how many the stored fields do not tell.
//!
//! Touches of an erased user stay as they are. Erasure removes click ids and shortens referrers, so the rules might choose
//! another channel, and totals must not change.

use std::collections::BTreeMap;

use self::reread::{Reading, Reason, Reread, StoredTouch, reread};
use super::{store::REPEAT_WINDOW, utm_assignments, utm_values};
use crate::{
    attribution::{settings::Settings, signal::Utm},
    db::{Conn, Db, Error, sql},
    id::TouchId,
};

/// What a stored touch says by the present rules.
mod reread;

/// How many touches are read at a time, and changed in one transaction.
const BATCH: i64 = 400;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub looked_at: u64,
    /// How many touches got another channel.
    pub changed: u64,
    /// How many touches went from a channel to another: `(old, new)` → number.
    pub moves: BTreeMap<(String, String), u64>,
    /// How many touches got another source, medium or other field.
    pub reread: u64,
    /// How many touches would not be stored today, by reason. They are kept.
    pub kept: BTreeMap<Reason, u64>,
    /// For how many touches the stored fields do not tell what the same request would store today, by reason.
    pub unsure: BTreeMap<Reason, u64>,
}

/// Returns whether the owner's own rules chose the channel of any stored touch.
pub async fn custom_rules_were_used(db: &Db) -> Result<bool, Error> {
    let mut conn = db.read().await?;
    let found: Option<(i32,)> =
        sql("select 1 from touches where rules_version like '%+%' limit 1").fetch_optional(&mut conn).await?;
    Ok(found.is_some())
}

/// Reclassifies all touches by the rules of these settings. After each batch, calls `progress` with the number of touches so far
/// and the number of all touches.
pub async fn reclassify(db: &Db, settings: &Settings, progress: impl Fn(u64, u64)) -> Result<Summary, Error> {
    let mut summary = Summary::default();
    let total: i64 = sql("select count(*) from touches t join visitors v on v.id = t.visitor_id
        left join users u on u.id = v.user_id where u.erased_at is null")
    .fetch_scalar(&mut db.read().await?)
    .await?;
    let total = u64::try_from(total).unwrap_or_default();
    let mut last = TouchId::NIL;
    loop {
        let rows = after(db, last).await?;
        let Some(end) = rows.last() else {
            return Ok(summary);
        };
        last = end.id;
        summary.looked_at += rows.len() as u64;
        let batch = Batch::of(rows, settings, &mut summary);
        let repeats = batch.write(db, settings.rules.version().to_owned()).await?;
        if repeats > 0 {
            *summary.unsure.entry(reread::REPEAT).or_default() += repeats;
        }
        // A server may have added touches since they were counted.
        progress(summary.looked_at, total.max(summary.looked_at));
    }
}

/// Reads the next batch.
async fn after(db: &Db, last: TouchId) -> Result<Vec<StoredTouch>, Error> {
    sql(format!(
        "select t.id, t.visitor_id, t.occurred_at, {}, t.referrer, t.landing_path, t.click_ids, t.tags, t.derived, t.internal,
            t.origin, t.fingerprint, t.channel, t.rules_version
        from touches t join visitors v on v.id = t.visitor_id left join users u on u.id = v.user_id
        where t.id > $1 and u.erased_at is null order by t.id limit $2",
        Utm::COLUMN_LIST
    ))
    .bind(last)
    .bind(BATCH)
    .fetch_all(&mut db.read().await?)
    .await
}

/// The touches of a batch that change.
#[derive(Debug, Default)]
struct Batch {
    /// Touches whose channel or version alone changes, by the new channel: one statement for each.
    channels: BTreeMap<String, Vec<TouchId>>,
    /// Touches with the fields that they get.
    fields: Vec<(StoredTouch, Reading)>,
}

impl Batch {
    /// Decides what changes, and adds it to the summary.
    fn of(rows: Vec<StoredTouch>, settings: &Settings, summary: &mut Summary) -> Self {
        let mut batch = Self::default();
        for row in rows {
            let Reread { reading, kept, unsure } = reread(&row, settings);
            if let Some(reason) = kept {
                *summary.kept.entry(reason).or_default() += 1;
            }
            if let Some(reason) = unsure {
                *summary.unsure.entry(reason).or_default() += 1;
            }
            if reading.channel != row.reading.channel {
                summary.changed += 1;
                let moved = (row.reading.channel.clone(), reading.channel.clone());
                *summary.moves.entry(moved).or_default() += 1;
            }
            if reading.differs_beyond_channel(&row.reading) {
                summary.reread += 1;
                batch.fields.push((row, reading));
            } else if reading.channel != row.reading.channel || row.rules_version != settings.rules.version() {
                batch.channels.entry(reading.channel).or_default().push(row.id);
            }
        }
        batch
    }

    /// Writes the batch. Returns how many of its touches are repeats of another touch now.
    async fn write(self, db: &Db, version: String) -> Result<u64, Error> {
        if self.channels.is_empty() && self.fields.is_empty() {
            return Ok(0);
        }
        db.transaction(move |conn| {
            Box::pin(async move {
                for (channel, ids) in self.channels {
                    write_channel(conn, channel, ids, &version).await?;
                }
                let mut repeats = 0;
                for (row, reading) in self.fields {
                    repeats += u64::from(is_repeat(conn, &row, &reading).await?);
                    write_fields(conn, &row, reading, &version).await?;
                }
                Ok(repeats)
            })
        })
        .await
    }
}

async fn write_channel(conn: &mut Conn, channel: String, ids: Vec<TouchId>, version: &str) -> Result<(), Error> {
    let places: Vec<_> = (3..3 + ids.len()).map(|place| format!("${place}")).collect();
    let places = places.join(", ");
    sql(format!("update touches set channel = $1, rules_version = $2 where id in ({places})"))
        .bind(channel)
        .bind(version)
        .bind_all(ids.into_iter().map(Into::into))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Writes the fields of a touch, unless a server or an erasure changed the touch since it was read.
async fn write_fields(conn: &mut Conn, row: &StoredTouch, reading: Reading, version: &str) -> Result<(), Error> {
    sql(format!(
        "update touches set channel = $3, click_ids = $4, tags = $5, derived = $6, internal = $7, fingerprint = $8, origin = $9,
            rules_version = $10, {}
        where id = $1 and fingerprint = $2",
        utm_assignments(11)
    ))
    .bind(row.id)
    .bind(row.reading.fingerprint)
    .bind_all([
        reading.channel.into(),
        reading.click_ids.into(),
        reading.tags.into(),
        reading.derived.into(),
        reading.internal.into(),
        reading.fingerprint.into(),
        reading.origin.as_str().into(),
        version.into(),
    ])
    .bind_all(utm_values(&reading.utm))
    .execute(conn)
    .await
    .map(|_| ())
}

/// Returns whether the visitor has an equal touch shortly before, so that the arrival would only add a hit today.
async fn is_repeat(conn: &mut Conn, row: &StoredTouch, reading: &Reading) -> Result<bool, Error> {
    let found: Option<(i32,)> = sql("select 1 from touches where visitor_id = $1 and fingerprint = $2 and id <> $3
        and occurred_at > $4 and occurred_at <= $5 limit 1")
    .bind(row.visitor_id)
    .bind(reading.fingerprint)
    .bind(row.id)
    .bind(row.occurred_at - REPEAT_WINDOW)
    .bind(row.occurred_at)
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

#[cfg(test)]
mod tests;
