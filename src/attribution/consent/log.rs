use tracing::error;

use super::{MAX_AGE, WORDING};
use crate::{
    db::{Conn, Db, Error, sql},
    id::{UserId, VisitorId},
    timestamp::Timestamp,
};

/// The most decisions of a visitor that are kept: the first one and the latest ones.
const MOST: i64 = 20;

/// Stores what a visitor decided, unless the visitor's last stored decision was the same. Nothing is stored for a visitor without
/// a row. A failure is only logged, because the browser's cookie keeps the decision.
///
/// A visitor can change the decision any number of times. So the log keeps at most [`MOST`] decisions of a visitor.
///
/// `at` can come from the browser, so a time outside the last [`MAX_AGE`] is moved to the nearest end.
pub async fn note(db: &Db, visitor: VisitorId, granted: bool, at: Timestamp) {
    let now = db.now();
    let at = at.clamp(now - MAX_AGE, now);
    let noted = db.transaction(move |conn| {
        Box::pin(async move {
            sql("insert into consents (visitor_id, decided_at, granted, wording)
                select id, $2, $3, $4 from visitors where id = $1 and $3 is distinct from (
                    select granted from consents where visitor_id = $1 order by decided_at desc limit 1)
                on conflict (visitor_id, decided_at) do nothing")
            .bind(visitor)
            .bind(at)
            .bind(granted)
            .bind(WORDING)
            .execute(conn)
            .await?;
            sql("delete from consents where visitor_id = $1
                and decided_at > (select min(decided_at) from consents where visitor_id = $1)
                and decided_at < (select decided_at from consents where visitor_id = $1
                    order by decided_at desc limit 1 offset $2)")
            .bind(visitor)
            .bind(MOST - 2)
            .execute(conn)
            .await
        })
    });
    if let Err(error) = noted.await {
        error!(%error, "a decision about consent could not be noted");
    }
}

/// Removes a visitor with all touches, unless the visitor is linked to a user. Returns `false` for a linked visitor.
pub async fn forget(db: &Db, visitor: VisitorId) -> Result<bool, Error> {
    db.transaction(move |conn| Box::pin(forget_unlinked(conn, visitor))).await
}

async fn forget_unlinked(conn: &mut Conn, visitor: VisitorId) -> Result<bool, Error> {
    let lock = format!("select user_id from visitors where id = $1{}", conn.for_update());
    let owner: Option<(Option<UserId>,)> = sql(lock).bind(visitor).fetch_optional(conn).await?;
    if let Some((Some(_),)) = owner {
        return Ok(false);
    }
    sql("delete from touches where visitor_id = $1").bind(visitor).execute(conn).await?;
    sql("delete from visitors where id = $1").bind(visitor).execute(conn).await?;
    Ok(true)
}
