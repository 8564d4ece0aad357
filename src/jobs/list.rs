//! The queue as admins see it, newest first, a page at a time.
//!
//! A row shows what `waymark jobs list` shows. It has no payload, which may hold an address. It has the last error, which never
//! names a secret or an address.

use crate::{
    db::{
        Conn, Error, Value,
        page::{Page, Position},
        sql,
    },
    id::JobId,
    timestamp::Timestamp,
    word_enum::word_enum,
};

word_enum! {
    /// How a job stands.
    pub enum JobState {
        /// A worker runs the job once it is due.
        Waiting = "waiting",
        /// A worker runs the job.
        Running = "running",
        /// The job was given up.
        Dead = "dead",
        Done = "done",
    }
}

/// A job as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ListedJob {
    pub id: JobId,
    pub kind: String,
    state: String,
    pub tries: i64,
    pub created_at: Timestamp,
    /// When the next try may begin; while the job runs, when another worker may take it.
    pub due_at: Timestamp,
    /// When the job was done or given up.
    pub ended_at: Option<Timestamp>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

impl ListedJob {
    pub fn state(&self) -> JobState {
        JobState::from_word(&self.state).unwrap_or(JobState::Waiting)
    }
}

/// The queue with the state of each job at the time `$1`.
const QUEUE: &str = "from (
    select id, kind, tries, created_at, due_at, ended_at, last_error,
        case when state = 'waiting' and started_at is not null and due_at > $1 then 'running' else state end as state
    from queued_jobs) j";

/// Reads a page of the list.
pub async fn jobs(
    conn: &mut Conn,
    state: Option<JobState>,
    position: Position<JobId>,
    limit: u32,
    now: Timestamp,
) -> Result<Page<ListedJob, JobId>, Error> {
    let columns = "select id, kind, state, tries, created_at, due_at, ended_at, last_error ";
    let (mut text, mut values) = ([columns, QUEUE, " where true"].concat(), vec![Value::from(now)]);
    let mut add = |condition: &str, value: Value| {
        values.push(value);
        text += &[" ", condition, " $", &values.len().to_string()].concat();
    };
    if let Some(state) = state {
        add("and state =", state.as_str().into());
    }
    let (compare, order) = position.comparison();
    if let Some(id) = position.key() {
        add(&["and id ", compare].concat(), id.into());
    }
    add(&["order by id ", order, " limit"].concat(), (limit + 1).into());
    let rows: Vec<ListedJob> = sql(text).bind_all(values).fetch_all(conn).await?;
    Ok(Page::new(rows, position, limit, |job| job.id))
}

/// How many jobs have each state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobCounts(Vec<(String, i64)>);

impl JobCounts {
    pub async fn read(conn: &mut Conn, now: Timestamp) -> Result<Self, Error> {
        let text = ["select state, count(*) ", QUEUE, " group by state"].concat();
        Ok(Self(sql(text).bind(now).fetch_all(conn).await?))
    }

    pub fn of(&self, state: JobState) -> i64 {
        self.0.iter().find(|(word, _)| word == state.as_str()).map_or(0, |(_, count)| *count)
    }
}

/// Gives a dead job further tries. Returns its kind, or `None` if there is no such dead job.
pub async fn retry(conn: &mut Conn, id: JobId, now: Timestamp) -> Result<Option<String>, Error> {
    let retried: Option<(String,)> =
        sql("update queued_jobs set state = 'waiting', tries = 0, due_at = $2, ended_at = null
            where id = $1 and state = 'dead' returning kind")
        .bind(id)
        .bind(now)
        .fetch_optional(conn)
        .await?;
    Ok(retried.map(|(kind,)| kind))
}
