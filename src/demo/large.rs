use tokio::sync::mpsc;

use super::{
    fill::{DemoError, make_room, taken_addresses},
    options::LargeDemo,
    people::People,
    rows::RowBatch,
    summary::DemoSummary,
};
use crate::{
    db::{Bulk, Db, Error, Insert},
    timestamp::Timestamp,
};

/// About how many rows are written in one transaction.
const BATCH: usize = 50_000;
/// How many batches wait to be written.
const WAITING: usize = 1;

/// How far [`fill_large`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LargeProgress {
    /// How many touches are stored.
    pub touches: u64,
    /// How many rows of all tables are stored.
    pub rows: u64,
}

/// Rows that are stored together, and what is stored with them.
struct Batch {
    rows: Vec<Insert>,
    summary: DemoSummary,
}

/// Adds sample data of any size, which ends with yesterday (UTC). The rows are made on a thread of their own while others are
/// stored, and take the same memory for any number of touches.
///
/// After an error, the rows that were stored stay, marked as samples. [`remove`](super::remove) and [`LargeDemo::replace`] remove
/// them.
pub async fn fill_large(
    db: &Db,
    demo: LargeDemo,
    progress: impl FnMut(LargeProgress),
) -> Result<DemoSummary, DemoError> {
    fill_large_until(db, demo, db.now(), progress).await
}

pub(super) async fn fill_large_until(
    db: &Db,
    demo: LargeDemo,
    now: Timestamp,
    progress: impl FnMut(LargeProgress),
) -> Result<DemoSummary, DemoError> {
    make_room(db, demo.mix, demo.replace).await?;
    let people = People::many(&demo, now, taken_addresses(db).await?);
    let (send, batches) = mpsc::channel(WAITING);
    let making = tokio::task::spawn_blocking(move || make(people, &send));
    let bulk = db.bulk()?;
    let summary = store(&bulk, batches, progress).await.map_err(DemoError::of_insert)?;
    if let Err(panic) = making.await {
        std::panic::resume_unwind(panic.into_panic());
    }
    bulk.finish(&["users", "visitors", "touches", "conversions", "referral_tokens", "referrals"]).await?;
    Ok(summary)
}

/// Makes the rows. Returns early if nobody stores them any more.
fn make(people: People, batches: &mpsc::Sender<Batch>) {
    let (end, mut summary, mut batch) = (people.end(), DemoSummary::default(), RowBatch::default());
    for person in people {
        batch.add(person, end, &mut summary);
        if batch.len() >= BATCH && batches.blocking_send(Batch { rows: batch.take(), summary }).is_err() {
            return;
        }
    }
    let _ = batches.blocking_send(Batch { rows: batch.take(), summary });
}

async fn store(
    bulk: &Bulk,
    mut batches: mpsc::Receiver<Batch>,
    mut progress: impl FnMut(LargeProgress),
) -> Result<DemoSummary, Error> {
    let (mut stored, mut rows) = (DemoSummary::default(), 0);
    while let Some(batch) = batches.recv().await {
        bulk.insert(&batch.rows).await?;
        rows += batch.rows.len() as u64;
        stored = batch.summary;
        progress(LargeProgress { touches: stored.touches, rows });
    }
    Ok(stored)
}
