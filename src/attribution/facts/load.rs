//! Reads facts from the database: of all persons, or of those that changed.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::{
    Facts,
    changes::Changes,
    chunk::{Builder, NewPerson},
    dictionary::Dictionary,
    rows::{ConversionRow, TouchRow},
};
use crate::{
    attribution::{model::Minor, signal::Utm},
    db::{Conn, Db, Dialect, Error, placeholders, sql},
    id::{ConversionId, TouchId, UserId, VisitorId},
    timestamp::Timestamp,
};

/// How many rows one statement reads.
const ROWS: u32 = 20_000;
/// The most ids in one statement.
const IDS: usize = 500;

const TOUCH: &str =
    "t.id, t.visitor_id, v.user_id, t.occurred_at, t.channel, t.rules_version, t.derived, t.internal, t.hits,
    t.fingerprint, t.landing_path, t.referrer";
const UTM: &str = Utm::COLUMN_LIST;

/// Facts could not be loaded.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error(transparent)]
    Database(#[from] Error),
    /// The facts would take more memory than they may.
    #[error("facts of {touches} touches take more than {limit} bytes")]
    TooLarge { touches: usize, limit: usize },
}

/// How far loading is: touches read, and about how many there are.
pub(super) type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// Reads all facts. Changes meanwhile are seen or not; the caller reads the persons that changed once more.
pub(super) async fn all(db: &Db, limit: usize, progress: Progress<'_>) -> Result<Facts, LoadError> {
    let mut dictionary = Dictionary::default();
    let aliases = aliases(&mut db.read_for_report().await?).await?;
    dictionary.set_aliases(&aliases);
    let mut users = users(db, &mut dictionary).await?;
    let total = about_how_many_touches(&mut db.read_for_report().await?).await?;
    let mut unlinked = Builder::default();
    let mut last = (VisitorId::NIL, Timestamp::MIN, TouchId::NIL);
    let mut visitor: Option<(Uuid, NewPerson)> = None;
    let mut read = 0;
    loop {
        let rows = touches_after(&mut db.read_for_report().await?, last).await?;
        let Some(row) = rows.last() else { break };
        last = (row.visitor_id, row.occurred_at, row.id);
        read += rows.len();
        for row in &rows {
            let touch = row.add_to(&mut dictionary);
            match row.user_id {
                // A user who signed up meanwhile is read once more by the caller.
                Some(user) => {
                    users.get_mut(&user.as_uuid()).into_iter().for_each(|person| person.touches.push(touch));
                }
                None => match &mut visitor {
                    Some((id, person)) if *id == touch.visitor => person.touches.push(touch),
                    _ => {
                        let next = (touch.visitor, NewPerson { touches: vec![touch], ..NewPerson::default() });
                        if let Some((id, person)) = visitor.replace(next) {
                            unlinked.add(id, &person);
                        }
                    }
                },
            }
        }
        progress(read, total.max(read));
        if unlinked.bytes() + dictionary.bytes() > limit {
            return Err(LoadError::TooLarge { touches: total.max(read), limit });
        }
    }
    if let Some((id, person)) = visitor {
        unlinked.add(id, &person);
    }
    let mut facts = Facts::new(dictionary, unlinked.finish());
    facts.replace(&users.into_iter().collect::<Vec<_>>());
    if facts.bytes() > limit {
        return Err(LoadError::TooLarge { touches: read, limit });
    }
    Ok(facts)
}

/// Reads the changed persons again. The connection is in the transaction in which the changes were read.
pub(super) async fn changed(conn: &mut Conn, facts: &mut Facts, changes: &Changes) -> Result<(), Error> {
    if changes.aliases {
        let aliases = aliases(conn).await?;
        facts.dictionary_mut().set_aliases(&aliases);
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
        for row in touches_of_visitors(conn, ids).await? {
            let touch = facts.touch(&row);
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
            let touch = facts.touch(&row);
            if let Some(user) = row.user_id {
                users.entry(user.as_uuid()).or_default().touches.push(touch);
            }
        }
        for row in conversions_of_users(conn, ids).await? {
            let conversion = facts.conversion(&row);
            users.entry(row.user_id.as_uuid()).or_default().conversions.push(conversion);
        }
    }
    persons.extend(users);
    facts.replace(&persons.into_iter().collect::<Vec<_>>());
    Ok(())
}

/// Returns the touches of all visitors of these users, in the order of visitors, then of time, then of ids.
pub(crate) async fn touches_of_users(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<TouchRow>, Error> {
    // `materialized` and `cross join` keep both databases from looking at the user of every touch.
    let text = format!(
        "with own as materialized (select id, user_id from visitors where user_id in ({}))
         select {TOUCH}, {UTM} from own v cross join touches t where t.visitor_id = v.id
         order by t.visitor_id, t.occurred_at + 0, t.id",
        placeholders(1, ids.len())
    );
    sql(text).bind_all(ids.iter().map(|&id| id.into())).fetch_all(conn).await
}

/// Returns the touches of those of these visitors who belong to no user.
async fn touches_of_visitors(conn: &mut Conn, ids: &[Uuid]) -> Result<Vec<TouchRow>, Error> {
    let text = format!(
        "with own as materialized (select id, user_id from visitors where user_id is null and id in ({}))
         select {TOUCH}, {UTM} from own v cross join touches t where t.visitor_id = v.id
         order by t.visitor_id, t.occurred_at + 0, t.id",
        placeholders(1, ids.len())
    );
    sql(text).bind_all(ids.iter().map(|&id| id.into())).fetch_all(conn).await
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

const CONVERSION: &str = "c.id, c.user_id, c.kind, c.occurred_at, c.value, c.currency, c.refund_of,
    o.occurred_at as refunded_at, o.value as refunded_value
    from conversions c left join conversions o on o.id = c.refund_of";

/// Returns the next touches in the order of visitors, then of time, then of ids.
async fn touches_after(
    conn: &mut Conn,
    (visitor, at, id): (VisitorId, Timestamp, TouchId),
) -> Result<Vec<TouchRow>, Error> {
    let text = format!(
        "select {TOUCH}, {UTM} from touches t join visitors v on v.id = t.visitor_id
         where (t.visitor_id, t.occurred_at, t.id) > ($1, $2, $3)
         order by t.visitor_id, t.occurred_at, t.id limit {ROWS}"
    );
    sql(text).bind(visitor).bind(at).bind(id).fetch_all(conn).await
}

/// Reads all users with their conversions.
async fn users(db: &Db, dictionary: &mut Dictionary) -> Result<BTreeMap<Uuid, NewPerson>, Error> {
    let mut users: BTreeMap<Uuid, NewPerson> = BTreeMap::new();
    let mut last = UserId::NIL;
    loop {
        let mut conn = db.read_for_report().await?;
        let text = format!("select id, created_at from users where id > $1 order by id limit {ROWS}");
        let rows: Vec<(UserId, Timestamp)> = sql(text).bind(last).fetch_all(&mut conn).await?;
        let Some(&(end, _)) = rows.last() else { return Ok(users) };
        let created = |(id, at): &(UserId, Timestamp)| {
            (id.as_uuid(), NewPerson { created_at: Some(*at), ..NewPerson::default() })
        };
        users.extend(rows.iter().map(created));
        let text = format!(
            "select {CONVERSION} where c.user_id > $1 and c.user_id <= $2 order by c.user_id, c.occurred_at, c.id"
        );
        let mut rows: Vec<ConversionRow> = sql(text).bind(last).bind(end).fetch_all(&mut conn).await?;
        find_values_before(&mut rows);
        for row in &rows {
            if let Some(user) = users.get_mut(&row.user_id.as_uuid()) {
                user.conversions.push(row.add_to(dictionary));
            }
        }
        last = end;
    }
}

/// Sets [`ConversionRow::before`]. The rows have all refunds of their conversions, in the order of time.
fn find_values_before(rows: &mut [ConversionRow]) {
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

/// Returns about how many touches there are, without counting them.
async fn about_how_many_touches(conn: &mut Conn) -> Result<usize, Error> {
    let text = match conn.dialect() {
        Dialect::Sqlite => "select coalesce(max(rowid), 0) from touches",
        Dialect::Postgres => "select cast(reltuples as bigint) from pg_class where oid = cast('touches' as regclass)",
    };
    let number: i64 = sql(text).fetch_scalar(conn).await?;
    Ok(usize::try_from(number).unwrap_or_default())
}
