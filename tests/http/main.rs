//! The application over HTTP: one file a feature, each test against a server of its own on a database of its own, on SQLite
//! and on PostgreSQL.

mod support;

mod abandoned;
mod accounts;
mod capture;
mod cookies;
mod cross_origin;
mod guards;
mod headers;
mod lead_sources;
mod next;
mod outage;
mod passwords;
mod process;
mod races;
mod referrals;
mod sessions;
mod start;
mod throttle;
