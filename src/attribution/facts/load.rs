//! Reads the facts of some persons from the database.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::{
    Facts,
    changes::Changes,
    chunk::NewPerson,
    rows::{ConversionRow, TouchRow},
};
use crate::{
    attribution::{model::Minor, signal::Utm},
    db::{Conn, Error, Value, placeholders, sql},
    id::{ConversionId, UserId},
    timestamp::Timestamp,
};

/// The most ids in one statement.
const IDS: usize = 500;

const TOUCH: &str =
    "t.id, t.visitor_id, v.user_id, t.occurred_at, t.channel, t.rules_version, t.derived, t.internal, t.hits,
    t.fingerprint, t.landing_path, t.referrer";
const UTM: &str = Utm::COLUMN_LIST;

/// Reads the changed persons again. The connection is in the transaction in which the changes were read.
pub(super) async fn changed(conn: &mut Conn, facts: &mut Facts, changes: &Changes) -> Result<(), Error> {
    if changes.aliases {
        let aliases = aliases(conn).await?;
        facts.dictionary.set_aliases(&aliases);
    }
    let mut users: BTreeMap<Uuid, NewPerson> = changes.users.iter().map(|&id| (id, NewPerson::default())).collect();
    let mut persons: BTreeMap<Uuid, NewPerson> = BTreeMap::new();
    let visitors: Vec<Uuid> = changes.visitors.iter().copied().collect();
    for ids in visitors.chunks(IDS) {
        let text = format!(
            "select id, user_id from visitors where user_id is not null and id in ({})",
            placeholders(1, ids.len())
        );
        let linked: Vec<(Uuid, Uuid)> = sql(text).bind_all(ids.iter().map(|&id| id.into())).fetch_all(conn).await?;
        users.extend(linked.into_iter().map(|(_, user)| (user, NewPerson::default())));
        persons.extend(ids.iter().map(|&id| (id, NewPerson::default())));
        let unlinked = "user_id is null and id in";
        for row in touches_of(conn, unlinked, ids.iter().map(|&id| id.into())).await? {
            let touch = row.numbered(&mut facts.dictionary);
            persons.entry(touch.visitor).or_default().touches.push(touch);
        }
    }
    let ids: Vec<UserId> = users.keys().copied().map(UserId::from).collect();
    for ids in ids.chunks(IDS) {
        let text = format!("select id, created_at from users where id in ({})", placeholders(1, ids.len()));
        let rows: Vec<(Uuid, Timestamp)> = sql(text).bind_all(ids.iter().map(|&id| id.into())).fetch_all(conn).await?;
        for (id, created_at) in rows {
            users.entry(id).or_default().created_at = Some(created_at);
        }
        for row in touches_of_users(conn, ids).await? {
            let touch = row.numbered(&mut facts.dictionary);
            if let Some(user) = row.user_id {
                users.entry(user.as_uuid()).or_default().touches.push(touch);
            }
        }
        for row in conversions_of_users(conn, ids).await? {
            let conversion = row.numbered(&mut facts.dictionary.texts);
            users.entry(row.user_id.as_uuid()).or_default().conversions.push(conversion);
        }
    }
    persons.extend(users);
    facts.replace(&persons.into_iter().collect::<Vec<_>>());
    Ok(())
}

/// Returns the touches of all visitors of these users, in the order of visitors, then of time, then of ids.
pub(crate) async fn touches_of_users(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<TouchRow>, Error> {
    touches_of(conn, "user_id in", ids.iter().map(|&id| id.into())).await
}

/// Returns the touches of the visitors that a condition finds, in the order of visitors, then of time, then of ids.
async fn touches_of(
    conn: &mut Conn,
    condition: &str,
    ids: impl ExactSizeIterator<Item = Value>,
) -> Result<Vec<TouchRow>, Error> {
    // `materialized` and `cross join` keep both databases from looking at the user of every touch.
    let text = format!(
        "with own as materialized (select id, user_id from visitors where {condition} ({}))
         select {TOUCH}, {UTM} from own v cross join touches t where t.visitor_id = v.id
         order by t.visitor_id, t.occurred_at + 0, t.id",
        placeholders(1, ids.len())
    );
    sql(text).bind_all(ids).fetch_all(conn).await
}

/// Returns the conversions and refunds of these users, in the order of users, then of time, then of ids.
pub(crate) async fn conversions_of_users(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<ConversionRow>, Error> {
    let text = format!(
        "select {CONVERSION} where c.user_id in ({}) order by c.user_id, c.occurred_at, c.id",
        placeholders(1, ids.len())
    );
    let mut rows = sql(text).bind_all(ids.iter().map(|&id| id.into())).fetch_all(conn).await?;
    find_values_before(&mut rows);
    Ok(rows)
}

/// The columns and tables of a [`ConversionRow`].
pub(super) const CONVERSION: &str = "c.id, c.user_id, c.kind, c.occurred_at, c.value, c.currency, c.refund_of,
    o.occurred_at as refunded_at, o.value as refunded_value
    from conversions c left join conversions o on o.id = c.refund_of";

/// Sets [`ConversionRow::before`]. The rows have all refunds of their conversions, in the order of time.
pub(super) fn find_values_before(rows: &mut [ConversionRow]) {
    let mut left: HashMap<ConversionId, Minor> = HashMap::new();
    for row in rows {
        if let (Some(of), Some(value)) = (row.refund_of, row.refunded_value) {
            let left = left.entry(of).or_insert(value);
            row.before = *left;
            *left += row.value;
        }
    }
}

pub(super) async fn aliases(conn: &mut Conn) -> Result<Vec<(String, String)>, Error> {
    sql("select alias, campaign from campaign_aliases").fetch_all(conn).await
}
