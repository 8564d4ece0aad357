//! Loads the sessions of many requests with one query, each with its user.

use std::collections::HashMap;

use futures::future::BoxFuture;
use time::OffsetDateTime;
use tower_sessions::session::Id;

use crate::{
    auth::user::{JOINED_COLUMNS, JoinedUser, User},
    db::{Conn, Db, Error, Groups, Value, padded, sql, values_list},
};

/// Loads sessions in groups.
pub(super) type Loads = Groups<Id, Option<Found>>;

/// What the database has of a session.
#[derive(Clone)]
pub(super) struct Found {
    pub data: Vec<u8>,
    /// The user who is signed in with the session.
    pub user: Option<User>,
}

/// With two groups at a time, a slow answer does not keep all others waiting.
const GROUPS: usize = 2;

pub(super) fn loads() -> Loads {
    Groups::new(GROUPS, find)
}

#[derive(sqlx::FromRow)]
struct Row {
    session: String,
    data: Vec<u8>,
    #[sqlx(flatten)]
    user: JoinedUser,
}

/// Finds the sessions with these stored ids that have not expired.
fn find<'w>(db: &'w Db, kept: &'w mut Option<Conn>, ids: Vec<Id>) -> BoxFuture<'w, Result<Vec<Option<Found>>, Error>> {
    // The group's task must not wait for an answer that never comes.
    Box::pin(db.with_deadline(find_all(db, kept, ids)))
}

/// The pool pings each connection that it gets back, so the connection is kept while others wait.
async fn find_all(db: &Db, kept: &mut Option<Conn>, ids: Vec<Id>) -> Result<Vec<Option<Found>>, Error> {
    let names: Vec<String> = ids.iter().map(Id::to_string).collect();
    let wanted = padded(names.iter().map(|name| Value::from(&**name)).collect());
    let now = OffsetDateTime::now_utc() + db.clock_offset();
    let text = format!(
        "select tower_sessions.id as session, data, {JOINED_COLUMNS}
        from tower_sessions left join users on users.id = tower_sessions.user_id
        where tower_sessions.id in {} and expiry_date > {}",
        values_list(db.dialect(), 1, wanted.len()),
        db.dialect().placeholder(wanted.len() + 1),
    );
    let query = sql(text).bind_all(wanted).bind(now);
    let mut conn = match kept.take() {
        Some(conn) => conn,
        None => db.read().await?,
    };
    let rows: Vec<Row> = query.fetch_all(&mut conn).await?;
    *kept = Some(conn);
    let found: HashMap<String, Found> =
        rows.into_iter().map(|Row { session, data, user }| (session, Found { data, user: user.user() })).collect();
    // Several requests of one browser may have asked for the same session.
    Ok(names.iter().map(|name| found.get(name).cloned()).collect())
}
