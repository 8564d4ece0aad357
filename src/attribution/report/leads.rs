//! Leads: touches of visitors who belong to a user (the view `lead_sources`), newest first.

use super::{
    Filter,
    campaign_name::SHOWN_CAMPAIGN,
    filter::conditions::{matching, matching_of_visitor},
    page::{Cursor, HasCursor, Page, PagePosition},
    statement::{SqlText, Statement, sql_text},
};
use crate::{
    attribution::{signal::Utm, touch::TouchOrigin},
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
    /// When the visitor was linked to the user.
    pub linked_at: Timestamp,
    /// The fields as the link has them.
    #[sqlx(flatten)]
    pub utm: Utm,
    /// The name that reports show. The link may hold another name, which was merged into this name.
    #[sqlx(rename = "shown_campaign")]
    pub campaign: Option<String>,
    pub channel: String,
    /// A JSON object: `{"gclid": "…"}`.
    pub click_ids: String,
    /// A JSON object of lists: `{"partner": ["a", "b"]}`.
    pub tags: String,
    pub landing_path: String,
    pub referrer: Option<String>,
    #[sqlx(try_from = "String")]
    pub origin: TouchOrigin,
    pub derived: bool,
    pub internal: bool,
    pub hits: i64,
}

impl HasCursor for Lead {
    fn cursor(&self) -> Cursor {
        Cursor { occurred_at: self.occurred_at, id: self.id.as_uuid() }
    }
}

/// How the database finds leads. The result is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanOrder {
    /// The database goes through touches in the order of time and looks up the user of each. This order is better where many
    /// touches are leads: the first page is found at once, and going through all pages reads each touch once.
    ByTime,
    /// The database goes through linked visitors. This order is better where few of many touches are leads.
    ByVisitor,
}

impl ScanOrder {
    /// Returns the better order for a filter that finds `count` leads.
    pub fn to_find(count: i64) -> Self {
        if count < 20_000 { Self::ByVisitor } else { Self::ByTime }
    }
}

/// Returns one page of the leads of a period, sorted by the time of the touch and by id, newest first.
pub async fn leads(
    conn: &mut Conn,
    filter: &Filter,
    position: PagePosition,
    limit: u32,
    order: ScanOrder,
) -> Result<Page<Lead>, Error> {
    let filter = &filter.resolved(conn).await?;
    let mut statement = Statement::default();
    let touched = statement.within("t.occurred_at", position.within(filter.period.range()));
    let page = |statement: &mut Statement| position.select(statement, "t.occurred_at", "t.id", limit);
    let text = match order {
        ScanOrder::ByTime => {
            let matching = matching(&mut statement, filter);
            let page = page(&mut statement);
            select(sql_text!("{touched} {matching} {page}"; touched, matching, page))
        }
        ScanOrder::ByVisitor => {
            let matching = matching_of_visitor(&mut statement, filter);
            let page = page(&mut statement);
            sql_text!(
                "select {COLUMNS}, {UTM}, {SHOWN_CAMPAIGN} as shown_campaign
                 from visitors v cross join touches t cross join users u
                 where t.visitor_id = v.id and u.id = v.user_id and v.user_id is not null and {touched} {matching} {page}";
                COLUMNS, UTM, SHOWN_CAMPAIGN, touched, matching, page
            )
        }
    };
    let rows = statement.query(text).fetch_all(conn).await?;
    Ok(Page::new(rows, position, limit))
}

const COLUMNS: &str = "t.id, v.user_id, u.email as user_email, t.visitor_id, t.occurred_at, v.linked_at,
    t.channel, t.click_ids, t.tags, t.landing_path, t.referrer, t.origin, t.derived, t.internal, t.hits";
const UTM: &str = Utm::COLUMN_LIST;

/// Returns a query for the leads with these conditions. The query has the same joins as the view `lead_sources`.
fn select(conditions: SqlText) -> SqlText {
    sql_text!(
        "select {COLUMNS}, {UTM}, {SHOWN_CAMPAIGN} as shown_campaign
         from touches t join visitors v on v.id = t.visitor_id join users u on u.id = v.user_id
         where {conditions}";
        COLUMNS, UTM, SHOWN_CAMPAIGN, conditions
    )
}

/// Returns one lead, or `None` if no touch has this id or the visitor belongs to no user.
pub async fn lead(conn: &mut Conn, id: TouchId) -> Result<Option<Lead>, Error> {
    let mut statement = Statement::default();
    let id = statement.bind(id);
    let text = select(sql_text!("t.id = {id}"; id));
    statement.query(text).fetch_optional(conn).await
}

/// Returns the latest touches of a linked visitor, newest first.
pub async fn leads_of_visitor(conn: &mut Conn, visitor: VisitorId, limit: u32) -> Result<Vec<Lead>, Error> {
    let mut statement = Statement::default();
    let (visitor, limit) = (statement.bind(visitor), statement.bind(limit));
    let text = select(sql_text!(
        "t.visitor_id = {visitor} order by t.occurred_at desc, t.id desc limit {limit}"; visitor, limit
    ));
    statement.query(text).fetch_all(conn).await
}

/// Returns the touches of all visitors of a user, oldest first.
pub async fn leads_of_user(conn: &mut Conn, user: UserId, limit: u32) -> Result<Vec<Lead>, Error> {
    let mut statement = Statement::default();
    let (user, limit) = (statement.bind(user), statement.bind(limit));
    // `+ 0` keeps PostgreSQL from walking all touches in the order of time, which it may do before it has statistics.
    let text = select(sql_text!("v.user_id = {user} order by t.occurred_at + 0, t.id limit {limit}"; user, limit));
    statement.query(text).fetch_all(conn).await
}

/// Returns the number of leads of a period.
pub async fn lead_count(conn: &mut Conn, filter: &Filter) -> Result<i64, Error> {
    let mut statement = Statement::default();
    let touched = statement.within("t.occurred_at", filter.period.range());
    let matching = matching_of_visitor(&mut statement, filter);
    let text = sql_text!(
        "select count(*)
         from visitors v cross join touches t
         where t.visitor_id = v.id and v.user_id is not null and {touched} {matching}";
        touched, matching
    );
    statement.query(text).fetch_scalar(conn).await
}
