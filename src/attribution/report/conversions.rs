use std::time::Duration;

use super::{
    Filter, Statement,
    credit::CreditSettings,
    page::{Cursor, HasCursor, Page, PagePosition},
    statement::contains_pattern,
};
use crate::{
    db::{Conn, Error},
    id::{ConversionId, UserId},
    timestamp::Timestamp,
};

/// A conversion, and what became of it. Refunds are no rows of their own here.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ListedConversion {
    pub id: ConversionId,
    pub user_id: UserId,
    pub user_email: String,
    pub kind: String,
    pub occurred_at: Timestamp,
    /// In minor units.
    pub value: i64,
    pub currency: Option<String>,
    /// What was taken back so far, in minor units; not negative.
    pub refunded: i64,
    /// Who reported it.
    pub source: String,
    /// Its name there.
    pub external_id: String,
}

impl HasCursor for ListedConversion {
    fn cursor(&self) -> Cursor {
        Cursor { occurred_at: self.occurred_at, id: self.id.as_uuid() }
    }
}

/// One page of the conversions of a period, equal times by id.
///
/// What the filter asks of touches holds for a conversion where it does for one of the touches it may be credited to; where there is
/// none, for Direct.
pub async fn conversions(
    conn: &mut Conn,
    filter: &Filter,
    settings: &CreditSettings,
    position: PagePosition,
    limit: u32,
) -> Result<Page<ListedConversion>, Error> {
    let found = Statement::new(
        "select c.id, c.user_id, u.email as user_email, c.kind, c.occurred_at, c.value, c.currency, c.source, c.external_id,
                cast((select coalesce(-sum(r.value), 0) from conversions r where r.refund_of = c.id) as bigint) as refunded
         from conversions c join users u on u.id = c.user_id where c.refund_of is null and ",
    )
    .within("c.occurred_at", position.within(filter.period.range()))
    .converted_by(filter, settings);
    let rows = position.select(found, "c.occurred_at", "c.id", limit).query().fetch_all(conn).await?;
    Ok(Page::new(rows, position, limit))
}

/// How many conversions a period has.
pub async fn conversion_count(conn: &mut Conn, filter: &Filter, settings: &CreditSettings) -> Result<i64, Error> {
    Statement::new("select count(*) from conversions c join users u on u.id = c.user_id where c.refund_of is null and ")
        .within("c.occurred_at", filter.period.range())
        .converted_by(filter, settings)
        .query()
        .fetch_scalar(conn)
        .await
}

/// Whether there is any conversion at all.
pub async fn any_conversion(conn: &mut Conn) -> Result<bool, Error> {
    Ok(Statement::new("select 1 from conversions limit 1").query().fetch_optional::<(i32,)>(conn).await?.is_some())
}

impl Statement {
    /// Conditions, each with its `and`: what the filter asks of the conversion `c` of the user `u`.
    fn converted_by(self, filter: &Filter, settings: &CreditSettings) -> Self {
        let statement = self.of_kind(filter);
        if filter.is_bare() {
            return statement;
        }
        let statement = statement.text(" and (exists ").path(settings).matching_of_visitor(filter).text(")");
        let statement = match filter.finds_direct() {
            false => statement,
            true => statement
                .text(" or (not exists ")
                .path(settings)
                .text(")")
                .with(|statement| match &filter.q {
                    Some(q) => statement
                        .text(" and u.email_lower like ")
                        .value(contains_pattern(&q.to_lowercase()))
                        .text(r" escape '\'"),
                    None => statement,
                })
                .text(")"),
        };
        statement.text(")")
    }

    /// The touches that the conversion `c` may be credited to, open for further conditions.
    fn path(self, settings: &CreditSettings) -> Self {
        let mut statement = self.text(
            "(select 1 from visitors v join touches t on t.visitor_id = v.id where v.user_id = c.user_id
              and t.occurred_at <= c.occurred_at and t.occurred_at >= c.occurred_at - ",
        );
        if settings.windows.is_empty() {
            statement = statement.value(settings.window);
        } else {
            statement = statement.text("case c.kind");
            for (kind, window) in &settings.windows {
                statement = statement.text(" when ").value(kind.as_str()).text(" then ").bigint(*window);
            }
            statement = statement.text(" else ").bigint(settings.window).text(" end");
        }
        statement.text(if settings.internal_touches { "" } else { " and not t.internal" })
    }

    /// A number where nothing else says to PostgreSQL that it is one.
    fn bigint(self, value: Duration) -> Self {
        self.text("cast(").value(value).text(" as bigint)")
    }
}
