//! Reads all facts from the database.
//!
//! The database gives touches in the order in which it keeps them, which is the fastest. It writes each touch as one text of JSON,
//! because a row of many columns takes far longer to read. Few texts of tuples and pages are different, and each is read once.

use std::{collections::HashMap, ops::Range};

use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    Facts, NoFacts,
    changes::Changes,
    chunk::{NewPerson, NewTouch},
    dictionary::{Dictionary, PageNumber, TupleNumber},
    load::{CONVERSION, aliases, changed, find_values_before},
    quiet,
    rows::{ConversionRow, Link, repeats},
    unsorted::Unsorted,
};
use crate::{
    attribution::{signal::Utm, touch::fingerprint::ERASED_RANGE},
    db::{Conn, Db, Dialect, Error, sql},
    id::{IdMap, UserId},
    timestamp::Timestamp,
};

/// How many users one statement reads.
const USERS: u32 = if cfg!(test) { 7 } else { 20_000 };
/// How many touches one statement reads on SQLite. Between statements the database can tidy up its log.
const TOUCHES: usize = if cfg!(test) { 50 } else { 100_000 };
/// After how many touches the progress is told.
const STEP: usize = if cfg!(test) { 20 } else { 20_000 };
/// The most texts that are remembered.
const MOST_TEXTS: usize = 1_000_000;

/// Reads all facts. Changes meanwhile are seen or not; the caller reads the persons that changed once more. `progress` is told how
/// many touches were read, and about how many there are.
///
/// Facts are read by a thread and a connection that do not keep requests waiting.
///
/// Errors: the facts would take more than `limit` bytes, or the database failed.
pub(super) async fn all(
    db: &Db,
    limit: usize,
    progress: impl Fn(usize, usize) + Send + 'static,
) -> Result<Facts, NoFacts> {
    let db = db.clone();
    quiet::run(move || async move {
        let mut conn = db.read_alone().await?;
        loop {
            let numbering = numbering(&mut conn).await?;
            let facts = read(&mut conn, limit, &progress).await?;
            if self::numbering(&mut conn).await? == numbering {
                return Ok(facts);
            }
            tracing::info!("facts are read once more, because the database file was vacuumed meanwhile");
        }
    })
    .await?
}

/// Returns what changes when SQLite gives rows other numbers.
async fn numbering(conn: &mut Conn) -> Result<i64, Error> {
    match conn.dialect() {
        Dialect::Sqlite => sql("select schema_version from pragma_schema_version").fetch_scalar(conn).await,
        Dialect::Postgres => Ok(0),
    }
}

async fn read(conn: &mut Conn, limit: usize, progress: &impl Fn(usize, usize)) -> Result<Facts, NoFacts> {
    let mut dictionary = Dictionary::default();
    dictionary.set_aliases(&aliases(conn).await?);
    let users = users(conn, &mut dictionary).await?;
    let linked = linked(conn, &users).await?;
    let mut reader = TouchReader { dictionary, tuples: HashMap::new(), pages: HashMap::new() };
    let (total, parts) = parts(conn).await?;
    let mut touches = room(conn).await?;
    for part in parts {
        let mut query = sql(touches_text(conn.dialect()));
        if let Some(Range { start, end }) = part {
            query = query.bind(start).bind(end);
        }
        query
            .fetch_each(conn, |(text,): (String,)| {
                let touch = reader.touch(&text)?;
                // A user who signed up meanwhile is read once more by the caller.
                touches.add(linked.get(&touch.visitor).copied(), touch);
                let read = touches.len();
                if read.is_multiple_of(STEP) {
                    progress(read, total.max(read));
                    let bytes = read * (size_of::<Timestamp>() + 2 * size_of::<u32>()) + reader.dictionary.bytes();
                    if bytes > limit {
                        return Err(NoFacts::TooLarge { touches: total.max(read), limit });
                    }
                }
                Ok(())
            })
            .await?;
    }
    let (read, dictionary) = (touches.len(), reader.dictionary);
    drop(linked);
    let (chunks, undecided) = touches.into_chunks(users);
    let mut facts = Facts::new(dictionary, chunks);
    changed(conn, &mut facts, &Changes { visitors: undecided, ..Changes::default() }).await?;
    if facts.bytes() > limit {
        return Err(NoFacts::TooLarge { touches: read, limit });
    }
    Ok(facts)
}

/// Returns about how many touches there are, and the parts in which they are read. On SQLite a part is a range of the numbers of
/// rows. PostgreSQL sends all touches in one part, as fast as they are read.
async fn parts(conn: &mut Conn) -> Result<(usize, Vec<Option<Range<i64>>>), Error> {
    let text = match conn.dialect() {
        Dialect::Sqlite => "select coalesce(max(rowid), 0) from touches",
        Dialect::Postgres => "select cast(reltuples as bigint) from pg_class where oid = cast('touches' as regclass)",
    };
    let number: i64 = sql(text).fetch_scalar(conn).await?;
    let parts = match conn.dialect() {
        Dialect::Sqlite => (0..=number).step_by(TOUCHES).map(|start| Some(start..start + TOUCHES as i64)).collect(),
        Dialect::Postgres => vec![None],
    };
    Ok((usize::try_from(number).unwrap_or_default(), parts))
}

/// Returns room for touches. Visitors have ids in the order of time, mostly, so the first and the last id tell where the others lie.
async fn room(conn: &mut Conn) -> Result<Unsorted, Error> {
    let text =
        "select (select id from visitors order by id limit 1), (select id from visitors order by id desc limit 1)";
    let (first, last): (Option<Uuid>, Option<Uuid>) = sql(text).fetch_one(conn).await?;
    Ok(Unsorted::new(first.unwrap_or_default(), last.unwrap_or_default()))
}

/// A touch as the database writes it: the visitor, the time, the hits, the tuple and the page.
type TouchText<'a> = (&'a str, i64, i64, &'a RawValue, &'a RawValue);
/// A tuple: the UTM fields, the channel, the version of its rules, whether it is derived or internal, and the fingerprint of an
/// erased touch.
type TupleText = ([Option<String>; Utm::COUNT], String, String, u8, u8, Option<i64>);
/// A page: the landing path, and the page with the link.
type PageText = (String, Option<String>);

/// Returns the statement that writes touches as [`TouchText`].
fn touches_text(dialect: Dialect) -> String {
    let (array, visitor, part) = match dialect {
        Dialect::Sqlite => ("json_array", "hex(visitor_id)", "where rowid >= $1 and rowid < $2"),
        Dialect::Postgres => ("json_build_array", "visitor_id", ""),
    };
    let (utm, Range { start, end }) = (Utm::COLUMN_LIST, ERASED_RANGE);
    let tuple = format!(
        "{array}({array}({utm}), channel, rules_version, cast(derived as integer), cast(internal as integer),
         case when fingerprint >= {start} and fingerprint < {end} then fingerprint end)"
    );
    format!(
        "select cast({array}({visitor}, occurred_at, hits, {tuple}, {array}(landing_path, referrer)) as text)
         from touches {part}"
    )
}

/// Reads touches from texts.
struct TouchReader {
    dictionary: Dictionary,
    tuples: Known<TupleNumber>,
    pages: Known<PageNumber>,
}

/// What texts stand for.
type Known<T> = HashMap<Box<str>, T>;

impl TouchReader {
    fn touch(&mut self, text: &str) -> Result<NewTouch, Error> {
        let (visitor, at, hits, tuple, page): TouchText<'_> = serde_json::from_str(text).map_err(Error::unreadable)?;
        let dictionary = &mut self.dictionary;
        let tuple = known(&mut self.tuples, tuple, |text: TupleText| {
            let (fields, channel, rules_version, derived, internal, fingerprint) = text;
            let mut utm = Utm::default();
            utm.values_mut().into_iter().zip(fields).for_each(|(field, value)| *field = value);
            let (derived, internal) = (derived != 0, internal != 0);
            Link { utm, channel, rules_version, derived, internal, fingerprint }.numbered(dictionary)
        })?;
        let page = known(&mut self.pages, page, |(path, referrer): PageText| {
            self.dictionary.add_page(&path, referrer.as_deref())
        })?;
        let visitor = Uuid::try_parse(visitor).map_err(Error::unreadable)?;
        Ok(NewTouch { visitor, at: Timestamp::from_millis(at), tuple, page, repeats: repeats(hits) })
    }
}

/// Returns what a text stands for. A text that was not met before is read.
fn known<'a, T: Copy, R: serde::Deserialize<'a>>(
    known: &mut Known<T>,
    text: &'a RawValue,
    read: impl FnOnce(R) -> T,
) -> Result<T, Error> {
    if let Some(&found) = known.get(text.get()) {
        return Ok(found);
    }
    let found = read(serde_json::from_str(text.get()).map_err(Error::unreadable)?);
    if known.len() >= MOST_TEXTS {
        known.clear();
    }
    known.insert(text.get().into(), found);
    Ok(found)
}

/// Returns the place in `users` of each linked visitor's user.
async fn linked(conn: &mut Conn, users: &[(Uuid, NewPerson)]) -> Result<IdMap<u32>, Error> {
    let mut linked = IdMap::default();
    let query = sql("select id, user_id from visitors where user_id is not null");
    query
        .fetch_each(conn, |(visitor, user): (Uuid, Uuid)| {
            if let Ok(place) = users.binary_search_by_key(&user, |(id, _)| *id) {
                linked.insert(visitor, place as u32);
            }
            Ok::<_, Error>(())
        })
        .await?;
    Ok(linked)
}

/// Reads all users with their conversions, sorted by id.
async fn users(conn: &mut Conn, dictionary: &mut Dictionary) -> Result<Vec<(Uuid, NewPerson)>, Error> {
    let mut users: Vec<(Uuid, NewPerson)> = Vec::new();
    let mut last = UserId::NIL;
    loop {
        let text = format!("select id, created_at from users where id > $1 order by id limit {USERS}");
        let rows: Vec<(UserId, Timestamp)> = sql(text).bind(last).fetch_all(conn).await?;
        let Some(&(end, _)) = rows.last() else { return Ok(users) };
        let first = users.len();
        users.extend(
            rows.iter().map(|(id, at)| (id.as_uuid(), NewPerson { created_at: Some(*at), ..NewPerson::default() })),
        );
        let text = format!(
            "select {CONVERSION} where c.user_id > $1 and c.user_id <= $2 order by c.user_id, c.occurred_at, c.id"
        );
        let mut rows: Vec<ConversionRow> = sql(text).bind(last).bind(end).fetch_all(conn).await?;
        find_values_before(&mut rows);
        for row in &rows {
            let user = users[first..].binary_search_by_key(&row.user_id.as_uuid(), |(id, _)| *id);
            if let Ok(place) = user {
                users[first + place].1.conversions.push(row.numbered(&mut dictionary.texts));
            }
        }
        last = end;
    }
}
