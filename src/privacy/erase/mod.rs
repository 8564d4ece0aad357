//! Erasing a user. The row in `users` stays, without anything that identifies a person. The rows from which totals are counted stay
//! too: visitors, touches, conversions. What could identify the person changes:
//!
//! | what | becomes |
//! |---|---|
//! | e-mail address | `erased-…`, which is not an address, so that the old one can be registered again |
//! | password, role | none, `member`; the account is disabled |
//! | sessions, failed sign-ins, known browsers, second factor, waiting jobs and mails, links in mails, invitations to and by the user | removed |
//! | entries of the audit log by and about the user | stay, without the e-mail address and the network |
//! | the user's referral link | disabled, without an owner. The users it brought stay counted |
//! | click ids and tags of a touch | `{}` |
//! | fingerprint of a touch | a digest of its UTM fields under a discarded key. Equal fields keep equal digests, for the models |
//! | fingerprint of a touch before the touch was completed | none |
//! | referrer of a touch | the host and `/` |
//! | external ids of conversions | digests, so that a conversion that is reported again still counts once |
//! | term, content, campaign id, landing path of a touch | unchanged where another visitor's touch has the same; else none (`/`) |
//! | any text of anyone's touch that contains the e-mail address | as above; source, medium and the like become none |
//! | an external id of another user's conversion that contains the address | a digest too |
//! | a campaign alias that contains the address, or whose campaign does | removed |
//! | campaign and landing path of another referral link that contain it | `referral` and `/` |
//!
//! So a term that a campaign's link gave to many people stays, and a term that was made for this person goes. Totals stay the
//! same under every filter except one that asks for an erased value. Consents stay: what a visitor decided and when. The
//! visitor no longer identifies a person.
//!
//! The request changes what it finds quickly: [`begin`] closes the account and cleans the user's own rows. Other visitors' touches
//! decide the rest, and there may be millions. So a [job](work) goes through all touches once, for all erasures that wait.
//! The table `erasures` holds how far the job is, so a restarted job goes on near where it stopped. Afterwards
//! [`file_wipe`](super::file_wipe) removes the old data from the database's files. The [`confirmation`] page shows these steps.

/// What the person can see of an erasure.
pub mod confirmation;
/// The job that finishes erasures.
mod job;
/// The key under which an erasure makes digests.
mod key;
/// The way of the job through the tables.
mod pass;
/// Values that the user's touches share with others.
mod shared_values;
/// What the job still needs.
mod task;
/// The texts of a touch, and what erasing makes of them.
mod touch_texts;

use uuid::Uuid;

pub use self::job::{erase, work};
use self::{task::Task, touch_texts::TouchTexts};
use super::email_in_text::EmailMatcher;
use crate::{
    attribution::{conversion::erased_id, touch::fingerprint::ERASED_RANGE},
    audit::{self, Action, Actor, Entry},
    auth::{
        doors::{invitation, one_time},
        known_device,
        manage::is_last_admin,
        providers::connection,
        second_factor,
        session_lifetime::end_sessions,
        throttle,
    },
    db::{Conn, Db, Error, sql},
    id::{ConversionId, TouchId, UserId},
    jobs::queue,
    secret_token::SecretToken,
    timestamp::{DAY, Timestamp},
};

/// How many touches, and how many conversions, one transaction changes.
const BATCH: u32 = 200;

/// Why no user was erased. The texts are for people.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EraseError {
    /// No user has this id.
    #[error("There is no such user.")]
    Unknown,
    /// The user is the only admin who can sign in. Without the user, the admin pages would be closed to everybody.
    #[error("This is the only admin. Make somebody else an admin first.")]
    LastAdmin,
    /// The database failed, and nothing changed.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Closes a user's account, cleans the user's own rows, and notes what is left for [`work`]. Returns the token of the confirmation
/// page. Erasing a user again is harmless.
pub async fn begin(db: &Db, user: UserId, by: &Actor) -> Result<SecretToken, EraseError> {
    let (now, token, by) = (db.now(), SecretToken::random(), by.clone());
    let token_hash = token.digest();
    db.transaction(move |conn| {
        Box::pin(async move {
            if is_last_admin(conn, user).await? {
                return Err(EraseError::LastAdmin);
            }
            // The user's row is locked before anything of the user changes: see `user_lock`. This lock also waits for transactions
            // that add rows with a reference to the user.
            let lock = format!("select email_lower from users where id = $1{}", conn.for_update());
            let found: Option<(String,)> = sql(lock).bind(user).fetch_optional(conn).await?;
            let (email_lower,) = found.ok_or(EraseError::Unknown)?;
            // The placeholder of an erased user is no address, so it has no matcher.
            let task = Task::new(EmailMatcher::new(&email_lower));
            if close_account(conn, user, now).await? {
                Entry::new(Action::AccountErased, &by).on_erased_user(user).write(conn, now).await?;
            }
            // This also changes the entry of the erasure, if the users erase themselves.
            audit::forget_user(conn, user).await?;
            throttle::forget_failures(conn, &email_lower).await?;
            queue::forget(conn, user, throttle::account_key(&email_lower)).await?;
            known_device::forget_all(conn, user).await?;
            connection::forget_all(conn, user).await?;
            second_factor::remove(conn, user).await?;
            super::projects::erase(conn, user).await?;
            one_time::end_all(conn, user).await?;
            invitation::forget(conn, &email_lower, user).await?;
            erase_external_ids(conn, user).await?;
            for touch in TouchTexts::of_user(conn, user, TouchId::NIL, BATCH).await? {
                touch.without_click(task.email.as_ref(), &task.key).save(conn).await?;
            }
            sql("insert into erasures (id, user_id, token_hash, requested_at, task) values ($1, $2, $3, $4, $5)")
                .bind(Uuid::now_v7())
                .bind(user)
                .bind(token_hash)
                .bind(now)
                .bind(task.to_json())
                .execute(conn)
                .await?;
            Ok(())
        })
    })
    .await?;
    tracing::info!(%user, "an account was closed, and its user is being erased");
    Ok(token)
}

/// Returns how many erasures wait for [`work`].
pub async fn waiting(db: &Db) -> Result<i64, Error> {
    sql("select count(*) from erasures where task is not null and files_cleaned_at is null")
        .fetch_scalar(&mut db.read_in_background().await?)
        .await
}

/// Begins the erasure of what a request in flight added to a user while the user was erased: a landing or a sign-in. Housekeeping
/// calls this function.
pub async fn find_late(db: &Db) -> Result<(), EraseError> {
    let late: Vec<(UserId,)> = sql("select u.id from users u where u.erased_at > $1
        and not exists (select 1 from erasures e where e.user_id = u.id and e.task is not null)
        and (exists (select 1 from tower_sessions s where s.user_id = u.id) or
            exists (select 1 from known_devices d where d.user_id = u.id) or
            exists (select 1 from user_identities i where i.user_id = u.id) or
            exists (select 1 from visitors v join touches t on t.visitor_id = v.id
                where v.user_id = u.id and (t.fingerprint < 0 or t.fingerprint >= $2)))")
    .bind(db.now() - DAY)
    .bind(ERASED_RANGE.end)
    .fetch_all(&mut db.read_in_background().await?)
    .await?;
    for (user,) in late {
        begin(db, user, &Actor::command_line()).await?;
    }
    Ok(())
}

/// Returns whether the account was not erased before.
async fn close_account(conn: &mut Conn, user: UserId, now: Timestamp) -> Result<bool, Error> {
    // The placeholder has no `@`, so it is not an e-mail address. `!` is not the hash of any password.
    let placeholder = format!("erased-{}", Uuid::new_v4().simple());
    let changed = sql("update users set email = $2, email_lower = $2, password_hash = '!', role = 'member',
            email_verified_at = null,
            session_epoch = session_epoch + 1, disabled_at = coalesce(disabled_at, $3), erased_at = $3
        where id = $1 and erased_at is null")
    .bind(user)
    .bind(placeholder)
    .bind(now)
    .execute(conn)
    .await?;
    end_sessions(conn, user).await?;
    // Leads that wait for a confirmation of the address are nobody's: nobody showed that the address is theirs.
    sql("update visitors set pending_user_id = null where pending_user_id = $1").bind(user).execute(conn).await?;
    sql("update referral_tokens set owner_id = null, disabled_at = coalesce(disabled_at, $2) where owner_id = $1")
        .bind(user)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(changed > 0)
}

/// Replaces the external ids of a user's conversions, [`BATCH`] of them at most. Returns how many were replaced. The external id
/// of a sign-up stays: it holds only the user's id.
async fn erase_external_ids(conn: &mut Conn, user: UserId) -> Result<usize, Error> {
    let ids: Vec<(ConversionId, String, String)> = sql("select id, source, external_id from conversions
        where user_id = $1 and kind <> 'signup' and external_id not like 'erased:%' limit $2")
    .bind(user)
    .bind(BATCH)
    .fetch_all(conn)
    .await?;
    let count = ids.len();
    for (id, source, external_id) in ids {
        erase_external_id(conn, id, &source, &external_id).await?;
    }
    Ok(count)
}

async fn erase_external_id(conn: &mut Conn, id: ConversionId, source: &str, external_id: &str) -> Result<(), Error> {
    sql("update conversions set external_id = $2 where id = $1")
        .bind(id)
        .bind(erased_id(source, external_id))
        .execute(conn)
        .await
        .map(|_| ())
}
