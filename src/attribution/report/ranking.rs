use std::time::Duration;

use super::{
    Filter, Statement,
    statement::{LINKED, USERS_TOUCHES, dialect},
    trend::Metric,
};
use crate::db::{Conn, Dialect, Error};

/// What touches are ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    Channel,
    Source,
    LandingPage,
    /// The host of the page that linked here; touches without one are left out.
    Referrer,
}

/// One row of a ranking.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Ranked {
    /// Nothing stands for touches that have no value.
    pub value: Option<String>,
    pub count: i64,
}

/// The largest by `metric`, largest first, at most `limit`.
///
/// Visitors and users who came by two of them count for both.
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
    let value = match (dimension, dialect(conn)) {
        (Dimension::Channel, _) => "t.channel",
        (Dimension::Source, _) => "t.source",
        (Dimension::LandingPage, _) => "t.landing_path",
        (Dimension::Referrer, Dialect::Sqlite) => "substr(t.referrer, 1, instr(t.referrer || '/', '/') - 1)",
        (Dimension::Referrer, Dialect::Postgres) => "split_part(t.referrer, '/', 1)",
    };
    let statement = Statement::new("select value, count from (select ").text(value).text(" as value, ");
    let statement = match metric {
        Metric::Touches | Metric::Visitors => statement
            .text(if metric == Metric::Touches { "count(*)" } else { "count(distinct t.visitor_id)" })
            .text(" as count from touches t where ")
            .within("t.occurred_at", range)
            .matching(filter),
        Metric::Leads => {
            let statement = statement.text("count(*) as count").text(LINKED);
            statement.within("t.occurred_at", range).matching_of_visitor(filter)
        }
        Metric::Signups => statement
            .text("count(distinct u.id) as count")
            .text(USERS_TOUCHES)
            .within("u.created_at", range)
            .text(" and t.occurred_at <= u.created_at and t.occurred_at >= u.created_at - ")
            .value(window)
            .matching_of_visitor(filter),
    };
    let statement = statement.text(match dimension {
        Dimension::Referrer => " and t.referrer is not null",
        _ => "",
    });
    statement
        .text(" group by ")
        .text(value)
        .text(") ranked order by count desc, value nulls last limit ")
        .value(limit)
        .query()
        .fetch_all(conn)
        .await
}
