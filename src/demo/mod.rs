//! Sample data: a year of campaigns, visitors, sign-ups and purchases of people who do not exist.
//!
//! What always holds:
//! - Sample data does not mix with real data unless [`Demo::mix`] says so. Every user and visitor of the sample is marked, so
//!   that [`remove`] removes the sample data and nothing else.
//! - The same [`Demo`] on the same day (UTC) makes the same rows, with the same ids. Rows of today that lie in the future are
//!   left out.
//! - E-mail addresses are under `example.com`, `.net` and `.org`. No password fits, so nobody can sign in as a sample user.
//! - Touches are made from query strings, by the parser and the rules of real landings.

/// How many arrivals each campaign has on each day.
mod calendar;
/// The campaigns, their links, and when they run.
mod campaigns;
mod fill;
/// Names of people who do not exist.
mod names;
mod options;
/// Who arrives, when, from where, and who signs up.
mod people;
mod remove;
/// What is stored of the people.
mod rows;
/// What the users buy, and which payments are refunded.
mod sales;
mod summary;
#[cfg(test)]
mod tests;

pub use self::{
    fill::{DemoError, fill},
    options::Demo,
    remove::remove,
    summary::DemoSummary,
};
