//! Leads: touches of visitors who belong to a user (the view `lead_sources`), newest first.

use super::{
    Question,
    matcher::{Conditions, Matcher},
    page::{Found, Place, Places, at_places},
};
use crate::{
    attribution::{
        facts::{Facts, Person, scan::Tally},
        signal::Utm,
        touch::TouchOrigin,
    },
    db::{
        Conn, Error,
        page::{Cursor, Page, Position},
        sql,
    },
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

impl Lead {
    /// Returns the place in the list.
    fn cursor(&self) -> Cursor {
        Cursor { at: self.occurred_at, id: self.id.as_uuid() }
    }
}

/// Finds one page of the leads of a period, newest first.
pub fn find_leads(facts: &Facts, question: &Question, position: Position<Cursor>, limit: u32) -> Found {
    let matcher = Matcher::new(facts, question);
    matcher.scan(matcher.range, || LeadTally::new(&matcher, position, limit)).finish()
}

/// Counts leads, and notes where those of a page are.
pub struct LeadTally<'a> {
    matcher: &'a Matcher<'a>,
    places: Places,
}

impl<'a> LeadTally<'a> {
    pub fn new(matcher: &'a Matcher<'a>, position: Position<Cursor>, limit: u32) -> Self {
        Self { matcher, places: Places::new(position, limit, matcher.range) }
    }

    pub fn finish(self) -> Found {
        self.places.finish()
    }
}

impl Tally for LeadTally<'_> {
    fn add(&mut self, person: &Person<'_>) {
        if person.user().is_none() {
            return;
        }
        for touch in self.matcher.touches(person) {
            self.places.add(Place { at: touch.at, user: person.id().into(), kind: None });
        }
    }

    fn merge(&mut self, other: Self) {
        self.places.merge(other.places);
    }
}

/// Reads the page of leads that [`find_leads`] found, sorted by the time of the touch and by id, newest first.
pub async fn read_leads(
    conn: &mut Conn,
    facts: &Facts,
    question: &Question,
    found: &Found,
) -> Result<Page<Lead, Cursor>, Error> {
    if found.places.is_empty() {
        return Ok(found.page(Vec::new(), Lead::cursor));
    }
    let text = select(
        "place p cross join visitors v cross join touches t cross join users u
         where v.user_id = p.user_id and t.visitor_id = v.id and t.occurred_at = p.occurred_at and u.id = v.user_id",
    );
    let mut rows: Vec<Lead> = at_places(&found.places, &text).fetch_all(conn).await?;
    // A user may have another touch at the same moment, which the filter does not find.
    let mut conditions = Conditions::new(facts.dictionary(), question);
    rows.retain(|lead| {
        let Utm { source, medium, campaign, term, content, .. } = &lead.utm;
        let text = |value: &str| facts.dictionary().texts.find(value);
        let [source, medium, campaign, term, content] =
            [source, medium, campaign, term, content].map(|value| value.as_deref().and_then(text));
        let (named, found) = conditions.find([source, medium, campaign, term, content, text(&lead.channel)]);
        found || (named && question.found_users().binary_search(&lead.user_id.as_uuid()).is_ok())
    });
    Ok(found.page(rows, Lead::cursor))
}

/// The joins of the view `lead_sources`.
const LEADS: &str = "touches t join visitors v on v.id = t.visitor_id join users u on u.id = v.user_id";

/// Returns the text of a query for leads. `from` has the tables and conditions.
fn select(from: &str) -> String {
    const UTM: &str = Utm::COLUMN_LIST;
    format!(
        "select t.id, v.user_id, u.email as user_email, t.visitor_id, t.occurred_at, v.linked_at, t.channel, t.click_ids,
            t.tags, t.landing_path, t.referrer, t.origin, t.derived, t.internal, t.hits, {UTM},
            coalesce((select ca.campaign from campaign_aliases ca where ca.alias = t.campaign), t.campaign) as shown_campaign
         from {from}"
    )
}

/// Returns one lead, or `None` if no touch has this id or the visitor belongs to no user.
pub async fn lead(conn: &mut Conn, id: TouchId) -> Result<Option<Lead>, Error> {
    sql(select(&format!("{LEADS} where t.id = $1"))).bind(id).fetch_optional(conn).await
}

/// Returns the latest touches of a linked visitor, newest first.
pub async fn leads_of_visitor(conn: &mut Conn, visitor: VisitorId, limit: u32) -> Result<Vec<Lead>, Error> {
    let text = select(&format!("{LEADS} where t.visitor_id = $1 order by t.occurred_at desc, t.id desc limit $2"));
    sql(text).bind(visitor).bind(limit).fetch_all(conn).await
}

/// Returns the touches of all visitors of a user, oldest first.
pub async fn leads_of_user(conn: &mut Conn, user: UserId, limit: u32) -> Result<Vec<Lead>, Error> {
    // `+ 0` keeps PostgreSQL from walking all touches in the order of time, which it may do before it has statistics.
    let text = select(&format!("{LEADS} where v.user_id = $1 order by t.occurred_at + 0, t.id limit $2"));
    sql(text).bind(user).bind(limit).fetch_all(conn).await
}
