//! Users, the newest first, with the touch that each came by first.

use std::collections::HashMap;

use super::{Filter, Question, Range, matcher::Matcher};
use crate::{
    attribution::facts::{Facts, Person, scan::Tally},
    db::{
        Conn, Error, Value,
        page::{Cursor, Page, Position},
        placeholders, sql,
    },
    id::{IdSet, UserId},
    timestamp::Timestamp,
    word_enum::word_enum,
};

/// Up to this many users are asked for by their ids. Of more users, the list is read in its order until a page is full.
const ASKED_BY_ID: usize = 500;
/// How many rows of the list are read at a time.
const BATCH: usize = 1_000;

word_enum! {
    /// Whether an account can be used. The text is the word for addresses.
    pub enum UserState {
        Active = "active",
        /// Active, and nobody has confirmed the address.
        Unverified = "unverified",
        Disabled = "disabled",
        Erased = "erased",
    }
}

impl UserState {
    fn condition(self) -> &'static str {
        match self {
            // An unverified account can be used, too.
            Self::Active => "disabled_at is null",
            Self::Unverified => "disabled_at is null and email_verified_at is null",
            Self::Disabled => "disabled_at is not null and erased_at is null",
            Self::Erased => "erased_at is not null",
        }
    }
}

/// Which users are asked for.
#[derive(Clone, Debug)]
pub struct UserQuestion {
    /// The period of the sign-ups, the text to search for, and the source, medium, channel and campaign of the first touch.
    pub question: Question,
    /// The word of the database.
    pub role: Option<&'static str>,
    pub state: Option<UserState>,
}

/// A user as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ListedUser {
    pub id: UserId,
    pub email: String,
    pub role: String,
    pub created_at: Timestamp,
    pub email_verified_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    pub erased_at: Option<Timestamp>,
    /// The first touch; `None` for a user who came directly.
    #[sqlx(skip)]
    pub first: Option<FirstTouch>,
}

/// What brought a user first.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct FirstTouch {
    user_id: UserId,
    pub source: Option<String>,
    pub medium: Option<String>,
    /// The name that reports show.
    pub campaign: Option<String>,
    pub channel: String,
}

impl ListedUser {
    /// Returns the state. `Unverified` is a state only where mail goes out, because without mail nobody can confirm an address.
    pub fn state(&self, mail: bool) -> UserState {
        match (self.erased_at, self.disabled_at) {
            (Some(_), _) => UserState::Erased,
            (None, Some(_)) => UserState::Disabled,
            (None, None) if mail && self.email_verified_at.is_none() => UserState::Unverified,
            (None, None) => UserState::Active,
        }
    }

    /// Returns the place in the list.
    fn cursor(&self) -> Cursor {
        Cursor { at: self.created_at, id: self.id.as_uuid() }
    }
}

/// Returns whether a filter asks for the first touch of users, so that [`users_by_first_touch`] is needed.
pub fn asks_for_first_touch(filter: &Filter) -> bool {
    !filter.clone().searching(None).is_bare()
}

/// Finds the users whose first touch the filter finds.
pub fn users_by_first_touch(facts: &Facts, question: &Question) -> IdSet {
    // What is searched for is the user's address and not the campaign's name.
    let mut question = question.clone();
    question.filter = question.filter.searching(None);
    let matcher = Matcher::new(facts, &question);
    // The first touch may be older than the period, which is about sign-ups.
    matcher.scan(Range::ALL, || FirstTouches { matcher: &matcher, users: IdSet::default() }).users
}

struct FirstTouches<'a> {
    matcher: &'a Matcher<'a>,
    users: IdSet,
}

impl Tally for FirstTouches<'_> {
    fn add(&mut self, person: &Person<'_>) {
        let first = person.user().and_then(|_| person.touches().next());
        if first.is_some_and(|touch| self.matcher.of(person).finds(touch.tuple)) {
            self.users.insert(person.id());
        }
    }

    fn merge(&mut self, other: Self) {
        self.users.extend(other.users);
    }
}

/// Reads one page of users, sorted by the time of the sign-up and by id, newest first. `first` has the users whose first touch is
/// asked for, if the question asks for any.
pub async fn read_users(
    conn: &mut Conn,
    asked: &UserQuestion,
    first: Option<IdSet>,
    position: Position<Cursor>,
    limit: u32,
) -> Result<Page<ListedUser, Cursor>, Error> {
    let range = asked.question.filter.period.range();
    let among = among(asked, first);
    let (by_id, filtered) = match among {
        Some(ids) if ids.len() <= ASKED_BY_ID => (Some(ids), None),
        other => (None, other),
    };
    let wanted = limit as usize + 1;
    let (mut rows, mut at) = (Vec::new(), position);
    loop {
        let size = if filtered.is_some() { BATCH } else { wanted };
        let batch = batch(conn, asked, range, by_id.as_ref(), at, size).await?;
        let Some(last) = batch.last().map(ListedUser::cursor) else { break };
        let ended = batch.len() < size;
        rows.extend(
            batch.into_iter().filter(|user| filtered.as_ref().is_none_or(|ids| ids.contains(&user.id.as_uuid()))),
        );
        if ended || rows.len() >= wanted {
            break;
        }
        at = if let Position::After(_) = position { Position::After(last) } else { Position::Before(last) };
    }
    rows.truncate(wanted);
    let mut page = Page::new(rows, position, limit, ListedUser::cursor);
    let mut first = first_touches(conn, &page.rows).await?;
    for user in &mut page.rows {
        user.first = first.remove(&user.id);
    }
    Ok(page)
}

/// Returns the users that a question can be about, or `None` for all users.
fn among(asked: &UserQuestion, first: Option<IdSet>) -> Option<IdSet> {
    let searched = asked.question.filter.q.is_some().then(|| asked.question.found_users());
    match (searched, first) {
        (None, first) => first,
        (Some(searched), first) => {
            let searched = searched.iter().filter(|id| first.as_ref().is_none_or(|first| first.contains(*id)));
            Some(searched.copied().collect())
        }
    }
}

/// Reads the next rows of the list, in its order, or in the opposite order after a cursor.
async fn batch(
    conn: &mut Conn,
    asked: &UserQuestion,
    range: Range,
    among: Option<&IdSet>,
    position: Position<Cursor>,
    size: usize,
) -> Result<Vec<ListedUser>, Error> {
    let mut text =
        "select id, email, role, created_at, email_verified_at, disabled_at, erased_at from users where created_at >= $1 and created_at < $2"
            .to_owned();
    let mut values: Vec<Value> = vec![range.start.into(), range.end.into()];
    if let Some(role) = asked.role {
        values.push(role.into());
        text += &format!(" and role = ${}", values.len());
    }
    if let Some(state) = asked.state {
        text += &format!(" and {}", state.condition());
    }
    if let Some(ids) = among {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        text += &format!(" and id in ({})", placeholders(values.len() + 1, ids.len()));
        values.extend(ids.iter().map(|id| Value::from(*id)));
    }
    let (compare, order) = position.comparison();
    if let Some(cursor) = position.key() {
        let place = values.len();
        text += &format!(" and (created_at, id) {compare} (${}, ${})", place + 1, place + 2);
        values.extend([cursor.at.into(), cursor.id.into()]);
    }
    values.push(Value::from(size as i64));
    text += &format!(" order by created_at {order}, id {order} limit ${}", values.len());
    sql(text).bind_all(values).fetch_all(conn).await
}

async fn first_touches(conn: &mut Conn, users: &[ListedUser]) -> Result<HashMap<UserId, FirstTouch>, Error> {
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    // `+ 0` keeps PostgreSQL from walking all touches in the order of time.
    let text = format!(
        "select f.user_id, t.source, t.medium, t.channel,
            coalesce((select ca.campaign from campaign_aliases ca where ca.alias = t.campaign), t.campaign) as campaign
        from (select u.id as user_id, (
                select t.id from visitors v join touches t on t.visitor_id = v.id where v.user_id = u.id
                order by t.occurred_at + 0, t.id limit 1) as touch_id
            from users u where u.id in ({})) f
        join touches t on t.id = f.touch_id",
        placeholders(1, users.len())
    );
    let rows: Vec<FirstTouch> = sql(text).bind_all(users.iter().map(|user| user.id.into())).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row)).collect())
}

/// Returns one user, or `None` if there is no user with this id.
pub async fn user(conn: &mut Conn, id: UserId) -> Result<Option<ListedUser>, Error> {
    let found: Option<ListedUser> =
        sql("select id, email, role, created_at, email_verified_at, disabled_at, erased_at from users where id = $1")
            .bind(id)
            .fetch_optional(conn)
            .await?;
    let Some(mut user) = found else { return Ok(None) };
    user.first = first_touches(conn, std::slice::from_ref(&user)).await?.remove(&id);
    Ok(Some(user))
}
