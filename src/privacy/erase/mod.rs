//! Erasing a user, in one transaction. The row in `users` stays, without anything that identifies a person. The rows from which
//! totals are counted stay too: visitors, touches, conversions. What could identify the person changes:
//!
//! | what | becomes |
//! |---|---|
//! | e-mail address | `erased-…`, which is not an address, so that the old one can be registered again |
//! | password, role | none, `member`; the account is disabled |
//! | sessions, failed sign-ins | removed |
//! | click ids and tags of a touch | `{}` |
//! | fingerprint of a touch | a digest of its UTM fields under a discarded key. Equal fields keep equal digests, for the models |
//! | referrer of a touch | the host and `/` |
//! | term, content, campaign id, landing path of a touch | unchanged where another visitor's touch has the same; else none (`/`) |
//! | any text of anyone's touch that contains the e-mail address | as above; source, medium and the like become none |
//! | external ids of conversions | digests, so that a conversion that is reported again still counts once |
//! | an external id of another user's conversion that contains the address | a digest too |
//! | a campaign alias that contains the address, or whose campaign does | removed |
//! | campaign and landing path of another referral link that contain it | `referral` and `/` |
//! | the user's referral link | disabled, without an owner. The users it brought stay counted |
//!
//! So a term that a campaign's link gave to many people stays, and a term that was made for this person goes. Totals stay the
//! same under every filter except one that asks for an erased value. Consents stay: what a visitor decided and when. The
//! visitor no longer identifies a person.
//!
//! Afterwards [`file_wipe`] removes the old data from the database's files.

/// Other rows that contain the e-mail address.
mod mentions;
/// Values that the user's touches share with others.
mod shared_values;
/// The texts of a touch, and what erasing makes of them.
mod touch_texts;

use uuid::Uuid;

use self::{
    mentions::Mentions,
    shared_values::SharedValues,
    touch_texts::{ErasureKey, TouchTexts},
};
use super::{email_in_text::EmailMatcher, file_wipe};
use crate::{
    attribution::{conversion::erased_id, touch::fingerprint::ERASED_RANGE},
    auth::throttle,
    db::{Conn, Db, Error, sql},
    id::{ConversionId, UserId},
    timestamp::{DAY, Timestamp},
};

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

/// Erases a user. Afterwards call [`file_wipe::clear`]. Erasing a user again is harmless.
pub async fn erase(db: &Db, user: UserId) -> Result<(), EraseError> {
    let Findings { email_lower, email, shared, mentions } = find(&mut db.read().await?, user).await?;
    let (now, key) = (db.now(), ErasureKey::new());
    db.transaction(move |conn| {
        Box::pin(async move {
            if is_last_admin(conn, user).await? {
                return Err(EraseError::LastAdmin);
            }
            // The user's row is changed first, because recording a conversion locks that row too.
            erase_user(conn, user, now).await?;
            sql("delete from tower_sessions where user_id = $1").bind(user).execute(conn).await?;
            throttle::forget_failures(conn, &email_lower).await?;
            sql("update referral_tokens set owner_id = null, disabled_at = coalesce(disabled_at, $2) where owner_id = $1")
                .bind(user)
                .bind(now)
                .execute(conn)
                .await?;
            erase_external_ids(conn, user).await?;
            for touch in TouchTexts::of_user(conn, user).await? {
                touch.without_personal(&shared, email.as_ref(), &key).save(conn).await?;
            }
            if let Some(email) = &email {
                mentions.clear(conn, email, &key).await?;
            }
            file_wipe::note(conn).await?;
            Ok(())
        })
    })
    .await?;
    tracing::info!(%user, "a user was erased");
    Ok(())
}

/// What is found before the transaction.
struct Findings {
    email_lower: String,
    /// `None` if the user was erased before.
    email: Option<EmailMatcher>,
    shared: SharedValues,
    mentions: Mentions,
}

/// Looks through all touches, which takes too long for a transaction. The values of a touch that the user adds afterwards
/// count as not shared, and the transaction removes them.
async fn find(conn: &mut Conn, user: UserId) -> Result<Findings, EraseError> {
    let found: Option<(String, bool)> = sql("select email_lower, erased_at is not null from users where id = $1")
        .bind(user)
        .fetch_optional(conn)
        .await?;
    let (email_lower, erased) = found.ok_or(EraseError::Unknown)?;
    let email = (!erased).then(|| EmailMatcher::new(&email_lower));
    let shared = SharedValues::find(conn, user).await?;
    let mentions = match &email {
        Some(email) => Mentions::find(conn, email).await?,
        None => Mentions::default(),
    };
    Ok(Findings { email_lower, email, shared, mentions })
}

/// Erases what a request in flight added to a user while the user was erased: a landing or a sign-in. Housekeeping calls this
/// function.
pub async fn finish(db: &Db) -> Result<(), EraseError> {
    let late: Vec<(UserId,)> = sql("select u.id from users u where u.erased_at > $1 and (
            exists (select 1 from tower_sessions s where s.user_id = u.id) or
            exists (select 1 from visitors v join touches t on t.visitor_id = v.id
                where v.user_id = u.id and (t.fingerprint < 0 or t.fingerprint >= $2)))")
    .bind(db.now() - DAY)
    .bind(ERASED_RANGE.end)
    .fetch_all(&mut db.read().await?)
    .await?;
    for (user,) in late {
        erase(db, user).await?;
    }
    Ok(())
}

/// Returns whether this is the only admin who can sign in. Locks the admins' rows. So if two admins erase themselves at the same
/// time, the second one is refused.
async fn is_last_admin(conn: &mut Conn, user: UserId) -> Result<bool, Error> {
    let lock =
        format!("select id from users where role = 'admin' and disabled_at is null order by id{}", conn.for_update());
    let admins: Vec<(UserId,)> = sql(lock).fetch_all(conn).await?;
    Ok(admins == [(user,)])
}

async fn erase_user(conn: &mut Conn, user: UserId, now: Timestamp) -> Result<(), Error> {
    // The placeholder has no `@`, so it is not an e-mail address. `!` is not the hash of any password.
    let placeholder = format!("erased-{}", Uuid::new_v4().simple());
    sql("update users set email = $2, email_lower = $2, password_hash = '!', role = 'member',
            session_epoch = session_epoch + 1, disabled_at = coalesce(disabled_at, $3), erased_at = $3
        where id = $1 and erased_at is null")
    .bind(user)
    .bind(placeholder)
    .bind(now)
    .execute(conn)
    .await
    .map(|_| ())
}

/// Replaces the external ids of a user's conversions. The external id of a sign-up stays: it holds only the user's id.
async fn erase_external_ids(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    let ids: Vec<(ConversionId, String, String)> = sql("select id, source, external_id from conversions
        where user_id = $1 and kind <> 'signup' and external_id not like 'erased:%'")
    .bind(user)
    .fetch_all(conn)
    .await?;
    for (id, source, external_id) in ids {
        sql("update conversions set external_id = $2 where id = $1")
            .bind(id)
            .bind(erased_id(&source, &external_id))
            .execute(conn)
            .await?;
    }
    Ok(())
}
