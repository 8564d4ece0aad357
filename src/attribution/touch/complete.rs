//! Completing a stored touch with what was not known when the touch was stored.
//!
//! A request is stored as an arrival before its handler runs. Afterwards its handler may seed a lead source, and its page's beacon
//! may report more of the address. One arrival is one touch, so both complete the row that the request made.

use std::time::Duration;

use super::{
    Touch, TouchOrigin,
    fingerprint::ERASED_RANGE,
    rows::{REPEAT_WINDOW, Redirected, StoreOutcome, absorb, add, count_hit, enrich, linked_from, lock, same_arrival},
};
use crate::{
    attribution::signal::Utm,
    db::{Conn, Db, Error, Patience, sql},
    id::{TouchId, VisitorId},
    timestamp::{DAY, Timestamp},
};

/// How long a page's beacon may speak of the touch of the page's request. A tab may wait in the background for hours.
const PAGE_LIFE: Duration = DAY;

/// How far apart the visitors of two first tabs may begin. The requests overlap, so this is as long as a request may take.
const TOGETHER: Duration = Duration::from_secs(30);

/// Stores what a handler seeded, together with what the link of the same request said. `arrival` is how the request's own arrival
/// was stored.
///
/// The outcome is one row for the request, in every order of requests that run at the same time:
/// - If the visitor has an equal touch already, the request is a repeat of that touch.
/// - Otherwise the request's own row is completed.
/// - An earlier page may have the same link. The row is then that page's, and stays as it was before this request.
pub(super) async fn with_seeds(
    conn: &mut Conn,
    touch: Touch,
    visitor: VisitorId,
    arrival: StoreOutcome,
) -> Result<StoreOutcome, Error> {
    lock(conn, &touch, visitor).await?;
    let Some(own) = arrival.touch() else { return add(conn, touch, visitor).await };
    let is_new = matches!(arrival, StoreOutcome::New(_));
    match same_arrival(conn, &touch, visitor, touch.fingerprint).await? {
        Some(known) if known == own => Ok(StoreOutcome::Repeat(own)),
        Some(known) if is_new => {
            absorb(conn, own, known).await?;
            Ok(StoreOutcome::Repeat(known))
        }
        Some(known) => {
            take_hit_back(conn, own).await?;
            count_hit(conn, known).await
        }
        None if is_new || is_at(conn, own, &touch.landing_path).await? => enrich(conn, own, touch).await,
        None => {
            take_hit_back(conn, own).await?;
            add(conn, touch, visitor).await
        }
    }
}

/// Adds what a beacon tells to the touch of the page's own request. `seen` is the fingerprint that this touch may have.
pub(super) async fn with_beacon(
    conn: &mut Conn,
    touch: Touch,
    visitor: VisitorId,
    seen: Option<i64>,
) -> Result<StoreOutcome, Error> {
    lock(conn, &touch, visitor).await?;
    if let Some(known) = same_arrival(conn, &touch, visitor, touch.fingerprint).await? {
        return Ok(StoreOutcome::Repeat(known));
    }
    let mut known = None;
    if let Some(seen) = seen.filter(|seen| *seen != touch.fingerprint) {
        known = same_arrival(conn, &touch, visitor, seen).await?;
    }
    if known.is_none() {
        known = linked_from(conn, &touch, visitor, Redirected::No).await?;
    }
    match known {
        Some(known) => enrich(conn, known, touch).await,
        None => add(conn, touch, visitor).await,
    }
}

/// Takes back the hit that this request added to the touch of another page.
async fn take_hit_back(conn: &mut Conn, touch: TouchId) -> Result<(), Error> {
    sql("update touches set hits = hits - 1 where id = $1 and hits > 1").bind(touch).execute(conn).await.map(|_| ())
}

/// Returns whether a touch has this landing path, and no handler has completed the touch.
async fn is_at(conn: &mut Conn, touch: TouchId, path: &str) -> Result<bool, Error> {
    let found: Option<(i32,)> = sql("select 1 from touches where id = $1 and landing_path = $2 and origin <> $3")
        .bind(touch)
        .bind(path)
        .bind(TouchOrigin::Seeded.as_str())
        .fetch_optional(conn)
        .await?;
    Ok(found.is_some())
}

/// A touch that a page's beacon names, with its visitor.
#[derive(sqlx::FromRow)]
struct PageTouch {
    visitor_id: VisitorId,
    linked: bool,
    first_seen_at: Timestamp,
    occurred_at: Timestamp,
    fingerprint: i64,
    first_fingerprint: Option<i64>,
    click_ids: String,
    tags: String,
    derived: bool,
    #[sqlx(flatten)]
    utm: Utm,
}

/// Brings what a page's beacon tells to the touch that the page's request made. Never adds a touch.
///
/// - `proves` returns whether the beacon has the token of the touch, if this is the touch's visitor. Without it nothing changes.
/// - `kept` is the visitor in the browser's session. If two first tabs were opened at once, each got a visitor, and the browser
///   kept one of them. The other visitor's touches move to the one that was kept. For a browser that was here before, or whose
///   visitor began at another time, nothing changes: the token is another visitor's.
/// - `told` is what the page's address says. It completes the touch if it says all that the touch says, and more.
pub async fn of_page(
    db: &Db,
    touch: TouchId,
    proves: impl Fn(VisitorId) -> bool,
    kept: Option<VisitorId>,
    told: Option<Touch>,
) -> Result<(), Error> {
    let mut conn = db.read().await?;
    let genuine = |page: &PageTouch| proves(page.visitor_id) && db.now() - page.occurred_at <= PAGE_LIFE;
    let Some(page) = PageTouch::find(&mut conn, touch).await?.filter(genuine) else { return Ok(()) };
    let moves_to = kept.filter(|kept| *kept != page.visitor_id);
    // A user's touches change only in a browser with the user's visitor.
    if page.linked && kept != Some(page.visitor_id) {
        return Ok(());
    }
    if let Some(kept) = moves_to
        && !page.began_beside(&mut conn, kept).await?
    {
        return Ok(());
    }
    drop(conn);
    let told = told.filter(|told| page.is_part_of(told));
    if moves_to.is_none() && told.is_none() {
        return Ok(());
    }
    let owner = page.visitor_id;
    db.transaction_within(Patience::SHORT, move |conn| {
        Box::pin(async move {
            // The touch may have been completed, moved, linked or erased since it was read.
            let locked = lock_both(conn, owner, moves_to.unwrap_or(owner)).await?;
            let page = PageTouch::find(conn, touch).await?.filter(|page| locked && page.visitor_id == owner);
            let Some(page) = page else { return Ok(()) };
            if let Some(told) = told.filter(|told| page.is_part_of(told)) {
                enrich(conn, touch, told).await?;
            }
            match moves_to {
                Some(kept) if !page.linked => move_touches(conn, owner, kept).await,
                _ => Ok(()),
            }
        })
    })
    .await
}

/// Locks the rows of two visitors, which may be the same. The rows are locked in the order of their ids, so that two moves do not
/// wait for each other. Returns whether both rows are there.
async fn lock_both(conn: &mut Conn, one: VisitorId, other: VisitorId) -> Result<bool, Error> {
    let lock = format!("select id from visitors where id in ($1, $2) order by id{}", conn.for_update());
    let found: Vec<(VisitorId,)> = sql(lock).bind(one).bind(other).fetch_all(conn).await?;
    Ok(found.len() == if one == other { 1 } else { 2 })
}

impl PageTouch {
    async fn find(conn: &mut Conn, touch: TouchId) -> Result<Option<Self>, Error> {
        sql(format!(
            "select t.visitor_id, v.user_id is not null as linked, v.first_seen_at, t.occurred_at, t.fingerprint,
                t.first_fingerprint, t.click_ids, t.tags, t.derived, {}
            from touches t join visitors v on v.id = t.visitor_id where t.id = $1",
            Utm::COLUMN_LIST
        ))
        .bind(touch)
        .fetch_optional(conn)
        .await
    }

    /// Returns whether the page's visitor began with this touch, and beside another visitor, as those of two first tabs do.
    async fn began_beside(&self, conn: &mut Conn, other: VisitorId) -> Result<bool, Error> {
        let seen: Option<(Timestamp,)> =
            sql("select first_seen_at from visitors where id = $1").bind(other).fetch_optional(conn).await?;
        let apart = |seen: Timestamp| (seen - self.first_seen_at).max(self.first_seen_at - seen);
        let together = seen.is_some_and(|(seen,)| apart(seen) <= TOGETHER);
        Ok(together && !self.linked && self.occurred_at == self.first_seen_at)
    }

    /// Returns whether an address says all that the touch says, and more. A derived source or medium does not count as said.
    fn is_part_of(&self, told: &Touch) -> bool {
        let is_known = self.fingerprint == told.fingerprint || self.first_fingerprint == Some(told.fingerprint);
        let fields = Utm::COLUMNS.iter().zip(self.utm.values()).zip(told.utm.values());
        !is_known
            && !ERASED_RANGE.contains(&self.fingerprint)
            && is_subset(&self.click_ids, &told.click_ids)
            && is_subset(&self.tags, &told.tags)
            && fields.into_iter().all(|((column, stored), told)| {
                stored.is_none() || stored == told || (self.derived && matches!(*column, "source" | "medium"))
            })
    }
}

/// Returns whether a JSON object has all members of another one.
fn is_subset(part: &str, whole: &str) -> bool {
    let read = |text| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).unwrap_or_default();
    let whole = read(whole);
    read(part).iter().all(|(name, value)| whole.get(name) == Some(value))
}

/// Moves the touches of a visitor to another visitor, and removes the first one. If the other visitor has an equal touch, that touch
/// gets the hits. The rows of both visitors are locked.
async fn move_touches(conn: &mut Conn, from: VisitorId, to: VisitorId) -> Result<(), Error> {
    let equal: Vec<(TouchId, Timestamp, TouchId, Timestamp)> =
        sql("select mine.id, mine.occurred_at, known.id, known.occurred_at from touches mine
        join touches known on known.visitor_id = $2 and (known.fingerprint = mine.fingerprint
            or known.first_fingerprint = mine.fingerprint or known.fingerprint = mine.first_fingerprint)
        where mine.visitor_id = $1")
        .bind(from)
        .bind(to)
        .fetch_all(conn)
        .await?;
    for (touch, at, known, known_at) in equal {
        if (at - known_at).max(known_at - at) < REPEAT_WINDOW {
            absorb(conn, touch, known).await?;
        }
    }
    sql("update touches set visitor_id = $2 where visitor_id = $1").bind(from).bind(to).execute(conn).await?;
    sql("delete from visitors where id = $1").bind(from).execute(conn).await.map(|_| ())
}
