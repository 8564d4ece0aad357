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
use super::{Filter, Question};
use crate::{
    attribution::facts::{
        Facts,
        keeper::{FactsKeeper, KeeperSettings},
    },
    db::Db,
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
