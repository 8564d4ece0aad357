//! How far the numbers can be trusted: what did not count and why, which touches to look at, campaign names that look alike.

use std::collections::BTreeMap;

use self::similar_names::{Named, Pair};
use super::{
    Filter, Period, Statement,
    period::{FIRST_DAY, LAST_DAY},
    statement::Merging,
};
use crate::db::{Conn, Error};

/// Campaign names that differ by little.
pub mod similar_names;

/// The most campaign names that are compared with each other: those with the most touches.
pub const MOST_NAMES: u32 = 10_000;

/// What did not count on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoredDay {
    /// In UTC: `2026-11-23`.
    pub day: String,
    /// By the counter's word.
    pub counts: BTreeMap<String, i64>,
}

impl IgnoredDay {
    pub fn total(&self) -> i64 {
        self.counts.values().sum()
    }
}

impl Statement {
    /// A condition: the day lies in the period. Its days are taken as days in UTC, which is how they are counted.
    fn on_days(self, period: &Period) -> Self {
        let (from, to) = (period.from.unwrap_or(FIRST_DAY), period.to.unwrap_or(LAST_DAY));
        self.text("day >= ").value(from.to_string()).text(" and day <= ").value(to.to_string())
    }
}

/// What did not count in a period by the counter's word, largest first.
pub async fn ignored(conn: &mut Conn, period: &Period) -> Result<Vec<(String, i64)>, Error> {
    Statement::new("select reason, cast(sum(count) as bigint) as total from ignored_arrivals where ")
        .on_days(period)
        .text(" group by reason order by total desc, reason")
        .query()
        .fetch_all(conn)
        .await
}

/// The same by day, the latest first; at most so many days, those on which something did not count.
pub async fn ignored_days(conn: &mut Conn, period: &Period, days: u32) -> Result<Vec<IgnoredDay>, Error> {
    let rows: Vec<(String, String, i64)> = Statement::new("select day, reason, count from ignored_arrivals where ")
        .on_days(period)
        .text(" and day in (select day from ignored_arrivals where ")
        .on_days(period)
        .text(" group by day order by day desc limit ")
        .value(days)
        .text(") order by day desc, reason")
        .query()
        .fetch_all(conn)
        .await?;
    let mut found: Vec<IgnoredDay> = Vec::new();
    for (day, reason, count) in rows {
        if found.last().is_none_or(|last| last.day != day) {
            found.push(IgnoredDay { day, counts: BTreeMap::new() });
        }
        if let Some(last) = found.last_mut() {
            last.counts.insert(reason, count);
        }
    }
    Ok(found)
}

/// Touches to look at. Each number counts touches, but for `repeats`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touches {
    pub all: i64,
    /// Arrivals that were the same touch again, within half an hour.
    pub repeats: i64,
    /// Source and medium follow from a click id or the referrer.
    pub derived: i64,
    /// The link stood on a page of our own.
    pub internal: i64,
    pub without_source: i64,
    pub without_medium: i64,
    /// By the version of the rules that chose the channel, the most first.
    pub by_rules: Vec<(String, i64)>,
}

impl Touches {
    /// Those whose channel other rules chose.
    pub fn by_other_rules(&self, version: &str) -> i64 {
        self.by_rules.iter().filter(|(rules, _)| rules != version).map(|(_, touches)| touches).sum()
    }
}

#[derive(sqlx::FromRow)]
struct TouchRow {
    rules_version: String,
    touches: i64,
    repeats: i64,
    derived: i64,
    internal: i64,
    without_source: i64,
    without_medium: i64,
}

/// Counts the touches of a period.
pub async fn touches(conn: &mut Conn, filter: &Filter) -> Result<Touches, Error> {
    let filter = &filter.resolved(conn).await?;
    let rows: Vec<TouchRow> = Statement::new(
        "select t.rules_version, count(*) as touches, cast(sum(t.hits - 1) as bigint) as repeats,
                cast(sum(case when t.derived then 1 else 0 end) as bigint) as derived,
                cast(sum(case when t.internal then 1 else 0 end) as bigint) as internal,
                cast(sum(case when t.source is null then 1 else 0 end) as bigint) as without_source,
                cast(sum(case when t.medium is null then 1 else 0 end) as bigint) as without_medium
         from touches t where ",
    )
    .within("t.occurred_at", filter.period.range())
    .matching(filter)
    .text(" group by t.rules_version order by touches desc, t.rules_version")
    .query()
    .fetch_all(conn)
    .await?;
    let mut all = Touches::default();
    for row in rows {
        all.all += row.touches;
        all.repeats += row.repeats;
        all.derived += row.derived;
        all.internal += row.internal;
        all.without_source += row.without_source;
        all.without_medium += row.without_medium;
        all.by_rules.push((row.rules_version, row.touches));
    }
    Ok(all)
}

/// Campaign names that look alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alike {
    /// The ones with the most touches first.
    pub pairs: Vec<Pair>,
    /// Whether there were more than [`MOST_NAMES`], so that not all were compared.
    pub cut: bool,
}

/// Compares the names under which reports show the campaigns of a period.
pub async fn similar_names(conn: &mut Conn, filter: &Filter) -> Result<Alike, Error> {
    let filter = &filter.resolved(conn).await?;
    let Merging { join, campaign } = Merging::of(conn).await?;
    let mut names: Vec<Named> = Statement::new("select name, touches from (select ")
        .text(campaign)
        .text(" as name, count(*) as touches from touches t")
        .text(join)
        .text(" where t.campaign is not null and ")
        .within("t.occurred_at", filter.period.range())
        .matching(filter)
        .text(" group by ")
        .text(campaign)
        .text(") names order by touches desc, name limit ")
        .value(MOST_NAMES + 1)
        .query()
        .fetch_all(conn)
        .await?;
    let cut = names.len() > MOST_NAMES as usize;
    names.truncate(MOST_NAMES as usize);
    Ok(Alike { pairs: similar_names::pairs(&names), cut })
}
