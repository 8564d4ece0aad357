use std::collections::HashSet;

use super::{options::Demo, people::People, remove::remove, rows::RowBatch, summary::DemoSummary};
use crate::{
    db::{Db, Error, sql},
    timestamp::Timestamp,
};

/// About how many rows are written in one transaction.
const BATCH: usize = 3000;

/// Why no sample data was added. The texts are for people at a terminal.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DemoError {
    /// The database has members or touches that are not samples.
    #[error(
        "The database holds real data ({users} members, {touches} touches), and sample data would mix with it. \
         To have both: waymark demo --mix"
    )]
    RealData { users: u64, touches: u64 },
    /// The database has sample data already, or another process is adding it.
    #[error("The database holds sample data already. To replace it: waymark demo --replace")]
    AlreadyFilled,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] Error),
}

impl DemoError {
    /// Tells why rows were not added.
    pub(super) fn of_insert(error: Error) -> Self {
        match error.constraint() {
            // Another process adds the same rows at the same time: a button was pressed twice.
            Some(name) if name.ends_with("_key") || name.ends_with("_pkey") => Self::AlreadyFilled,
            _ => error.into(),
        }
    }
}

/// Adds sample data that ends now. `progress` is called with the number of visitors stored and their total.
///
/// After an error, the rows that were stored stay, marked as samples. [`remove`] and [`Demo::replace`] remove them.
pub async fn fill(db: &Db, demo: &Demo, progress: impl FnMut(u64, u64)) -> Result<DemoSummary, DemoError> {
    fill_until(db, demo, db.now(), progress).await
}

pub(super) async fn fill_until(
    db: &Db,
    demo: &Demo,
    now: Timestamp,
    mut progress: impl FnMut(u64, u64),
) -> Result<DemoSummary, DemoError> {
    make_room(db, demo.mix, demo.replace).await?;
    let people = People::new(demo, now, taken_addresses(db).await?);
    let total = demo.visitors();
    let mut summary = DemoSummary::default();
    let mut batch = RowBatch::default();
    for (before, person) in (0..).zip(people) {
        if batch.len() >= BATCH {
            store(db, &mut batch).await?;
            progress(before, total);
        }
        batch.add(person, now, &mut summary);
    }
    store(db, &mut batch).await?;
    progress(total, total);
    Ok(summary)
}

async fn store(db: &Db, batch: &mut RowBatch) -> Result<(), DemoError> {
    db.insert(batch.take()).await.map_err(DemoError::of_insert)
}

/// Refuses a database with real data unless `mix` is set, and one with sample data unless `replace` is set. Removes the sample
/// data that is to be replaced.
pub(super) async fn make_room(db: &Db, mix: bool, replace: bool) -> Result<(), DemoError> {
    let existing = ExistingData::count(db).await?;
    if !mix && (existing.members > 0 || existing.touches > 0) {
        return Err(DemoError::RealData { users: existing.members, touches: existing.touches });
    }
    if existing.samples > 0 {
        if !replace {
            return Err(DemoError::AlreadyFilled);
        }
        remove(db).await?;
    }
    Ok(())
}

/// How many rows the database has already.
#[derive(Clone, Copy, Debug)]
struct ExistingData {
    /// Members who are not samples. Admins do not count: adding sample data in the browser takes an admin.
    members: u64,
    /// Touches that are not samples. Visitors do not count: an admin's browser has a visitor without touches.
    touches: u64,
    /// Users and visitors who are samples.
    samples: u64,
}

impl ExistingData {
    async fn count(db: &Db) -> Result<Self, Error> {
        // Counting the touches of a large sample takes seconds.
        let mut conn = db.read_in_background().await?;
        let (members, touches, samples): (i64, i64, i64) = sql("select
                (select count(*) from users where role = 'member' and not sample),
                (select count(*) from touches t join visitors v on v.id = t.visitor_id where not v.sample),
                (select count(*) from users where sample) + (select count(*) from visitors where sample)")
        .fetch_one(&mut conn)
        .await?;
        Ok(Self { members: members as u64, touches: touches as u64, samples: samples as u64 })
    }
}

/// Returns the addresses that sample users cannot have, because accounts have them.
pub(super) async fn taken_addresses(db: &Db) -> Result<HashSet<String>, Error> {
    let mut conn = db.read_in_background().await?;
    let taken: Vec<(String,)> =
        sql("select email_lower from users where email_lower like '%@example.%'").fetch_all(&mut conn).await?;
    Ok(taken.into_iter().map(|(email,)| email).collect())
}
