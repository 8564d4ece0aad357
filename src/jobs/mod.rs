//! Work in the background.
//!
//! There are two kinds of it, and each has one way:
//!
//! | work | how |
//! |---|---|
//! | caused by a request, to be done once: sending a mail | a [`Job`] in the table `queued_jobs`, which is the outbox of mail |
//! | repeated while the server runs, on one replica at a time: retention | `server::housekeeping`, with a [`lease`] |
//!
//! What always holds:
//! - A job's row is written in the transaction that causes the job. So the job runs if and only if the transaction is committed.
//! - One worker at a time runs a job. A worker that dies keeps the job for no longer than its lease of [`worker::LEASE`].
//! - A job that fails is tried again after a while ([`queue::wait_after`]). After [`queue::TRIES`] tries, or after a failure that
//!   stays, the job is dead: it stays in the table, and `/admin/jobs` and `waymark jobs` show it.
//! - A job may run twice: the worker may die after the work and before it notes so. A job's id is the same each time.
//!
//! # Another job
//!
//! 1. A type with what the job has to know. It becomes JSON, so it can hold an id and no connection:
//!
//!    ```ignore
//!    #[derive(Serialize, Deserialize)]
//!    struct Welcome { user: UserId }
//!    impl Job for Welcome { const KIND: &'static str = "welcome"; }
//!    ```
//!
//! 2. What runs it, in `server/background.rs`, before the function returns `handlers`:
//!
//!    ```ignore
//!    let own = state.clone();
//!    handlers = handlers.on(move |job: Welcome, run| welcome(own.clone(), job, run));
//!    ```
//!
//! 3. Where it is caused, in the transaction: `NewJob::new(&Welcome { user })?.of_user(user).write(conn, now).await?`, and
//!    after the transaction `jobs.wake()`, so that the worker need not look by itself.

/// A job runs on one replica at a time.
pub mod lease;
/// The queue as admins see it.
pub mod list;
/// The table: adding, taking and ending jobs.
pub mod queue;
#[cfg(test)]
mod tests;
/// Runs jobs.
pub mod worker;

pub use self::{
    queue::{Job, NewJob},
    worker::{Handlers, JobError, Jobs, Run},
};
