use std::collections::BTreeMap;

use self::similar_names::{CampaignCount, SimilarPair};
use super::{
    Filter, Period,
    campaign_name::GroupedCampaign,
    filter::conditions::matching,
    period::{FIRST_DAY, LAST_DAY},
    statement::{SqlText, Statement, sql_text},
};
use crate::db::{Conn, Error};

/// Campaign names that differ by little.
pub mod similar_names;

/// The most campaign names that are compared with each other: those with the most touches.
pub const MOST_NAMES: u32 = 10_000;

/// The arrivals that did not count on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoredDay {
    /// In UTC: `2026-11-23`.
    pub day: String,
    /// By reason, as the counter names it.
    pub counts: BTreeMap<String, i64>,
}

impl IgnoredDay {
    pub fn total(&self) -> i64 {
        self.counts.values().sum()
    }
}

/// Returns a condition: the day lies in the period. Arrivals are counted by days in UTC, so the period's days are taken
/// as such.
fn on_days(statement: &mut Statement, period: &Period) -> SqlText {
    let first = statement.bind(period.from.unwrap_or(FIRST_DAY).to_string());
    let last = statement.bind(period.to.unwrap_or(LAST_DAY).to_string());
    sql_text!("day >= {first} and day <= {last}"; first, last)
}

/// Returns the arrivals that did not count in a period, by reason, largest first.
pub async fn ignored(conn: &mut Conn, period: &Period) -> Result<Vec<(String, i64)>, Error> {
    let mut statement = Statement::default();
    let on_days = on_days(&mut statement, period);
    let text = sql_text!(
        "select reason, cast(sum(count) as bigint) as total from ignored_arrivals
         where {on_days}
         group by reason order by total desc, reason";
        on_days
    );
    statement.query(text).fetch_all(conn).await
}

/// Returns the arrivals that did not count, by day, the latest day first: at most `days` days, without days on which
/// all counted.
pub async fn ignored_days(conn: &mut Conn, period: &Period, days: u32) -> Result<Vec<IgnoredDay>, Error> {
    let mut statement = Statement::default();
    let on_days = on_days(&mut statement, period);
    let days = statement.bind(days);
    let text = sql_text!(
        "select day, reason, count from ignored_arrivals
         where {on_days} and day in (
           select day from ignored_arrivals where {on_days} group by day order by day desc limit {days})
         order by day desc, reason";
        on_days, days
    );
    let rows: Vec<(String, String, i64)> = statement.query(text).fetch_all(conn).await?;
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

/// Counts of touches that somebody may want to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TouchCounts {
    pub all: i64,
    /// Arrivals, not touches: the same arrival again within half an hour.
    pub repeats: i64,
    /// The source, the medium or both follow from a click id or the referrer.
    pub derived: i64,
    /// The link stood on a page of this site.
    pub internal: i64,
    pub without_source: i64,
    pub without_medium: i64,
    /// By the version of the rules that chose the channel, largest first.
    pub by_rules: Vec<(String, i64)>,
}

impl TouchCounts {
    /// Returns the number of touches whose channel other rules chose.
    pub fn by_other_rules(&self, version: &str) -> i64 {
        self.by_rules.iter().filter(|(rules, _)| rules != version).map(|(_, touches)| touches).sum()
    }
}

#[derive(sqlx::FromRow)]
struct RulesVersionCounts {
    rules_version: String,
    touches: i64,
    repeats: i64,
    derived: i64,
    internal: i64,
    without_source: i64,
    without_medium: i64,
}

/// Counts the touches of a period.
pub async fn touches(conn: &mut Conn, filter: &Filter) -> Result<TouchCounts, Error> {
    let filter = &filter.resolved(conn).await?;
    let mut statement = Statement::default();
    let touched = statement.within("t.occurred_at", filter.period.range());
    let matching = matching(&mut statement, filter);
    let text = sql_text!(
        "select t.rules_version, count(*) as touches, cast(sum(t.hits - 1) as bigint) as repeats,
                cast(sum(case when t.derived then 1 else 0 end) as bigint) as derived,
                cast(sum(case when t.internal then 1 else 0 end) as bigint) as internal,
                cast(sum(case when t.source is null then 1 else 0 end) as bigint) as without_source,
                cast(sum(case when t.medium is null then 1 else 0 end) as bigint) as without_medium
         from touches t
         where {touched} {matching}
         group by t.rules_version order by touches desc, t.rules_version";
        touched, matching
    );
    let rows: Vec<RulesVersionCounts> = statement.query(text).fetch_all(conn).await?;
    let mut counts = TouchCounts::default();
    for row in rows {
        counts.all += row.touches;
        counts.repeats += row.repeats;
        counts.derived += row.derived;
        counts.internal += row.internal;
        counts.without_source += row.without_source;
        counts.without_medium += row.without_medium;
        counts.by_rules.push((row.rules_version, row.touches));
    }
    Ok(counts)
}

/// Campaign names that look alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimilarNames {
    /// Pairs of the names with the most touches first.
    pub pairs: Vec<SimilarPair>,
    /// Whether there were more than [`MOST_NAMES`], so that not all were compared.
    pub cut: bool,
}

/// Compares the names under which reports show the campaigns of a period.
pub async fn similar_names(conn: &mut Conn, filter: &Filter) -> Result<SimilarNames, Error> {
    let filter = &filter.resolved(conn).await?;
    let GroupedCampaign { join, campaign } = GroupedCampaign::load(conn).await?;
    let mut statement = Statement::default();
    let touched = statement.within("t.occurred_at", filter.period.range());
    let matching = matching(&mut statement, filter);
    let limit = statement.bind(MOST_NAMES + 1);
    let text = sql_text!(
        "select name, touches from (
           select {campaign} as name, count(*) as touches
           from touches t {join}
           where t.campaign is not null and {touched} {matching}
           group by {campaign}) names
         order by touches desc, name limit {limit}";
        campaign, join, touched, matching, limit
    );
    let mut names: Vec<CampaignCount> = statement.query(text).fetch_all(conn).await?;
    let cut = names.len() > MOST_NAMES as usize;
    names.truncate(MOST_NAMES as usize);
    Ok(SimilarNames { pairs: similar_names::pairs(&names), cut })
}
