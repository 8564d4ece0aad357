//! Sample data: a year of campaigns, visitors, sign-ups and purchases of people who do not exist.
//!
//! What always holds:
//! - Sample data does not mix with real data unless [`Demo::mix`] says so. Every user and visitor of the sample is marked, so
//!   that [`remove`] removes the sample data and nothing else.
//! - The same [`Demo`] on the same day (UTC) makes the same rows, with the same ids. Rows of today that lie in the future are
//!   left out.
//! - A [`LargeDemo`] makes the same kinds of people in any number, and takes the same memory for any number of touches.
//! - E-mail addresses are under `example.com`, `.net` and `.org`. No password fits, so nobody can sign in as a sample user.
//! - Touches are made from query strings, by the parser and the rules of real landings.

/// Who arrives for the first time, and on which day.
mod arrivals;
/// How many arrivals each campaign has on each day.
mod calendar;
/// The campaigns, their links, and when they run.
mod campaigns;
mod fill;
/// A sample of any size, for measuring.
mod large;
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
/// What a large site has more of.
mod variety;

pub use self::{
    fill::{DemoError, fill},
    large::{LargeProgress, fill_large},
    options::{Demo, LargeDemo},
    remove::remove,
    summary::DemoSummary,
};
