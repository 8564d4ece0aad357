//! One pass for several erasures:
//!
//! 1. All touches, in the order of their ids. The pass removes the addresses, and notes which values of the users' touches other
//!    visitors have.
//! 2. The touches of the last days once more, because some came while the pass was under way.
//! 3. Conversions, campaign aliases and referral links.
//! 4. The users' own touches: values that nobody else has go.
//!
//! Reads are short and outside any transaction; each write is a short transaction, which renews the lease. Every step can be
//! repeated: what is erased already stays as it is.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use uuid::{Builder, Uuid};

use super::{
    BATCH, erase_external_id, erase_external_ids,
    shared_values::{OwnValues, PERSONAL},
    task::{Task, WaitingErasure},
    touch_texts::TouchTexts,
};
use crate::{
    attribution::signal::Utm,
    auth::session_lifetime::end_sessions,
    db::{Conn, Db, Error, FromEitherRow, Query, Value, sql},
    id::{ConversionId, TouchId, VisitorId},
    jobs::lease::Lease,
    privacy::email_in_text::EmailMatcher,
    timestamp::Timestamp,
};

/// How many touches are read at a time.
const PAGE: u32 = 1000;
/// After this many pages the pass stores how far it is.
const CHECKPOINT: u32 = 5;
/// A touch can wait in a browser's cookie for a week before it is stored.
const RECENT: Duration = Duration::from_hours(8 * 24);

pub(super) struct Pass<'d> {
    db: &'d Db,
    lease: Lease,
    erasures: Vec<WaitingErasure>,
    own: OwnValues,
    /// How many touches the pass has looked at.
    looked_at: u64,
}

/// A touch as the pass reads it: id, visitor, the values of [`PERSONAL`], and all texts if they may contain an address.
type ScannedTouch =
    (TouchId, VisitorId, Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

/// Why a pass ended before its erasures were finished.
#[derive(Debug)]
enum Stopped {
    /// The lease ran out, and another process does the work.
    LeaseLost,
    Database(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl<'d> Pass<'d> {
    pub async fn new(db: &'d Db, lease: Lease, erasures: Vec<WaitingErasure>) -> Result<Self, Error> {
        let mut own = OwnValues::default();
        let mut conn = db.read_in_background().await?;
        for WaitingErasure { user, task, .. } in &erasures {
            own.add(&mut conn, *user, &task.key, &task.shared).await?;
        }
        Ok(Self { db, lease, erasures, own, looked_at: 0 })
    }

    /// Finishes the erasures. Returns `false` if another process took over.
    pub async fn run(mut self, progress: &(impl Fn(u64) + Sync)) -> Result<bool, Error> {
        match self.all_steps(progress).await {
            Ok(()) => Ok(true),
            Err(Stopped::LeaseLost) => Ok(false),
            Err(Stopped::Database(error)) => Err(error),
        }
    }

    async fn all_steps(&mut self, progress: &(impl Fn(u64) + Sync)) -> Result<(), Stopped> {
        let from = self.erasures.iter().filter_map(|erasure| erasure.task.looked_to).min().unwrap_or(TouchId::NIL);
        let asked = self.erasures.iter().map(|erasure| erasure.requested_at).min().unwrap_or(Timestamp::EPOCH);
        self.look_through_touches(from, progress).await?;
        self.look_through_touches(first_id_at(asked - RECENT), progress).await?;
        self.look_through_other_tables().await?;
        for place in 0..self.erasures.len() {
            self.finish(place).await?;
        }
        Ok(())
    }

    async fn look_through_touches(
        &mut self,
        mut after: TouchId,
        progress: &(impl Fn(u64) + Sync),
    ) -> Result<(), Stopped> {
        let mut pages = 0;
        loop {
            let begin = Instant::now();
            let touches: Vec<ScannedTouch> =
                page_of_touches().bind(after).bind(PAGE).fetch_all(&mut self.db.read_in_background().await?).await?;
            let Some(last) = touches.last().map(|touch| touch.0) else { return Ok(()) };
            after = last;
            self.looked_at += touches.len() as u64;
            progress(self.looked_at);
            for ids in self.look_at(&touches).chunks(BATCH as usize) {
                self.remove_addresses(ids).await?;
            }
            pages += 1;
            if pages % CHECKPOINT == 0 {
                self.save(after).await?;
            }
            // The pass takes at most half of a core and of a connection.
            tokio::time::sleep(begin.elapsed()).await;
        }
    }

    /// Notes the values that touches share with the users' touches. Returns the touches that contain an address.
    fn look_at(&mut self, touches: &[ScannedTouch]) -> Vec<TouchId> {
        let mut found = Vec::new();
        for (id, visitor, term, content, utm_id, landing_path, texts) in touches {
            let (own, erasures) = (&mut self.own, &mut self.erasures);
            for (column, value) in [term, content, utm_id, landing_path].into_iter().enumerate() {
                let Some(value) = value else { continue };
                own.see(*visitor, column, value, |place| {
                    let task = &mut erasures[place].task;
                    task.shared.add(&task.key, column, value);
                });
            }
            if texts.as_ref().is_some_and(|texts| self.emails().any(|email| email.is_in(texts))) {
                found.push(*id);
            }
        }
        found
    }

    fn emails(&self) -> impl Iterator<Item = &EmailMatcher> {
        self.erasures.iter().filter_map(|erasure| erasure.task.email.as_ref())
    }

    async fn remove_addresses(&self, ids: &[TouchId]) -> Result<(), Stopped> {
        let (ids, tasks) = (ids.to_vec(), self.tasks());
        self.write(move |conn| {
            Box::pin(async move {
                for mut touch in TouchTexts::by_ids(conn, &ids).await? {
                    for task in &tasks {
                        if let Some(email) = &task.email {
                            touch = touch.without_email(email, &task.key);
                        }
                    }
                    touch.save(conn).await?;
                }
                Ok(())
            })
        })
        .await
    }

    fn tasks(&self) -> Vec<Task> {
        self.erasures.iter().map(|erasure| erasure.task.clone()).collect()
    }

    /// Stores how far the pass is, for the process that goes on after this one died.
    async fn save(&mut self, looked_to: TouchId) -> Result<(), Stopped> {
        for erasure in &mut self.erasures {
            // The second look at the touches of the last days begins further back.
            erasure.task.looked_to = erasure.task.looked_to.max(Some(looked_to));
        }
        let erasures = self.erasures.clone();
        self.write(move |conn| {
            Box::pin(async move {
                for erasure in erasures {
                    erasure.save(conn).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn look_through_other_tables(&self) -> Result<(), Stopped> {
        if self.emails().next().is_none() {
            return Ok(());
        }
        let conversions: Vec<(Uuid, String, String)> =
            self.mentions("conversions", "id", ["source", "external_id"], Uuid::nil()).await?;
        for (id, source, external_id) in conversions {
            self.write(move |conn| {
                Box::pin(async move { erase_external_id(conn, ConversionId::from(id), &source, &external_id).await })
            })
            .await?;
        }
        let aliases: Vec<(String, String, String)> =
            self.mentions("campaign_aliases", "alias", ["alias", "campaign"], String::new()).await?;
        for (alias, ..) in aliases {
            let delete = sql("delete from campaign_aliases where alias = $1").bind(alias);
            self.write(move |conn| Box::pin(async move { delete.execute(conn).await.map(|_| ()) })).await?;
        }
        let links: Vec<(String, String, String)> =
            self.mentions("referral_tokens", "token", ["campaign", "landing_path"], String::new()).await?;
        for (token, campaign, path) in links {
            let has_email = |text: &str| self.emails().any(|email| email.is_in(text));
            let update = sql("update referral_tokens set campaign = $2, landing_path = $3 where token = $1")
                .bind(token)
                .bind(if has_email(&campaign) { "referral".to_owned() } else { campaign })
                .bind(if has_email(&path) { "/".to_owned() } else { path });
            self.write(move |conn| Box::pin(async move { update.execute(conn).await.map(|_| ()) })).await?;
        }
        let entries: Vec<(Uuid, String, String)> =
            self.mentions("audit_entries", "id", ["coalesce(target, '')", "coalesce(detail, '')"], Uuid::nil()).await?;
        for (id, ..) in entries {
            let update = sql("update audit_entries set target = null, detail = null where id = $1").bind(id);
            self.write(move |conn| Box::pin(async move { update.execute(conn).await.map(|_| ()) })).await?;
        }
        Ok(())
    }

    /// Returns the rows of a table in which one of two texts contains an address: key and texts. `least` is smaller than every
    /// key.
    async fn mentions<Key>(
        &self,
        table: &str,
        key: &str,
        texts: [&str; 2],
        least: Key,
    ) -> Result<Vec<(Key, String, String)>, Stopped>
    where
        Key: Clone + Into<Value>,
        (Key, String, String): FromEitherRow,
    {
        let ([one, other], candidates) = (texts, EmailMatcher::CANDIDATES);
        let statement = format!(
            "select row_key, one, other from (
                select {key} as row_key, {one} as one, {other} as other, {one} || ' ' || {other} as text from {table}) t
            where row_key > $1 and {candidates} order by row_key limit $2"
        );
        let (mut found, mut after) = (Vec::new(), least);
        loop {
            let rows: Vec<(Key, String, String)> = sql(statement.clone())
                .bind(after)
                .bind(PAGE)
                .fetch_all(&mut self.db.read_in_background().await?)
                .await?;
            let Some((last, ..)) = rows.last() else { return Ok(found) };
            after = last.clone();
            let has_email = |text: &str| self.emails().any(|email| email.is_in(text));
            found.extend(rows.into_iter().filter(|(_, one, other)| has_email(one) || has_email(other)));
        }
    }

    /// Cleans the rest of a user's rows, and ends the erasure.
    async fn finish(&self, place: usize) -> Result<(), Stopped> {
        let erasure = &self.erasures[place];
        let mut after = TouchId::NIL;
        loop {
            let WaitingErasure { user, task, .. } = erasure.clone();
            let last = self
                .write(move |conn| {
                    Box::pin(async move {
                        let mut last = None;
                        for touch in TouchTexts::of_user(conn, user, after, BATCH).await? {
                            last = Some(touch.id());
                            let cleaned = touch.clone().without_click(task.email.as_ref(), &task.key);
                            let cleaned = cleaned.without_own_values(&task.key, &task.shared);
                            if cleaned != touch {
                                cleaned.save(conn).await?;
                            }
                        }
                        Ok(last)
                    })
                })
                .await?;
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        let user = erasure.user;
        while self.write(move |conn| Box::pin(erase_external_ids(conn, user))).await? > 0 {}
        let (id, now) = (erasure.id, self.db.now());
        self.write(move |conn| {
            Box::pin(async move {
                // A sign-in that was in flight during the request may have begun a session.
                end_sessions(conn, user).await?;
                sql("update erasures set task = null, rows_cleaned_at = $2 where id = $1")
                    .bind(id)
                    .bind(now)
                    .execute(conn)
                    .await
                    .map(|_| ())
            })
        })
        .await
    }

    /// Runs a transaction that holds only while this process has the lease.
    async fn write<T, F>(&self, work: F) -> Result<T, Stopped>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, Error>> + Send + 'static,
    {
        let (lease, now) = (self.lease, self.db.now());
        let done = self.db.transaction(move |conn| {
            Box::pin(async move {
                match lease.renew(conn, now).await? {
                    true => work(conn).await.map(Some),
                    false => Ok::<_, Error>(None),
                }
            })
        });
        done.await?.ok_or(Stopped::LeaseLost)
    }
}

/// Returns the statement that reads the next touches after the id `$1`, `$2` of them at most.
fn page_of_touches() -> Query {
    let texts = Utm::COLUMNS.into_iter().chain(["landing_path", "referrer", "tags", "click_ids"]);
    let texts: Vec<String> = texts.map(|column| format!("coalesce({column}, '')")).collect();
    let (personal, texts, candidates) = (PERSONAL.join(", "), texts.join(" || ' ' || "), EmailMatcher::CANDIDATES);
    sql(format!(
        "select id, visitor_id, {personal}, case when {candidates} then text end from (
            select id, visitor_id, {personal}, {texts} as text from touches where id > $1 order by id limit $2) t
        order by id"
    ))
}

/// Returns the smallest id that is made at a time.
fn first_id_at(at: Timestamp) -> TouchId {
    let millis = u64::try_from(at.as_millis()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid().into()
}
