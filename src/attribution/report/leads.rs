//! Leads: touches that belong to users (the view `lead_sources`), newest first.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use super::{
    Filter, Statement,
    statement::{CAMPAIGN, LINKED},
};
use crate::{
    db::{Conn, Error, Millis},
    id::{TouchId, UserId, VisitorId},
};

/// A touch of a visitor who belongs to a user.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Lead {
    pub id: TouchId,
    pub user_id: UserId,
    pub user_email: String,
    pub visitor_id: VisitorId,
    pub occurred_at: Millis,
    /// When the visitor became the user's.
    pub linked_at: Millis,
    pub source: Option<String>,
    pub medium: Option<String>,
    /// As reports show it: what the link said may stand for it.
    pub campaign: Option<String>,
    pub term: Option<String>,
    pub content: Option<String>,
    pub utm_id: Option<String>,
    pub source_platform: Option<String>,
    pub creative_format: Option<String>,
    pub marketing_tactic: Option<String>,
    pub channel: String,
    /// A JSON object: `{"gclid": "…"}`.
    pub click_ids: String,
    /// A JSON object of lists: `{"partner": ["a", "b"]}`.
    pub tags: String,
    pub landing_path: String,
    pub referrer: Option<String>,
    /// What made the touch: `link`, `referrer`, `seeded` or `import`.
    pub origin: String,
    pub derived: bool,
    pub internal: bool,
    pub hits: i64,
}

impl Lead {
    /// Where it stands in the order of leads.
    pub fn cursor(&self) -> Cursor {
        Cursor { occurred_at: self.occurred_at, id: self.id.as_uuid() }
    }
}

/// A place between leads: after the one with this time and id. Rows that are added do not move it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub(super) occurred_at: Millis,
    pub(super) id: Uuid,
}

/// Written as 48 hexadecimal digits, which mean nothing to whoever passes them on.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{}", self.occurred_at, self.id.simple())
    }
}

/// The text is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCursor;

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        if text.len() != 48 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BadCursor);
        }
        let (time, id) = text.split_at(16);
        let occurred_at = u64::from_str_radix(time, 16).map_err(|_| BadCursor)?.cast_signed();
        Ok(Self { occurred_at, id: Uuid::try_parse(id).map_err(|_| BadCursor)? })
    }
}

/// Which part of the leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Newest,
    /// The next older ones.
    Before(Cursor),
    /// The next newer ones.
    After(Cursor),
}

/// Some leads, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadPage {
    pub leads: Vec<Lead>,
    /// Whether there are newer ones, and how to get them.
    pub newer: Option<Cursor>,
    /// Whether there are older ones, and how to get them.
    pub older: Option<Cursor>,
}

const COLUMNS: &str = "t.id, v.user_id, u.email as user_email, t.visitor_id, t.occurred_at, v.linked_at,
    t.source, t.medium, t.term, t.content, t.utm_id, t.source_platform, t.creative_format, t.marketing_tactic,
    t.channel, t.click_ids, t.tags, t.landing_path, t.referrer, t.origin, t.derived, t.internal, t.hits";

fn select() -> Statement {
    Statement::new("select ").text(COLUMNS).text(", ").text(CAMPAIGN).text(" as campaign")
}

/// How leads are found; the answer is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// Along time, looking whose each touch is: where leads are many, the first page is found at once, and walking through
    /// all pages passes each touch once.
    ByTime,
    /// By linked visitors: where leads are few among many touches.
    ByVisitor,
}

impl Walk {
    /// The better one where the filter finds so many leads.
    pub fn to_find(count: i64) -> Self {
        if count < 20_000 { Self::ByVisitor } else { Self::ByTime }
    }
}

/// The joins are those of the view `lead_sources`; inner ones, since only linked visitors have a user.
const FROM: &str = " from touches t join visitors v on v.id = t.visitor_id join users u on u.id = v.user_id where ";

/// The same, in the order that SQLite keeps.
const FROM_VISITORS: &str = " from visitors v cross join touches t cross join users u
    where t.visitor_id = v.id and u.id = v.user_id and v.user_id is not null and ";

/// One page of the leads of a period: by when the link was clicked, equal times by id.
pub async fn leads(conn: &mut Conn, filter: &Filter, part: Part, limit: u32, walk: Walk) -> Result<LeadPage, Error> {
    let filter = &filter.resolved(conn).await?;
    // The range ends at the cursor: of the two conditions on the time, this is the one that an index answers.
    let mut range = filter.period.range();
    match part {
        Part::Newest => {}
        Part::Before(cursor) => range.end = range.end.min(cursor.occurred_at.saturating_add(1)),
        Part::After(cursor) => range.start = range.start.max(cursor.occurred_at),
    }
    let statement = select();
    let statement = match walk {
        Walk::ByTime => statement.text(FROM).within("t.occurred_at", range).matching(filter),
        Walk::ByVisitor => statement.text(FROM_VISITORS).within("t.occurred_at", range).matching_of_visitor(filter),
    };
    let statement = match part {
        Part::Newest => statement.text(" order by t.occurred_at desc, t.id desc"),
        Part::Before(cursor) => statement.beyond(" < ", cursor).text(" order by t.occurred_at desc, t.id desc"),
        Part::After(cursor) => statement.beyond(" > ", cursor).text(" order by t.occurred_at, t.id"),
    };
    // one more than asked for tells whether there are more
    let mut leads: Vec<Lead> = statement.text(" limit ").value(i64::from(limit) + 1).query().fetch_all(conn).await?;
    let more = leads.len() > limit as usize;
    leads.truncate(limit as usize);
    if let Part::After(_) = part {
        leads.reverse();
    }
    let (newer, older) = match part {
        Part::Newest => (false, more),
        // where a page is reached from, there are leads: the one that the cursor stands for
        Part::Before(_) => (true, more),
        Part::After(_) => (more, true),
    };
    Ok(LeadPage {
        newer: leads.first().filter(|_| newer).map(Lead::cursor),
        older: leads.last().filter(|_| older).map(Lead::cursor),
        leads,
    })
}

impl Statement {
    /// A condition: newer or older than the cursor.
    fn beyond(self, sign: &'static str, cursor: Cursor) -> Self {
        self.text(" and (t.occurred_at, t.id)")
            .text(sign)
            .text("(")
            .value(cursor.occurred_at)
            .text(", ")
            .value(cursor.id)
            .text(")")
    }
}

/// One lead; nothing where no touch has the id, or nobody's.
pub async fn lead(conn: &mut Conn, id: TouchId) -> Result<Option<Lead>, Error> {
    select().text(FROM).text("t.id = ").value(id).query().fetch_optional(conn).await
}

/// The latest touches of a linked visitor, newest first.
pub async fn leads_of_visitor(conn: &mut Conn, visitor: VisitorId, limit: u32) -> Result<Vec<Lead>, Error> {
    select()
        .text(FROM)
        .text("t.visitor_id = ")
        .value(visitor)
        .text(" order by t.occurred_at desc, t.id desc limit ")
        .value(limit)
        .query()
        .fetch_all(conn)
        .await
}

/// The touches of a user, oldest first, by all of the user's visitors.
pub async fn leads_of_user(conn: &mut Conn, user: UserId, limit: u32) -> Result<Vec<Lead>, Error> {
    select()
        .text(FROM)
        .text("v.user_id = ")
        .value(user)
        .text(" order by t.occurred_at, t.id limit ")
        .value(limit)
        .query()
        .fetch_all(conn)
        .await
}

/// How many leads a period has.
pub async fn lead_count(conn: &mut Conn, filter: &Filter) -> Result<i64, Error> {
    Statement::new("select count(*)")
        .text(LINKED)
        .within("t.occurred_at", filter.period.range())
        .matching_of_visitor(filter)
        .query()
        .fetch_scalar(conn)
        .await
}
