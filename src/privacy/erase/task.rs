use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{key::ErasureKey, shared_values::SharedValues};
use crate::{
    db::{Conn, Db, Error, sql},
    id::{TouchId, UserId},
    privacy::email_in_text::EmailMatcher,
    timestamp::Timestamp,
};

/// What the job still needs to finish an erasure: the column `erasures.task`, as JSON. The task holds no text of the person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Task {
    pub key: ErasureKey,
    /// Recognizes the e-mail address. `None` if an earlier erasure of the user has removed the address.
    pub email: Option<EmailMatcher>,
    /// Up to which touch the job has looked for the address and for shared values. `None` before the job has begun.
    pub looked_to: Option<TouchId>,
    /// What the job has found so far.
    pub shared: SharedValues,
}

impl Task {
    pub fn new(email: Option<EmailMatcher>) -> Self {
        Self { key: ErasureKey::new(), email, looked_to: None, shared: SharedValues::default() }
    }

    /// Returns the text for the database.
    pub fn to_json(&self) -> String {
        // A task has no map with keys that are not text, the only reason for an error.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// An erasure whose job is not done.
#[derive(Clone, Debug)]
pub(super) struct WaitingErasure {
    pub id: Uuid,
    pub user: UserId,
    pub requested_at: Timestamp,
    pub task: Task,
}

impl WaitingErasure {
    /// Reads the erasures that wait, the oldest first.
    pub async fn all(db: &Db, most: u32) -> Result<Vec<Self>, Error> {
        let rows: Vec<(Uuid, UserId, Timestamp, String)> = sql("select id, user_id, requested_at, task from erasures
            where task is not null and files_cleaned_at is null order by requested_at, id limit $1")
        .bind(most)
        .fetch_all(&mut db.read_in_background().await?)
        .await?;
        let read = rows.into_iter().map(|(id, user, requested_at, task)| {
            // A task that cannot be read was changed by hand. Without the address, only the user's own rows can be cleaned.
            let task = serde_json::from_str(&task).unwrap_or_else(|error| {
                tracing::error!(%error, erasure = %id, "the task of an erasure cannot be read");
                Task::new(None)
            });
            Self { id, user, requested_at, task }
        });
        Ok(read.collect())
    }

    /// Stores how far the job is.
    pub async fn save(&self, conn: &mut Conn) -> Result<(), Error> {
        sql("update erasures set task = $2 where id = $1 and task is not null")
            .bind(self.id)
            .bind(self.task.to_json())
            .execute(conn)
            .await
            .map(|_| ())
    }
}
