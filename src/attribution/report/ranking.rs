use std::time::Duration;

use super::{
    Filter,
    filter::conditions::{matching, matching_of_visitor},
    statement::{Statement, sql_text},
    trend::Metric,
};
use crate::db::{Conn, Dialect, Error};

/// What touches are ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    Channel,
    Source,
    LandingPage,
    /// The host of the referrer. Touches without a referrer are left out.
    Referrer,
}

impl Dimension {
    const fn expression(self, dialect: Dialect) -> &'static str {
        match (self, dialect) {
            (Self::Channel, _) => "t.channel",
            (Self::Source, _) => "t.source",
            (Self::LandingPage, _) => "t.landing_path",
            (Self::Referrer, Dialect::Sqlite) => "substr(t.referrer, 1, instr(t.referrer || '/', '/') - 1)",
            (Self::Referrer, Dialect::Postgres) => "split_part(t.referrer, '/', 1)",
        }
    }
}

/// One row of a ranking.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Ranked {
    /// `None` for touches without a value.
    pub value: Option<String>,
    pub count: i64,
}

/// Returns at most `limit` values with the largest numbers by `metric`, largest first. A visitor or user who came by two values
/// counts for both.
pub async fn ranking(
    conn: &mut Conn,
    filter: &Filter,
    window: Duration,
    dimension: Dimension,
    metric: Metric,
    limit: u32,
) -> Result<Vec<Ranked>, Error> {
    let filter = &filter.resolved(conn).await?;
    let range = filter.period.range();
    let value = dimension.expression(conn.dialect());
    let has_value = if dimension == Dimension::Referrer { "and t.referrer is not null" } else { "" };
    let mut statement = Statement::default();
    let counted = match metric {
        Metric::Touches | Metric::Visitors => {
            let count = if metric == Metric::Touches { "count(*)" } else { "count(distinct t.visitor_id)" };
            let touched = statement.within("t.occurred_at", range);
            let matching = matching(&mut statement, filter);
            sql_text!(
                "select {value} as value, {count} as count
                 from touches t
                 where {touched} {matching} {has_value}
                 group by {value}";
                value, count, touched, matching, has_value
            )
        }
        Metric::Leads => {
            let touched = statement.within("t.occurred_at", range);
            let matching = matching_of_visitor(&mut statement, filter);
            sql_text!(
                "select {value} as value, count(*) as count
                 from visitors v cross join touches t
                 where t.visitor_id = v.id and v.user_id is not null and {touched} {matching} {has_value}
                 group by {value}";
                value, touched, matching, has_value
            )
        }
        Metric::Signups => {
            let signed_up = statement.within("u.created_at", range);
            let window = statement.bind(window);
            let matching = matching_of_visitor(&mut statement, filter);
            sql_text!(
                "select {value} as value, count(distinct u.id) as count
                 from users u cross join visitors v cross join touches t
                 where v.user_id = u.id and t.visitor_id = v.id and {signed_up}
                   and t.occurred_at <= u.created_at and t.occurred_at >= u.created_at - {window} {matching} {has_value}
                 group by {value}";
                value, signed_up, window, matching, has_value
            )
        }
    };
    let limit = statement.bind(limit);
    let text = sql_text!(
        "select value, count from ({counted}) ranked order by count desc, value nulls last limit {limit}";
        counted, limit
    );
    statement.query(text).fetch_all(conn).await
}
