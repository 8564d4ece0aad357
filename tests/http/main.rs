//! Tests of the application over HTTP, one file per feature. Each test starts its own server on its own database, once on SQLite
//! and once on PostgreSQL.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod provider_server;
#[path = "../conformance/runner/mod.rs"]
mod runner;
mod smtp_server;
mod support;
mod tcp_proxy;

mod abandoned;
mod account_guards;
mod account_limits;
mod accounts;
mod admin_pages;
mod audit;
mod backup;
mod beacon;
mod capture;
mod conformance;
mod connections;
mod consent;
mod consent_handoff;
mod conversion_errors;
mod conversions;
mod cookies;
mod cross_origin;
mod database_down;
mod doors;
mod equal_answers;
mod facts;
mod guards;
mod headers;
mod hostile;
mod inspector;
mod invitations;
mod jobs;
mod known_devices;
mod lead_sources;
mod logs;
mod mail_faults;
mod mail_links;
mod models;
mod new_device;
mod next;
mod observatory;
mod outage;
mod overload;
mod page_arrival;
mod passwords;
mod privacy;
mod privacy_signal;
mod process;
mod projects;
mod provider_faults;
mod provider_joins;
mod providers;
mod quality;
mod races;
mod referrals;
mod referrers;
mod report_tokens;
mod second_factor;
mod sessions;
mod settings;
mod start;
mod stopping;
mod throttle;
mod traces;
mod user_mails;
mod users;
