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
