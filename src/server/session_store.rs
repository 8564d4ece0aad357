//! Sessions in the application's database: the stores of tower-sessions-sqlx-store, inside a thin one that mends what they
//! cannot promise (tower-sessions 0.14, tower-sessions-sqlx-store 0.15).
//!
//! What always holds:
//! - Ids are stored as digests: a copy of the table opens no session.
//! - A session that was removed stays removed: saving changes rows and never makes one. Only `create` does, and always under
//!   a new id.
//! - Requests that change different keys of one session at once all keep their change: `save` writes the difference from what
//!   the request had loaded, not the whole record.
//! - A database that does not answer makes a request anonymous, not an error page; a row that cannot be read is no session.
//! - Nothing here runs a transaction on a request's own future.

use std::collections::HashMap;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tower_sessions::{
    SessionStore,
    cookie::time::Duration,
    session::{Id, Record},
    session_store::{Error, Result},
};
use tower_sessions_sqlx_store::{PostgresStore, SqliteStore};

use crate::{
    attribution::touch::visitor::UNREADABLE,
    db::{self, Conn, Db, Insert, Table, sql},
    id::UserId,
};

/// Where a loaded record keeps what it was loaded as. Never stored.
const LOADED: &str = "\u{0}loaded";
/// Where axum-login keeps who is signed in.
const AUTH: &str = "axum-login.data";
/// How long requests in flight can still use an anonymous session after a sign-in has replaced it.
const REPLACED: Duration = Duration::seconds(60);

/// How long a page waits for its session.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

static SESSIONS: Table = Table { name: "tower_sessions", columns: &["id", "data", "expiry_date", "user_id"] };

type Data = HashMap<String, Value>;

/// The session store.
#[derive(Clone, Debug)]
pub struct Sessions {
    db: Db,
}

impl Sessions {
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// Removes sessions that have expired.
    pub async fn delete_expired(&self) -> std::result::Result<u64, db::Error> {
        self.db
            .transaction(|conn| {
                Box::pin(async move {
                    sql("delete from tower_sessions where expiry_date < $1")
                        .bind(OffsetDateTime::now_utc())
                        .execute(conn)
                        .await
                })
            })
            .await
    }

    async fn find(&self, stored: &Id) -> Result<Option<Record>> {
        match self.db.pools().map_err(backend)? {
            db::Pools::Sqlite { read, .. } => SqliteStore::new(read.clone()).load(stored).await,
            db::Pools::Postgres(pool) => {
                // the crate's default is a schema of its own; ours are the names in the migrations
                let store = PostgresStore::new(pool.clone()).with_schema_name("public");
                let store = store.and_then(|store| store.with_table_name(SESSIONS.name)).map_err(Error::Backend)?;
                store.load(stored).await
            }
        }
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        // A record may carry the id of a session that was just removed: a new row always has a new id. 128 random bits need
        // no look whether they are taken; the primary key would refuse them.
        record.id = Id::default();
        record.data.remove(LOADED);
        let stored = Record { id: digest(&record.id), ..record.clone() };
        let row = vec![
            stored.id.to_string().into(),
            encode(&stored)?.into(),
            stored.expiry_date.into(),
            signed_in(&stored.data).into(),
        ];
        self.db.insert(vec![Insert { table: &SESSIONS, values: row }]).await.map_err(backend)?;
        remember(&mut record.data);
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let changes = Changes::of(&record.data);
        if changes.is_none() || record.data.contains_key(UNREADABLE) {
            return Ok(());
        }
        let (id, expiry) = (digest(&record.id), record.expiry_date);
        let saved = self
            .db
            .transaction(move |conn| {
                Box::pin(async move {
                    let Some(mut stored) = lock(conn, &id).await? else {
                        // removed meanwhile, by a sign-out: nothing may bring it back
                        return Ok(());
                    };
                    changes.apply(&mut stored.data);
                    stored.expiry_date = expiry;
                    let data = encode(&stored).map_err(|error| sqlx::Error::Encode(error.into()))?;
                    // one that a sign-in has replaced keeps the little time it has
                    sql("update tower_sessions set data = $2, user_id = $4,
                            expiry_date = case when expiry_date <= $5 then expiry_date else $3 end
                        where id = $1")
                    .bind(id.to_string())
                    .bind(data)
                    .bind(expiry)
                    .bind(signed_in(&stored.data))
                    .bind(OffsetDateTime::now_utc() + REPLACED)
                    .execute(conn)
                    .await
                    .map(|_| ())
                })
            })
            .await;
        // The session layer saves once the page is made, and would answer an error with an empty page.
        if let Err(error) = saved {
            metrics::counter!("waymark_session_saves_failed_total").increment(1);
            tracing::error!(%error, "a session could not be saved");
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        match tokio::time::timeout(PATIENCE, self.find(&digest(id))).await.unwrap_or_else(|_| Err(no_answer())) {
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
                // Not "none": its cookie would be replaced, and who is signed in would be signed out.
                Ok(Some(Record {
                    id: *id,
                    data: Data::from([(UNREADABLE.to_owned(), Value::Bool(true))]),
                    expiry_date: OffsetDateTime::now_utc() + REPLACED,
                }))
            }
        }
    }

    /// Removes a session. An anonymous one, which only a sign-in replaces, lasts a moment longer under its old id: a landing
    /// that is in flight meanwhile still finds its visitor, who is the user's by then, instead of beginning a session whose
    /// cookie would undo the sign-in.
    async fn delete(&self, id: &Id) -> Result<()> {
        let id = digest(id);
        self.db
            .transaction(move |conn| {
                Box::pin(async move {
                    let anonymous = lock(conn, &id).await?.is_some_and(|record| signed_in(&record.data).is_none());
                    let query = if anonymous {
                        sql("update tower_sessions set expiry_date = $2 where id = $1 and expiry_date > $2")
                            .bind(id.to_string())
                            .bind(OffsetDateTime::now_utc() + REPLACED)
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

/// The stored session, held against others who would change it. One that cannot be decoded is none.
async fn lock(conn: &mut Conn, id: &Id) -> std::result::Result<Option<Record>, db::Error> {
    let text = format!("select data from tower_sessions where id = $1{}", conn.for_update());
    let row: Option<(Vec<u8>,)> = sql(text).bind(id.to_string()).fetch_optional(conn).await?;
    Ok(row.and_then(|(data,)| rmp_serde::from_slice(&data).ok()))
}

/// What a request changed in its session.
struct Changes {
    set: Data,
    removed: Vec<String>,
}

impl Changes {
    fn of(data: &Data) -> Self {
        let nothing = Map::new();
        let before = data.get(LOADED).and_then(Value::as_object).unwrap_or(&nothing);
        let set = data.iter().filter(|(key, value)| *key != LOADED && before.get(*key) != Some(*value));
        let removed = before.keys().filter(|key| !data.contains_key(*key));
        Self {
            set: set.map(|(key, value)| (key.clone(), value.clone())).collect(),
            removed: removed.cloned().collect(),
        }
    }

    fn is_none(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty()
    }

    fn apply(self, data: &mut Data) {
        for key in self.removed {
            data.remove(&key);
        }
        data.extend(self.set);
    }
}

/// Keeps what a record holds now as what it was loaded as.
fn remember(data: &mut Data) {
    data.remove(LOADED);
    let now: Map<String, Value> = data.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    data.insert(LOADED.to_owned(), Value::Object(now));
}

/// Who is signed in, if anyone.
fn signed_in(data: &Data) -> Option<UserId> {
    data.get(AUTH)?.get("user_id")?.as_str()?.parse().ok()
}

/// Whether axum-login can read its entry. It would answer one that it cannot with an empty 500, on every page.
fn is_understood(data: &Data) -> bool {
    #[derive(Deserialize)]
    struct Entry {
        #[serde(rename = "user_id")]
        _user: Option<UserId>,
        #[serde(rename = "auth_hash")]
        _hash: Option<Vec<u8>>,
    }
    data.get(AUTH).is_none_or(|entry| Entry::deserialize(entry).is_ok())
}

/// What is stored in place of an id.
fn digest(id: &Id) -> Id {
    let digest = Sha256::digest(id.0.to_le_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    Id(i128::from_le_bytes(half))
}

/// As the crate's stores encode, so that they can read it.
fn encode(record: &Record) -> Result<Vec<u8>> {
    rmp_serde::to_vec(record).map_err(|error| Error::Encode(error.to_string()))
}

fn no_answer() -> Error {
    Error::Backend("no answer in time".into())
}

fn backend(error: db::Error) -> Error {
    Error::Backend(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::each_database;

    fn record(pairs: &[(&str, i64)]) -> Record {
        Record {
            id: Id::default(),
            data: pairs.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect(),
            expiry_date: OffsetDateTime::now_utc() + Duration::hours(1),
        }
    }

    async fn loaded(store: &Sessions, id: &Id) -> Option<Record> {
        store.load(id).await.expect("the store answers")
    }

    #[tokio::test]
    async fn changes_of_different_keys_at_once_are_all_kept() {
        each_database(async |db| {
            let store = Sessions::new(db);
            let mut first = record(&[("kept", 0), ("removed", 0)]);
            store.create(&mut first).await.expect("created");
            let base = loaded(&store, &first.id).await.expect("a session");
            let saves = (0..100).map(|n| {
                let (store, mut mine) = (store.clone(), base.clone());
                mine.data.insert(format!("key{n}"), Value::from(n));
                mine.data.remove("removed");
                async move { store.save(&mine).await }
            });
            for saved in futures::future::join_all(saves).await {
                saved.expect("saved");
            }
            let end = loaded(&store, &first.id).await.expect("a session");
            assert_eq!(end.data.len(), 1 + 100 + 1, "kept, a hundred keys, and what it was loaded as");
            assert!(end.data.contains_key("kept"));
        })
        .await;
    }

    #[tokio::test]
    async fn a_removed_session_is_not_brought_back() {
        each_database(async |db| {
            let store = Sessions::new(db);
            let mut session = record(&[]);
            session.data.insert(AUTH.into(), serde_json::json!({ "user_id": null }));
            store.create(&mut session).await.expect("created");
            let in_flight = loaded(&store, &session.id).await.expect("a session");
            sql_delete(&store).await;
            let mut late = in_flight.clone();
            late.data.insert("late".into(), Value::from(1));
            store.save(&late).await.expect("answered");
            assert_eq!(loaded(&store, &session.id).await, None);
        })
        .await;
    }

    async fn sql_delete(store: &Sessions) {
        let delete = store.db.transaction(|conn| Box::pin(sql("delete from tower_sessions").execute(conn)));
        delete.await.expect("deleted");
    }

    #[tokio::test]
    async fn ids_are_stored_as_digests_and_a_new_row_has_a_new_id() {
        each_database(async |db| {
            let store = Sessions::new(db.clone());
            let mut session = record(&[("a", 1)]);
            let asked = session.id;
            store.create(&mut session).await.expect("created");
            assert_ne!(session.id, asked);
            let mut conn = db.read().await.expect("a connection");
            let (id, data): (String, Vec<u8>) =
                sql("select id, data from tower_sessions").fetch_one(&mut conn).await.expect("a row");
            assert_ne!(id, session.id.to_string());
            let inside: Record = rmp_serde::from_slice(&data).expect("a record");
            assert_eq!(inside.id.to_string(), id, "not in the data either");
            assert!(!inside.data.contains_key(LOADED));
            assert_eq!(loaded(&store, &id.parse().expect("an id")).await, None, "a stored id opens nothing");
        })
        .await;
    }

    #[tokio::test]
    async fn an_undecodable_row_is_no_session() {
        each_database(async |db| {
            let store = Sessions::new(db.clone());
            let mut session = record(&[("a", 1)]);
            store.create(&mut session).await.expect("created");
            db.transaction(|conn| {
                Box::pin(sql("update tower_sessions set data = $1").bind(&b"\xc1garbage"[..]).execute(conn))
            })
            .await
            .expect("updated");
            assert_eq!(loaded(&store, &session.id).await, None);
        })
        .await;
    }
}
