//! Sessions in the application's database: the stores of tower-sessions-sqlx-store 0.15, inside a thin store that adds what these
//! stores and tower-sessions 0.14 do not promise.
//!
//! What always holds:
//! - Ids are stored as digests: a copy of the table opens no session.
//! - A session that was removed stays removed: `save` changes rows and never adds a row. Only `create` adds a row, always under a
//!   new id. (The crates' `save` makes a row where there is none, so a request in flight would undo a sign-out.)
//! - Requests that change different keys of one session at once all keep their change: `save` writes the difference from what
//!   the request had loaded. (The crates' `save` writes the whole record, and the last one wins.)
//! - If the database does not respond, a request is served as anonymous, and a row that cannot be read counts as no session.
//!   (The session layer would respond with an empty 500.)
//! - No transaction runs on a request's own future. (PostgresStore's `create` does: a client that leaves would leave the
//!   transaction open.)
//!
//! Upstream: maxcountryman/tower-sessions#260 (open) keeps a session whose id is being replaced until the new one is stored; no
//! issue is known for the others. Delete when the crates promise all of the above.

mod changes;
mod loads;
mod record;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use serde_json::Value;
use time::OffsetDateTime;
use tower_sessions::{
    SessionStore,
    cookie::time::Duration,
    session::{Id, Record},
    session_store::{Error, Result},
};
use tower_sessions_sqlx_store::{PostgresStore, SqliteStore};

use self::{
    changes::{Changes, forget, remember},
    loads::{Found, Loads, loads},
    record::{Data, decode, digest, encode, is_understood, signed_in},
};
use crate::{
    auth::found_user,
    db::{self, Conn, Db, Insert, Patience, RequestPool, Table, sql},
    visitor::UNREADABLE,
};
pub(in crate::server) use record::SIGNED_IN;

/// How long requests in flight can still use an anonymous session after a sign-in has replaced it.
const REPLACED: Duration = Duration::seconds(60);

/// How long a request waits for its session.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

static SESSIONS: Table = Table { name: "tower_sessions", columns: &["id", "data", "expiry_date", "user_id"] };

/// The session store.
#[derive(Clone, Debug)]
pub struct Sessions {
    db: Db,
    loads: Loads,
}

impl Sessions {
    pub fn new(db: Db) -> Self {
        Self { db, loads: loads() }
    }

    /// Removes sessions that have expired. Returns how many were removed.
    pub async fn delete_expired(&self) -> std::result::Result<u64, db::Error> {
        self.db
            .delete_in_batches(
                sql("delete from tower_sessions
                    where id in (select id from tower_sessions where expiry_date < $1 limit $2)")
                .bind(self.now()),
            )
            .await
    }

    /// Returns the time by the database's clock.
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + self.db.clock_offset()
    }

    /// Finds a session, and leaves its user for the backend.
    async fn find(&self, stored: Id) -> Result<Option<Record>> {
        match self.loads.submit(&self.db, stored, PATIENCE).await {
            Ok(Some(Found { data, user })) => {
                found_user::leave(user);
                rmp_serde::from_slice(&data).map(Some).map_err(|error| Error::Decode(error.to_string()))
            }
            Ok(None) => Ok(None),
            // Another session of the group may be the reason.
            Err(error) if error.is_refusal() => self.find_alone(&stored).await,
            Err(error) => Err(backend(error)),
        }
    }

    async fn find_alone(&self, stored: &Id) -> Result<Option<Record>> {
        match self.db.request_pool().map_err(backend)? {
            RequestPool::Sqlite(pool) => SqliteStore::new(pool.clone()).load(stored).await,
            RequestPool::Postgres { pool, schema } => {
                // The crate looks in a schema of its own by default. These are the names in the migrations.
                let store = PostgresStore::new(pool.clone()).with_schema_name(schema);
                let store = store.and_then(|store| store.with_table_name(SESSIONS.name)).map_err(Error::Backend)?;
                store.load(stored).await
            }
        }
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        // A record may carry the id of a session that was just removed, so a new row always has a new id. The store does not look
        // up the 128 random bits first, because the primary key would refuse an id that is taken.
        record.id = Id::default();
        forget(&mut record.data);
        let stored = Record { id: digest(&record.id), ..record.clone() };
        let row = vec![
            stored.id.to_string().into(),
            encode(&stored)?.into(),
            (stored.expiry_date + self.db.clock_offset()).into(),
            signed_in(&stored.data).into(),
        ];
        // Without its session, a landing keeps its touch in a cookie, so a landing does not wait for long.
        self.db
            .insert_within(Patience::SHORT, vec![Insert { table: &SESSIONS, values: row }])
            .await
            .map_err(backend)?;
        remember(&mut record.data);
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let changes = Changes::of(&record.data);
        if changes.is_empty() || record.data.contains_key(UNREADABLE) {
            return Ok(());
        }
        let (id, now) = (digest(&record.id), self.now());
        let expiry = record.expiry_date + self.db.clock_offset();
        let saved = self
            .db
            .transaction(move |conn| {
                Box::pin(async move {
                    let Some(mut stored) = lock(conn, &id).await? else {
                        // A sign-out has removed the session meanwhile.
                        return Ok(());
                    };
                    changes.apply(&mut stored.data);
                    stored.expiry_date = expiry;
                    let data = encode(&stored).map_err(|error| sqlx::Error::Encode(error.into()))?;
                    // A session that a sign-in has replaced keeps its early end.
                    sql("update tower_sessions set data = $2, user_id = $4,
                            expiry_date = case when expiry_date <= $5 then expiry_date else $3 end
                        where id = $1")
                    .bind(id.to_string())
                    .bind(data)
                    .bind(expiry)
                    .bind(signed_in(&stored.data))
                    .bind(now + REPLACED)
                    .execute(conn)
                    .await
                    .map(|_| ())
                })
            })
            .await;
        // With an error, the session layer would replace the finished page by an empty response.
        if let Err(error) = saved {
            metrics::counter!("waymark_session_saves_failed_total").increment(1);
            tracing::error!(%error, "a session could not be saved");
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let found = tokio::time::timeout(PATIENCE, self.find(digest(id))).await;
        match found.unwrap_or_else(|_| Err(Error::Backend("no answer in time".into()))) {
            Ok(Some(record)) if !is_understood(&record.data) => {
                tracing::warn!("a session of another release counts as none");
                Ok(None)
            }
            Ok(Some(mut record)) => {
                record.id = *id;
                remember(&mut record.data);
                Ok(Some(record))
            }
            Ok(None) => Ok(None),
            Err(Error::Decode(error)) => {
                tracing::warn!(%error, "a session cannot be read and counts as none");
                Ok(None)
            }
            Err(error) => {
                metrics::counter!("waymark_session_loads_failed_total").increment(1);
                tracing::error!(%error, "a session could not be loaded");
                self.db.suspect();
                // With `None`, a landing would begin a new session, whose cookie would sign the user out.
                Ok(Some(Record {
                    id: *id,
                    data: Data::from([(UNREADABLE.to_owned(), Value::Bool(true))]),
                    expiry_date: OffsetDateTime::now_utc() + REPLACED,
                }))
            }
        }
    }

    /// Removes a session. An anonymous session, which only a sign-in replaces, stays a moment longer under its old id. A landing
    /// in flight then still finds its visitor, who belongs to the user by then. Otherwise the landing would begin a new
    /// session, whose cookie would undo the sign-in.
    async fn delete(&self, id: &Id) -> Result<()> {
        let (id, until) = (digest(id), self.now() + REPLACED);
        self.db
            .transaction(move |conn| {
                Box::pin(async move {
                    let anonymous = lock(conn, &id).await?.is_some_and(|record| signed_in(&record.data).is_none());
                    let query = if anonymous {
                        sql("update tower_sessions set expiry_date = $2 where id = $1 and expiry_date > $2")
                            .bind(id.to_string())
                            .bind(until)
                    } else {
                        sql("delete from tower_sessions where id = $1").bind(id.to_string())
                    };
                    query.execute(conn).await.map(|_| ())
                })
            })
            .await
            .map_err(backend)
    }
}

/// Returns the stored session, locked until the transaction ends. Returns `None` if there is no row, or if the row cannot be
/// decoded.
async fn lock(conn: &mut Conn, id: &Id) -> std::result::Result<Option<Record>, db::Error> {
    let text = format!("select data from tower_sessions where id = $1{}", conn.for_update());
    let row: Option<(Vec<u8>,)> = sql(text).bind(id.to_string()).fetch_optional(conn).await?;
    Ok(row.and_then(|(data,)| decode(&data)))
}

fn backend(error: db::Error) -> Error {
    Error::Backend(error.to_string())
}
