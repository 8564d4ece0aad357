//! Leads: touches that belong to users (the view `lead_sources`), newest first.

use super::{
    Filter, Statement,
    page::{Cursor, HasCursor, Page, PagePosition},
    statement::{CAMPAIGN, LINKED},
};
use crate::{
    db::{Conn, Error},
    id::{TouchId, UserId, VisitorId},
    timestamp::Timestamp,
};

/// A touch of a visitor who belongs to a user.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Lead {
    pub id: TouchId,
    pub user_id: UserId,
    pub user_email: String,
    pub visitor_id: VisitorId,
    pub occurred_at: Timestamp,
    /// When the visitor became the user's.
    pub linked_at: Timestamp,
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

impl HasCursor for Lead {
    fn cursor(&self) -> Cursor {
        Cursor { occurred_at: self.occurred_at, id: self.id.as_uuid() }
    }
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
pub async fn leads(
    conn: &mut Conn,
    filter: &Filter,
    position: PagePosition,
    limit: u32,
    walk: Walk,
) -> Result<Page<Lead>, Error> {
    let filter = &filter.resolved(conn).await?;
    let range = position.within(filter.period.range());
    let found = match walk {
        Walk::ByTime => select().text(FROM).within("t.occurred_at", range).matching(filter),
        Walk::ByVisitor => select().text(FROM_VISITORS).within("t.occurred_at", range).matching_of_visitor(filter),
    };
    let rows = position.select(found, "t.occurred_at", "t.id", limit).query().fetch_all(conn).await?;
    Ok(Page::new(rows, position, limit))
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
