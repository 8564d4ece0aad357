//! When the snapshot file is read, written and removed.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{
    Facts,
    changes::{Bookmark, Position},
    load,
    snapshot::{self, Snapshot},
};
use crate::{
    db::{Db, Error, sql},
    timestamp::{DAY, Timestamp},
};

/// Fewer touches than this are read from the database in less than a second. They have no file.
const WORTH_A_FILE: usize = 100_000;
/// What retention and visitors' objections removed from the database is gone from the file after this time at the latest.
const OLDEST: Duration = DAY;
/// The request of an erasure may still be writing when the erasure is noted as done.
const SLACK: Duration = Duration::from_mins(1);

/// The snapshot file of a process; `None` if there is to be none.
#[derive(Clone, Debug)]
pub(super) struct SnapshotFile(pub Option<PathBuf>);

impl SnapshotFile {
    /// Returns the facts of the file, if they belong to this database.
    pub async fn open(&self, db: &Db) -> Option<(Facts, Position)> {
        let path = self.0.clone()?;
        let Snapshot { mut facts, position, bookmark, .. } =
            tokio::task::spawn_blocking(move || snapshot::read(&path)).await.ok()??;
        let read = async {
            let mut conn = db.read_for_report().await?;
            let known = bookmark.is_in(&mut conn).await?;
            Ok::<_, Error>((known, load::aliases(&mut conn).await?))
        };
        let (known, aliases) = read.await.ok()?;
        facts.dictionary.set_aliases(&aliases);
        known.then_some((facts, position))
    }

    /// Writes facts, if they are many. Errors are logged: without a file the next start takes longer.
    pub async fn write(&self, db: &Db, facts: Arc<Facts>, position: Position, taken_at: Timestamp) {
        let Some(path) = self.0.clone().filter(|_| facts.counts().touches >= WORTH_A_FILE) else { return };
        let written = async {
            let bookmark = Bookmark::add(db).await.map_err(std::io::Error::other)?;
            let snapshot = move || {
                let facts = Arc::unwrap_or_clone(facts);
                snapshot::write(&path, &Snapshot { facts, position, bookmark, taken_at })
            };
            tokio::task::spawn_blocking(snapshot).await.map_err(std::io::Error::other)?
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "the snapshot of the facts could not be written");
        }
    }

    /// Returns whether the file may hold what the database no longer may: it is old or of another release, or somebody was erased
    /// since.
    pub async fn is_stale(&self, db: &Db) -> Result<bool, Error> {
        let Some(path) = self.0.as_deref() else { return Ok(false) };
        // Nobody can tell how old a file of another release is.
        let Some(taken_at) = snapshot::taken_at(path) else { return Ok(path.exists()) };
        if db.now() - taken_at > OLDEST {
            return Ok(true);
        }
        let erased = sql("select 1 from erasures where rows_cleaned_at >= $1 limit 1").bind(taken_at - SLACK);
        Ok(erased.fetch_optional::<(i32,)>(&mut db.read_in_background().await?).await?.is_some())
    }

    pub fn remove(&self) {
        if let Some(path) = &self.0 {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::error!(%error, "the snapshot of the facts could not be removed");
                }
                _ => {}
            }
        }
    }
}
