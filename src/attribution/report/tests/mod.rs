//! Most tests compare a report with a recomputation in plain Rust over all rows ([`recompute`]).

mod conversions;
mod credit;
mod filter;
mod leads;
mod learnt;
mod naive_credit;
mod period;
mod quality;
mod recompute;
mod referrals;
pub mod sample;
mod steps;

use std::{sync::Arc, time::Duration};

use self::sample::WINDOW;
use super::{
    Filter, Question,
    matcher::Matcher,
    ranking::{Dimension, Ranked, RankingTally},
    totals::{Totals, TotalsTally},
    trend::{Axis, Metric, Trend, TrendTally},
};
use crate::{
    attribution::facts::{
        Facts,
        keeper::{FactsKeeper, KeeperSettings},
    },
    db::Db,
    timestamp::Timestamp,
};

/// Returns a keeper with room for every test's facts.
pub fn keeper(db: &Db) -> FactsKeeper {
    FactsKeeper::new(db.clone(), KeeperSettings { memory: 64 << 20, idle: Duration::from_mins(1), file: None })
}

/// Loads the facts of a database.
pub async fn facts(db: &Db) -> Arc<Facts> {
    keeper(db).facts_within(Duration::from_mins(1)).await.expect("facts")
}

/// Returns the question that a filter asks.
pub async fn question(db: &Db, filter: &Filter) -> Question {
    Question::new(db, filter.clone(), WINDOW).await.expect("a question")
}

/// Counts a period.
pub fn totals(facts: &Facts, question: &Question) -> Totals {
    let matcher = Matcher::new(facts, question);
    matcher.scan(matcher.range, || TotalsTally::new(&matcher)).finish()
}

/// Counts `metric` in each bucket of the period's [`Axis`], and of the period before. Visitors are distinct within a
/// bucket, so the sum of all buckets may exceed the visitors of the period.
pub fn trend(facts: &Facts, question: &Question, metric: Metric, now: Timestamp) -> Trend {
    let matcher = Matcher::new(facts, question);
    let axis = Axis::new(facts, question, now);
    matcher.scan(axis.range(matcher.range), || TrendTally::new(&matcher, &axis, metric)).finish(&axis)
}

/// Returns at most `limit` values with the largest numbers by `metric`, largest first. A visitor or user who came by two values
/// counts for both.
pub fn ranking(facts: &Facts, question: &Question, dimension: Dimension, metric: Metric, limit: usize) -> Vec<Ranked> {
    let matcher = Matcher::new(facts, question);
    matcher.scan(matcher.range, || RankingTally::new(&matcher, dimension, metric)).finish(limit)
}
