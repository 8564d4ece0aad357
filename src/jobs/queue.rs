use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    db::{Conn, Db, Error, Value, placeholders, sql},
    id::{JobId, UserId},
    timestamp::{DAY, Timestamp},
};

/// How often a job is tried before it is dead. With the waits of [`wait_after`], the last try is about six hours after the first.
pub const TRIES: i64 = 12;
/// How long the row of a job stays after the job is done. Limits by e-mail address count rows, so the time is longer than theirs.
pub const KEEP_DONE: Duration = Duration::from_hours(7 * 24);
/// How long a dead job stays.
pub const KEEP_DEAD: Duration = Duration::from_hours(30 * 24);

/// The longest error that a row keeps, in bytes.
const ERROR_BYTES: usize = 300;

/// A kind of work. The value is what the work has to know.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// The name of the kind in the table. Rows with the name wait while a new release starts, so the name never changes.
    const KIND: &'static str;
}

/// A job that is about to be added.
#[derive(Clone, Debug)]
#[must_use = "a job runs only once it is written"]
pub struct NewJob {
    kind: &'static str,
    payload: String,
    user: Option<UserId>,
    subject: Option<Vec<u8>>,
}

impl NewJob {
    /// Errors: the job cannot be written as JSON.
    pub fn new<J: Job>(job: &J) -> Result<Self, Error> {
        let payload = serde_json::to_string(job).map_err(|error| sqlx::Error::Encode(error.into()))?;
        Ok(Self { kind: J::KIND, payload, user: None, subject: None })
    }

    /// Names the user that the job is about.
    pub fn of_user(self, user: UserId) -> Self {
        Self { user: Some(user), ..self }
    }

    /// Names the digest of the e-mail address that the job is about.
    pub fn about(self, subject: Vec<u8>) -> Self {
        Self { subject: Some(subject), ..self }
    }

    /// Adds the job, in the transaction that causes it.
    pub async fn write(self, conn: &mut Conn, now: Timestamp) -> Result<JobId, Error> {
        let id = JobId::new();
        sql("insert into queued_jobs (id, kind, payload, user_id, subject, created_at, due_at)
            values ($1, $2, $3, $4, $5, $6, $6)")
        .bind(id)
        .bind(self.kind)
        .bind(self.payload)
        .bind(self.user)
        .bind(self.subject)
        .bind(now)
        .execute(conn)
        .await?;
        Ok(id)
    }
}

/// Returns how many jobs of a kind about an address were added since a moment.
pub async fn count_about<J: Job>(conn: &mut Conn, subject: Vec<u8>, since: Timestamp) -> Result<i64, Error> {
    sql("select count(*) from queued_jobs where subject = $1 and kind = $2 and created_at > $3")
        .bind(subject)
        .bind(J::KIND)
        .bind(since)
        .fetch_scalar(conn)
        .await
}

/// Removes all jobs about a user or about an address of the user.
pub async fn forget(conn: &mut Conn, user: UserId, subject: Vec<u8>) -> Result<(), Error> {
    sql("delete from queued_jobs where user_id = $1 or subject = $2")
        .bind(user)
        .bind(subject)
        .execute(conn)
        .await
        .map(|_| ())
}

/// A job that a worker has taken.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Taken {
    pub id: JobId,
    pub kind: String,
    pub payload: String,
    pub tries: i64,
    pub created_at: Timestamp,
}

/// Takes due jobs of these kinds, `most` of them at most. No other worker gets them before `lease` is over.
///
/// An older release does not know the kinds of a newer one, and leaves their jobs to it.
pub(super) async fn take(db: &Db, kinds: &[&'static str], most: u32, lease: Duration) -> Result<Vec<Taken>, Error> {
    let now = db.now();
    // A look without a transaction, because most of the time there is nothing to do.
    let due: i64 = sql("select count(*) from queued_jobs where state = 'waiting' and due_at <= $1")
        .bind(now)
        .fetch_scalar(&mut db.read_in_background().await?)
        .await?;
    if due == 0 || kinds.is_empty() {
        return Ok(Vec::new());
    }
    let kinds: Vec<Value> = kinds.iter().map(|kind| Value::from(*kind)).collect();
    db.transaction(move |conn| {
        Box::pin(async move {
            let skip = conn.for_update_of_free_rows();
            let kinds_in = placeholders(4, kinds.len());
            sql(format!(
                "update queued_jobs set tries = tries + 1, due_at = $2, started_at = $1 where id in (
                    select id from queued_jobs where state = 'waiting' and due_at <= $1 and kind in ({kinds_in})
                    order by due_at limit $3{skip})
                returning id, kind, payload, tries, created_at"
            ))
            .bind(now)
            .bind(now + lease)
            .bind(most)
            .bind_all(kinds)
            .fetch_all(conn)
            .await
        })
    })
    .await
}

/// How a try of a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Done,
    /// The job waits for its next try.
    Again(String),
    /// The job is given up.
    Dead(String),
}

/// Notes how a try ended. Changes nothing if the worker lost its lease meanwhile and another worker took the job.
pub(super) async fn settle(db: &Db, job: &Taken, ending: Ending) -> Result<(), Error> {
    let (id, tries, now) = (job.id, job.tries, db.now());
    let statement = match ending {
        // What the job had to know may be personal, and is of no more use.
        Ending::Done => sql(
            "update queued_jobs set state = 'done', ended_at = $3, started_at = null, payload = '', last_error = null
            where id = $1 and tries = $2 and state = 'waiting'",
        )
        .bind(id)
        .bind(tries)
        .bind(now),
        Ending::Again(error) => sql("update queued_jobs set due_at = $3, started_at = null, last_error = $4
            where id = $1 and tries = $2 and state = 'waiting'")
        .bind(id)
        .bind(tries)
        .bind(now + wait_after(tries))
        .bind(shortened(error)),
        Ending::Dead(error) => {
            sql("update queued_jobs set state = 'dead', ended_at = $3, started_at = null, last_error = $4
            where id = $1 and tries = $2 and state = 'waiting'")
            .bind(id)
            .bind(tries)
            .bind(now)
            .bind(shortened(error))
        }
    };
    db.execute(statement).await.map(|_| ())
}

/// Returns the pause after a failed try: 10 s after the first, then three times as long each time, and an hour at most.
pub fn wait_after(tries: i64) -> Duration {
    let factor = u32::try_from(tries - 1).ok().and_then(|tries| 3_u64.checked_pow(tries)).unwrap_or(u64::MAX);
    Duration::from_secs(factor.saturating_mul(10)).min(Duration::from_hours(1))
}

fn shortened(mut error: String) -> String {
    error.truncate(error.floor_char_boundary(ERROR_BYTES));
    // PostgreSQL refuses text with a NUL.
    error.replace('\0', "")
}

/// Removes the rows of jobs that were done or given up long ago.
pub async fn delete_old(db: &Db) -> Result<u64, Error> {
    let now = db.now();
    db.delete_in_batches(
        sql("delete from queued_jobs where id in (
            select id from queued_jobs where ended_at < $1 and (state = 'done' or ended_at < $2) order by ended_at limit $3)")
        .bind(now - KEEP_DONE)
        .bind(now - KEEP_DEAD),
    )
    .await
}

/// What waits, and what was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    pub waiting: i64,
    /// When the oldest job that is due was due.
    pub late_since: Option<Timestamp>,
    pub dead: Vec<DeadJob>,
}

/// A job that was given up.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct DeadJob {
    pub id: JobId,
    pub kind: String,
    pub tries: i64,
    pub ended_at: Timestamp,
    pub last_error: String,
}

/// Returns what waits, and the latest jobs that were given up.
pub async fn backlog(conn: &mut Conn, now: Timestamp) -> Result<Backlog, Error> {
    let (waiting, late_since): (i64, Option<Timestamp>) =
        sql("select count(*), min(case when due_at <= $1 then due_at end)
        from queued_jobs where state = 'waiting'")
        .bind(now)
        .fetch_one(conn)
        .await?;
    let dead = sql("select id, kind, tries, ended_at, coalesce(last_error, '') as last_error from queued_jobs
        where state = 'dead' order by ended_at desc, id desc limit 100")
    .fetch_all(conn)
    .await?;
    Ok(Backlog { waiting, late_since, dead })
}

/// Gives all dead jobs further tries. Returns how many there were.
pub async fn retry_dead(db: &Db) -> Result<u64, Error> {
    let now = db.now();
    db.execute(
        sql("update queued_jobs set state = 'waiting', tries = 0, due_at = $1, ended_at = null
            where state = 'dead' and created_at > $2")
        .bind(now)
        .bind(now - KEEP_DEAD - DAY),
    )
    .await
}
