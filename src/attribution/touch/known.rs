//! Stores the touches of known visitors in groups.
//!
//! A known visitor's touch needs a lock, a look at the visitor's last touches, and a row: seven statements, if it is stored alone
//! ([`store`](super::store::store)). Here a group of touches takes as many statements as one touch, and one commit. What is decided
//! is the same.
//!
//! A touch has to be stored alone if its visitor's row is missing, or locked by another transaction. So a group never waits for a
//! lock, and no two transactions wait for each other.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use futures::future::BoxFuture;

use super::{
    Touch, TouchOrigin,
    rows::{DAILY_CAP, REPEAT_WINDOW, StoreOutcome},
};
use crate::{
    db::{Conn, Db, Dialect, Error, Groups, Insert, Patience, Value, padded, sql, values_list},
    id::{TouchId, VisitorId},
    timestamp::DAY,
};

/// A touch and its visitor.
type Arrival = (Arc<Touch>, VisitorId);
/// Arrivals of different visitors: the place of each in the group.
type Round = HashMap<VisitorId, usize>;

/// Stores touches in groups. Clones share the groups.
#[derive(Clone, Debug)]
pub struct KnownVisitors(Groups<Arrival, Option<StoreOutcome>>);

impl Default for KnownVisitors {
    fn default() -> Self {
        // With one group at a time, the touches that arrive during a commit share the next one.
        Self(Groups::new(1, store_group))
    }
}

impl KnownVisitors {
    /// Stores a touch of a visitor who was here before, together with others. Returns `None` if the touch has to be stored alone.
    pub async fn store(
        &self,
        db: &Db,
        touch: impl Into<Arc<Touch>>,
        visitor: VisitorId,
    ) -> Result<Option<StoreOutcome>, Error> {
        match self.0.submit(db, (touch.into(), visitor), Patience::SHORT.total).await {
            // Another visitor's touch may be the reason.
            Err(error) if error.is_refusal() => Ok(None),
            outcome => outcome,
        }
    }
}

fn store_group<'w>(
    db: &'w Db,
    _: &'w mut Option<Conn>,
    group: Vec<Arrival>,
) -> BoxFuture<'w, Result<Vec<Option<StoreOutcome>>, Error>> {
    Box::pin(db.transaction_within(Patience::SHORT, move |conn| Box::pin(async move { store_all(conn, &group).await })))
}

/// Stores the touches of a group. A visitor's second touch is stored after the first one, because they may be the same arrival.
async fn store_all(conn: &mut Conn, group: &[Arrival]) -> Result<Vec<Option<StoreOutcome>>, Error> {
    let mut outcomes = vec![None; group.len()];
    let mut left: Vec<usize> = (0..group.len()).collect();
    while !left.is_empty() {
        let mut round = Round::with_capacity(left.len());
        left.retain(|place| match round.entry(group[*place].1) {
            Entry::Vacant(first) => {
                first.insert(*place);
                false
            }
            Entry::Occupied(_) => true,
        });
        // SQLite has one writer at a time, who needs no lock.
        if conn.dialect() == Dialect::Postgres {
            keep_locked(conn, &mut round).await?;
        }
        store_round(conn, group, &round, &mut outcomes).await?;
    }
    Ok(outcomes)
}

/// Locks the visitors' rows. Visitors without a row, and those whose rows are locked already, leave the round.
async fn keep_locked(conn: &mut Conn, round: &mut Round) -> Result<(), Error> {
    let visitors = padded(round.keys().map(|visitor| Value::from(*visitor)).collect());
    let text = format!(
        "select id from visitors where id in {}{}",
        values_list(conn.dialect(), 1, visitors.len()),
        conn.for_update_of_free_rows()
    );
    let locked: Vec<(VisitorId,)> = sql(text).bind_all(visitors).fetch_all(conn).await?;
    let mut kept = Round::with_capacity(locked.len());
    kept.extend(locked.iter().filter_map(|(visitor,)| round.get_key_value(visitor)));
    *round = kept;
    Ok(())
}

/// What the database knows of an arrival.
#[derive(sqlx::FromRow)]
struct Known {
    visitor: VisitorId,
    /// The visitor's latest touch of the same arrival.
    same: Option<TouchId>,
    /// The visitor's latest touch with the same referrer, if the arrival has no signal but its referrer.
    linked_from: Option<TouchId>,
    /// How many touches the visitor has from the last 24 hours.
    today: i64,
}

/// Looks for what [`same_arrival`](super::rows::same_arrival), [`linked_from`](super::rows::linked_from) and
/// [`add`](super::rows::add) look for, and leaves out visitors without a row. The statement is not the one that locks: it must see
/// what was committed before the lock.
async fn look_up(conn: &mut Conn, group: &[Arrival], round: &Round) -> Result<Vec<Known>, Error> {
    let wanted = round.iter().map(|(visitor, place)| {
        let touch = &group[*place].0;
        let referrer = touch.referrer.clone().filter(|_| touch.origin == TouchOrigin::Referrer);
        [
            Value::from(*visitor),
            touch.fingerprint.into(),
            (touch.occurred_at - REPEAT_WINDOW).into(),
            (touch.occurred_at - DAY).into(),
            referrer.into(),
        ]
    });
    let wanted = padded(wanted.collect());
    let text = format!(
        "with wanted (visitor, print, recent, today, linked_from) as (values {})
        select visitor,
            (select id from touches where visitor_id = visitor and (fingerprint = print or first_fingerprint = print)
                and occurred_at > recent order by occurred_at desc limit 1) as same,
            (select id from touches where visitor_id = visitor and referrer = wanted.linked_from and not internal
                and occurred_at > recent order by occurred_at desc limit 1) as linked_from,
            (select count(*) from touches where visitor_id = visitor and occurred_at > wanted.today) as today
        from wanted where exists (select 1 from visitors where id = visitor)",
        values_list(conn.dialect(), wanted.len(), 5)
    );
    sql(text).bind_all(wanted.into_iter().flatten()).fetch_all(conn).await
}

/// Stores touches of different visitors, whose rows are locked.
async fn store_round(
    conn: &mut Conn,
    group: &[Arrival],
    round: &Round,
    outcomes: &mut [Option<StoreOutcome>],
) -> Result<(), Error> {
    if round.is_empty() {
        return Ok(());
    }
    let (mut rows, mut hits) = (Vec::new(), Vec::new());
    for Known { visitor, same, linked_from, today } in look_up(conn, group, round).await? {
        let Some(place) = round.get(&visitor) else { continue };
        let touch = &group[*place].0;
        // The look-up was padded, so a visitor may come up more than once.
        if outcomes[*place].is_some() {
            continue;
        }
        outcomes[*place] = Some(match same.or(linked_from) {
            Some(known) => {
                hits.push(known);
                StoreOutcome::Repeat(known)
            }
            None if today >= DAILY_CAP => StoreOutcome::OverCap,
            None => {
                rows.push(touch.row(visitor));
                StoreOutcome::New(touch.id)
            }
        });
    }
    Insert::execute_all(&rows, conn).await?;
    count_hits(conn, hits).await
}

/// Counts a repeat of each of these touches.
async fn count_hits(conn: &mut Conn, touches: Vec<TouchId>) -> Result<(), Error> {
    if touches.is_empty() {
        return Ok(());
    }
    let touches = padded(touches.into_iter().map(Value::from).collect());
    let list = values_list(conn.dialect(), 1, touches.len());
    let text = format!("update touches set hits = hits + 1 where id in {list}");
    sql(text).bind_all(touches).execute(conn).await.map(|_| ())
}

#[cfg(test)]
mod tests;
