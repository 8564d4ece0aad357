//! Tests of the reports. The numbers are compared with a recomputation in plain Rust over all rows ([`recompute`]).

mod filter;
mod leads;
mod period;
mod recompute;
mod referrals;
pub mod sample;
