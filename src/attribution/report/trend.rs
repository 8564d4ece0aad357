use std::time::Duration;

use jiff::civil::Date;

use super::{
    Filter, Range,
    filter::conditions::{brought_by, matching, matching_of_visitor},
    period::Bucket,
    statement::{SqlText, Statement, sql_text},
};
use crate::{
    db::{Conn, Error, sql},
    timestamp::Timestamp,
};

/// A number that charts and rankings show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    Touches,
    Visitors,
    Leads,
    Signups,
}

impl Metric {
    pub const ALL: [Self; 4] = [Self::Touches, Self::Visitors, Self::Leads, Self::Signups];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Touches => "touches",
            Self::Visitors => "visitors",
            Self::Leads => "leads",
            Self::Signups => "signups",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.as_str() == text)
    }
}

/// A number over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trend {
    pub buckets: Vec<Bucket>,
    /// The number in each bucket.
    pub current: Vec<i64>,
    /// The number in each bucket of the period before. `None` if the period has an open end.
    pub previous: Option<Vec<i64>>,
}

/// The time axis of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    pub buckets: Vec<Bucket>,
    /// The range of each bucket.
    pub current: Vec<Range>,
    /// The range of each bucket in the period before. `None` if the period has an open end.
    pub previous: Option<Vec<Range>>,
}

/// Returns the time axis of a period. An open end becomes the first or the last event.
pub async fn axis(conn: &mut Conn, filter: &Filter, now: Timestamp) -> Result<Axis, Error> {
    let today = filter.period.day_of(now);
    let (first, last) = span(conn, filter).await?;
    let period = filter.period.closed(first, last, today);
    let buckets = period.buckets();
    let current = buckets.iter().map(|bucket| bucket.range(&period.tz)).collect();
    let back = |days| buckets.iter().map(|bucket| bucket.back(days).range(&period.tz)).collect();
    let previous = filter.period.days().map(back);
    Ok(Axis { buckets, current, previous })
}

/// Counts `metric` in each bucket of the period's [`axis`], and of the period before. Visitors are distinct within a
/// bucket, so the sum of all buckets may exceed the visitors of the period.
pub async fn trend(
    conn: &mut Conn,
    filter: &Filter,
    window: Duration,
    metric: Metric,
    now: Timestamp,
) -> Result<Trend, Error> {
    let Axis { buckets, current: mut ranges, previous } = axis(conn, filter, now).await?;
    let both = previous.is_some();
    ranges.extend(previous.into_iter().flatten());
    let mut current = counts(conn, filter, window, metric, &ranges).await?;
    let previous = current.split_off(buckets.len());
    Ok(Trend { buckets, current, previous: both.then_some(previous) })
}

/// Returns the days of the first and the last event.
async fn span(conn: &mut Conn, filter: &Filter) -> Result<(Option<Date>, Option<Date>), Error> {
    let ends: Vec<(Option<Timestamp>, Option<Timestamp>)> =
        sql("select min(occurred_at), max(occurred_at) from touches
         union all select min(created_at), max(created_at) from users
         union all select min(occurred_at), max(occurred_at) from conversions")
        .fetch_all(conn)
        .await?;
    let day = |at: Timestamp| filter.period.day_of(at);
    let (firsts, lasts): (Vec<_>, Vec<_>) = ends.into_iter().unzip();
    Ok((firsts.into_iter().flatten().min().map(day), lasts.into_iter().flatten().max().map(day)))
}

/// Counts in each of the ranges, with one statement. For each range the database walks through an index.
async fn counts(
    conn: &mut Conn,
    filter: &Filter,
    window: Duration,
    metric: Metric,
    ranges: &[Range],
) -> Result<Vec<i64>, Error> {
    let filter = &filter.resolved(conn).await?;
    let mut counts = vec![0; ranges.len()];
    if ranges.is_empty() {
        return Ok(counts);
    }
    if metric == Metric::Leads {
        return lead_counts(conn, filter, ranges).await;
    }
    let mut statement = Statement::default();
    let buckets = bucket_values(&mut statement, ranges);
    // `cross join`: SQLite takes the tables in this order and uses the index for each bucket
    let text = match metric {
        Metric::Touches | Metric::Visitors | Metric::Leads => {
            let count = if metric == Metric::Visitors { "count(distinct t.visitor_id)" } else { "count(*)" };
            let matching = matching(&mut statement, filter);
            sql_text!(
                "with bucket (number, starts, ends) as (values {buckets})
                 select number, {count}
                 from bucket b cross join touches t
                 where t.occurred_at >= b.starts and t.occurred_at < b.ends {matching}
                 group by number";
                buckets, count, matching
            )
        }
        Metric::Signups => {
            let matching = match filter.is_bare() {
                true => SqlText::default(),
                false => {
                    let brought = brought_by(&mut statement, filter, window);
                    sql_text!("and {brought}"; brought)
                }
            };
            sql_text!(
                "with bucket (number, starts, ends) as (values {buckets})
                 select number, count(*)
                 from bucket b cross join users u
                 where u.created_at >= b.starts and u.created_at < b.ends {matching}
                 group by number";
                buckets, matching
            )
        }
    };
    for (number, count) in statement.query(text).fetch_all::<(i64, i64)>(conn).await? {
        if let Some(place) = usize::try_from(number).ok().and_then(|number| counts.get_mut(number)) {
            *place = count;
        }
    }
    Ok(counts)
}

/// Binds the ranges as rows `(number, starts, ends)`.
fn bucket_values(statement: &mut Statement, ranges: &[Range]) -> SqlText {
    let mut rows = SqlText::default();
    for (number, range) in ranges.iter().enumerate() {
        let comma = if number == 0 { "" } else { ", " };
        let number = statement.bind(number as i64);
        let (starts, ends) = (statement.bind(range.start), statement.bind(range.end));
        rows = sql_text!("{rows}{comma}({number}, {starts}, {ends})"; rows, comma, number, starts, ends);
    }
    rows
}

/// Counts leads in each of the ranges. The database finds leads by their visitors, not by their time, so they are
/// sorted into the ranges here.
async fn lead_counts(conn: &mut Conn, filter: &Filter, ranges: &[Range]) -> Result<Vec<i64>, Error> {
    let mut counts = vec![0; ranges.len()];
    let whole = Range {
        start: ranges.iter().map(|range| range.start).min().unwrap_or_default(),
        end: ranges.iter().map(|range| range.end).max().unwrap_or_default(),
    };
    let mut statement = Statement::default();
    let touched = statement.within("t.occurred_at", whole);
    let matching = matching_of_visitor(&mut statement, filter);
    let text = sql_text!(
        "select t.occurred_at
         from visitors v cross join touches t
         where t.visitor_id = v.id and v.user_id is not null and {touched} {matching}";
        touched, matching
    );
    let times: Vec<(Timestamp,)> = statement.query(text).fetch_all(conn).await?;
    // Ranges do not overlap: only the first range that ends after a time can hold the time.
    let mut by_end: Vec<usize> = (0..ranges.len()).collect();
    by_end.sort_by_key(|&place| (ranges[place].end, ranges[place].start));
    for (at,) in times {
        let first = by_end.partition_point(|&place| ranges[place].end <= at);
        if let Some(&place) = by_end.get(first)
            && ranges[place].contains(at)
        {
            counts[place] += 1;
        }
    }
    Ok(counts)
}
