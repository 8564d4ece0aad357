//! The sessions of a user, as the user and admins see them: the browser in a few words, and when the session was last used.
//!
//! A session notes a request once a day at most ([`session_lifetime`](super::session_lifetime)), so that reading pages does not
//! write. So the last use is known to the day.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_sessions::{
    Session,
    session::{Error as SessionError, Record},
};
use uuid::Uuid;

use super::session_lifetime::running;
use crate::{
    audit::Entry,
    db::{Conn, Db, Error, sql},
    id::UserId,
    secret_token::is_base64url,
    timestamp::Timestamp,
};

const KEY: &str = "waymark.browser";

/// What a session holds about its browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Browser {
    /// Tells the session apart from the user's others. The id opens nothing.
    id: Uuid,
    words: String,
}

/// A session of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnSession {
    /// The digest under which the session is stored. The digest opens nothing.
    pub key: String,
    /// `Firefox on Linux`.
    pub browser: String,
    pub since: Timestamp,
    /// The last noted request.
    pub seen: Timestamp,
    /// Whether this session asks.
    pub current: bool,
}

/// Notes with which browser a user signs in.
pub(super) async fn note_browser(session: &Session, words: &str) -> Result<(), SessionError> {
    session.insert(KEY, Browser { id: Uuid::new_v4(), words: words.to_owned() }).await
}

/// Returns the sessions of a user, the last used first. `asking` is the session that asks, if the user asks.
pub async fn sessions_of(
    conn: &mut Conn,
    user: UserId,
    asking: Option<&Session>,
    now: Timestamp,
) -> Result<Vec<OwnSession>, Error> {
    let asking = match asking {
        Some(session) => session.get::<Browser>(KEY).await.ok().flatten().map(|browser| browser.id),
        None => None,
    };
    let rows: Vec<(String, Vec<u8>)> =
        sql("select id, data from tower_sessions where user_id = $1").bind(user).fetch_all(conn).await?;
    let read = |(key, data): (String, Vec<u8>)| {
        let record: Record = rmp_serde::from_slice(&data).ok()?;
        let (since, seen) = running(&record.data, now)?;
        let browser = record.data.get(KEY).and_then(|browser| Browser::deserialize(browser).ok());
        let current = asking.is_some() && browser.as_ref().map(|browser| browser.id) == asking;
        let browser = browser.map_or_else(|| "A browser".to_owned(), |browser| browser.words);
        Some(OwnSession { key, browser, since, seen, current })
    };
    let mut sessions: Vec<OwnSession> = rows.into_iter().filter_map(read).collect();
    sessions.sort_by_key(|session| std::cmp::Reverse((session.current, session.seen, session.since)));
    Ok(sessions)
}

/// Returns the browser of a stored session in a few words.
pub fn browser_of(data: &HashMap<String, Value>) -> Option<String> {
    Browser::deserialize(data.get(KEY)?).ok().map(|browser| browser.words)
}

/// Ends sessions of a user by their keys. Returns how many there were. Keys of other users' sessions change nothing.
pub async fn end_some(db: &Db, user: UserId, keys: Vec<String>, entry: Entry) -> Result<u64, Error> {
    let now = db.now();
    db.transaction(move |conn| {
        Box::pin(async move {
            let mut ended = 0;
            for key in keys.into_iter().filter(|key| is_base64url(key)) {
                let delete = sql("delete from tower_sessions where id = $1 and user_id = $2");
                ended += delete.bind(key).bind(user).execute(conn).await?;
            }
            if ended > 0 {
                let detail = if ended == 1 { "1 session".to_owned() } else { format!("{ended} sessions") };
                entry.detail(detail).write(conn, now).await?;
            }
            Ok(ended)
        })
    })
    .await
}
