use super::{
    Filter,
    credit::CreditSettings,
    filter::conditions::{matching_of_visitor, of_kind},
    page::{Cursor, HasCursor, Page, PagePosition},
    statement::{SqlText, Statement, sql_text},
};
use crate::{
    attribution::model::Minor,
    db::{Conn, Error, contains_pattern, sql},
    id::{ConversionId, UserId},
    timestamp::Timestamp,
};

/// A conversion, with the sum of its refunds. Refunds are not rows of their own here.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ListedConversion {
    pub id: ConversionId,
    pub user_id: UserId,
    pub user_email: String,
    pub kind: String,
    pub occurred_at: Timestamp,
    pub value: Minor,
    pub currency: Option<String>,
    /// The sum of all refunds so far; not negative.
    pub refunded: Minor,
    /// The system that reported the conversion.
    pub source: String,
    /// The name of the conversion in that system.
    pub external_id: String,
}

impl HasCursor for ListedConversion {
    fn cursor(&self) -> Cursor {
        Cursor { occurred_at: self.occurred_at, id: self.id.as_uuid() }
    }
}

/// Returns one page of the conversions of a period, sorted by time and id, newest first.
///
/// A conversion matches the filter if one of the touches that may get its credit matches. A conversion without such touches
/// matches if the filter finds Direct.
pub async fn conversions(
    conn: &mut Conn,
    filter: &Filter,
    settings: &CreditSettings,
    position: PagePosition,
    limit: u32,
) -> Result<Page<ListedConversion>, Error> {
    let mut statement = Statement::default();
    let occurred = statement.within("c.occurred_at", position.within(filter.period.range()));
    let matching = conditions(&mut statement, filter, settings);
    let page = position.select(&mut statement, "c.occurred_at", "c.id", limit);
    let text = sql_text!(
        "select c.id, c.user_id, u.email as user_email, c.kind, c.occurred_at, c.value, c.currency, c.source, c.external_id,
                cast((select coalesce(-sum(r.value), 0) from conversions r where r.refund_of = c.id) as bigint) as refunded
         from conversions c join users u on u.id = c.user_id
         where c.refund_of is null and {occurred} {matching} {page}";
        occurred, matching, page
    );
    let rows = statement.query(text).fetch_all(conn).await?;
    Ok(Page::new(rows, position, limit))
}

/// Returns the number of conversions of a period.
pub async fn conversion_count(conn: &mut Conn, filter: &Filter, settings: &CreditSettings) -> Result<i64, Error> {
    let mut statement = Statement::default();
    let occurred = statement.within("c.occurred_at", filter.period.range());
    let matching = conditions(&mut statement, filter, settings);
    let text = sql_text!(
        "select count(*) from conversions c join users u on u.id = c.user_id
         where c.refund_of is null and {occurred} {matching}";
        occurred, matching
    );
    statement.query(text).fetch_scalar(conn).await
}

/// Returns whether there is any conversion at all, in any period.
pub async fn any_conversion(conn: &mut Conn) -> Result<bool, Error> {
    Ok(sql("select 1 from conversions limit 1").fetch_optional::<(i32,)>(conn).await?.is_some())
}

/// Returns the filter's conditions on the conversion `c` of the user `u`, with an `and` before each.
fn conditions(statement: &mut Statement, filter: &Filter, settings: &CreditSettings) -> SqlText {
    let of_kind = of_kind(statement, filter);
    if filter.is_bare() {
        return of_kind;
    }
    let path = path(statement, settings);
    let matching = matching_of_visitor(statement, filter);
    let direct = match (filter.finds_direct(), &filter.q) {
        (false, _) => SqlText::default(),
        (true, None) => sql_text!("or not exists ({path})"; path),
        (true, Some(q)) => {
            let pattern = statement.bind(contains_pattern(&q.to_lowercase()));
            sql_text!(r"or (not exists ({path}) and u.email_lower like {pattern} escape '\')"; path, pattern)
        }
    };
    sql_text!("{of_kind} and (exists ({path} {matching}) {direct})"; of_kind, path, matching, direct)
}

/// Returns a query for the touches that the conversion `c` may be credited to. Further conditions may follow it.
fn path(statement: &mut Statement, settings: &CreditSettings) -> SqlText {
    let mut windows = SqlText::default();
    for (kind, window) in &settings.windows {
        let (kind, window) = (statement.bind(kind.as_str()), statement.bind(*window));
        windows = sql_text!("{windows} when {kind} then {window}"; windows, kind, window);
    }
    let window = statement.bind(settings.window);
    let window = match settings.windows.is_empty() {
        true => window,
        false => sql_text!("case c.kind {windows} else {window} end"; windows, window),
    };
    let internal = if settings.internal_touches { "" } else { "and not t.internal" };
    sql_text!(
        "select 1 from visitors v join touches t on t.visitor_id = v.id
         where v.user_id = c.user_id and t.occurred_at <= c.occurred_at and t.occurred_at >= c.occurred_at - {window}
           {internal}";
        window, internal
    )
}
