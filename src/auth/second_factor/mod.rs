//! The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for a lost device.
//!
//! What always holds:
//! - A code counts once: the last step that was used is stored, and only a later step counts. One statement looks and stores, so
//!   of two sign-ins with one code at the same time, one is refused. A recovery code counts once in the same way.
//! - A code counts for its half minute, and for the one before and after, because clocks differ.
//! - Wrong codes count and wait for each account, as wrong passwords do, and apart from them.
//! - Recovery codes are stored as digests. The secret of the app is stored as it is, because the server needs it to compute codes:
//!   whoever reads the database can make codes, but not passwords.
//! - A second factor that is being set up works for [`SET_UP_WITHIN`]; then the user begins anew.
//!
//! What an owner may want to change: [`SKEW`], [`RECOVERY_CODES`] and [`ISSUER`].

use std::time::Duration;

use sha2::{Digest, Sha256};
use totp_rs::{Builder, Secret, Totp};

use super::{session_lifetime::end_sessions, throttle};
use crate::{
    audit::{Action, Actor, Entry},
    db::{Conn, Db, Error, sql},
    id::UserId,
    random::secret_bytes,
    site,
    timestamp::Timestamp,
};

/// How long a user may take to set up a second factor. Afterwards the secret, which the page showed, is good for nothing.
pub const SET_UP_WITHIN: Duration = Duration::from_mins(15);
/// How many steps of half a minute a clock may differ.
const SKEW: u16 = 1;
/// How many recovery codes a user gets.
const RECOVERY_CODES: usize = 10;
/// The name under which apps list the account.
const ISSUER: &str = site::NAME;
/// The letters and digits of recovery codes, without those that people confuse.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 80 random bits.
const RECOVERY_CHARS: usize = 16;
/// RFC 4226 asks for at least 16 bytes, and recommends 20.
const SECRET_BYTES: usize = 20;

/// Why a code was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum CodeRefusal {
    /// The code is wrong, or was used before.
    #[error("the code is wrong")]
    Wrong,
    /// Too many wrong codes: the next try has to wait for this time.
    #[error("too many wrong codes")]
    Wait(Duration),
    /// Nothing is being set up, or it is set up already.
    #[error("there is nothing to confirm")]
    Nothing,
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] Error),
}

/// A second factor that is being set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The secret as people type it into an app.
    pub key: String,
    /// The address in the QR code.
    pub uri: String,
}

/// A right code, which has to be used up.
#[derive(Clone, Debug)]
pub(super) enum Found {
    Step(i64),
    /// The digest of a recovery code.
    Recovery(Vec<u8>),
}

/// Begins to set up a second factor with a new secret. Does nothing if the user has a second factor.
pub async fn begin(db: &Db, user: UserId) -> Result<(), Error> {
    let now = db.now();
    db.execute(
        sql("insert into second_factors (user_id, secret, created_at) values ($1, $2, $3)
            on conflict (user_id) do update set secret = excluded.secret, created_at = excluded.created_at, last_step = 0
            where not exists (select 1 from users where id = $1 and second_factor_at is not null)")
        .bind(user)
        .bind(secret_bytes::<SECRET_BYTES>().to_vec())
        .bind(now),
    )
    .await
    .map(|_| ())
}

/// Returns what is being set up.
pub async fn setup(conn: &mut Conn, user: UserId, email: &str, now: Timestamp) -> Result<Option<Setup>, Error> {
    let secret: Option<(Vec<u8>,)> = sql("select f.secret from second_factors f join users u on u.id = f.user_id
        where f.user_id = $1 and u.second_factor_at is null and f.created_at > $2")
    .bind(user)
    .bind(now - SET_UP_WITHIN)
    .fetch_optional(conn)
    .await?;
    Ok(secret.map(|(secret,)| {
        let key = Secret::new(secret.into_boxed_slice()).to_base32();
        let encode = |text| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
        let (issuer, label) = (encode(ISSUER), encode(email));
        Setup { uri: format!("otpauth://totp/{issuer}:{label}?secret={key}&issuer={issuer}"), key }
    }))
}

/// Turns the second factor on, after a code has shown that the app has the secret. Ends the user's other sessions, which began
/// without a code: `keep` is the stored key of the session that stays. Returns the recovery codes, which cannot be shown again.
pub async fn turn_on(
    db: &Db,
    user: UserId,
    code: &str,
    keep: Option<String>,
    entry: Entry,
) -> Result<Vec<String>, CodeRefusal> {
    let Some(Found::Step(step)) = checked(db, user, code).await? else { return Err(CodeRefusal::Nothing) };
    let (now, codes) = (db.now(), recovery_codes());
    let digests = codes.iter().map(|code| digest(code)).collect::<Vec<_>>();
    db.transaction(move |conn| {
        Box::pin(async move {
            let on = sql("update users set second_factor_at = $2 where id = $1 and second_factor_at is null
                and exists (select 1 from second_factors where user_id = $1 and created_at > $3)");
            if on.bind(user).bind(now).bind(now - SET_UP_WITHIN).execute(conn).await? == 0 {
                return Err(CodeRefusal::Nothing);
            }
            if !use_up(conn, user, Found::Step(step)).await? {
                return Err(CodeRefusal::Wrong);
            }
            replace_recovery_codes(conn, user, digests, now).await?;
            match keep {
                Some(key) => {
                    let others = sql("delete from tower_sessions where user_id = $1 and id <> $2");
                    others.bind(user).bind(key).execute(conn).await?;
                }
                None => end_sessions(conn, user).await?,
            }
            Ok(entry.write(conn, now).await?)
        })
    })
    .await?;
    Ok(codes)
}

/// Turns the second factor off. Returns whether there was one.
pub async fn turn_off(db: &Db, user: UserId, entry: Entry) -> Result<bool, Error> {
    let now = db.now();
    db.transaction(move |conn| {
        Box::pin(async move {
            let had = remove(conn, user).await?;
            if had {
                entry.write(conn, now).await?;
            }
            Ok(had)
        })
    })
    .await
}

/// Gives a user new recovery codes in place of the old ones.
pub async fn renew_recovery_codes(db: &Db, user: UserId, entry: Entry) -> Result<Vec<String>, Error> {
    let (now, codes) = (db.now(), recovery_codes());
    let digests = codes.iter().map(|code| digest(code)).collect::<Vec<_>>();
    db.transaction(move |conn| {
        Box::pin(async move {
            replace_recovery_codes(conn, user, digests, now).await?;
            entry.write(conn, now).await
        })
    })
    .await?;
    Ok(codes)
}

/// Returns how many recovery codes are left.
pub async fn recovery_codes_left(conn: &mut Conn, user: UserId) -> Result<i64, Error> {
    sql("select count(*) from recovery_codes where user_id = $1").bind(user).fetch_scalar(conn).await
}

/// Takes the second factor from an account whose device is lost: for the operator. Ends the sessions. Returns whether there was
/// one.
pub async fn reset(db: &Db, user: UserId, email: &str) -> Result<bool, Error> {
    let (now, entry) = (db.now(), Entry::new(Action::SecondFactorReset, &Actor::command_line()).on_user(user, email));
    db.transaction(move |conn| {
        Box::pin(async move {
            let had = remove(conn, user).await?;
            if had {
                end_sessions(conn, user).await?;
                entry.write(conn, now).await?;
            }
            Ok(had)
        })
    })
    .await
}

/// Removes everything of a user's second factor. Returns whether it was on.
pub async fn remove(conn: &mut Conn, user: UserId) -> Result<bool, Error> {
    sql("delete from recovery_codes where user_id = $1").bind(user).execute(conn).await?;
    sql("delete from second_factors where user_id = $1").bind(user).execute(conn).await?;
    let off = sql("update users set second_factor_at = null where id = $1 and second_factor_at is not null");
    Ok(off.bind(user).execute(conn).await? > 0)
}

/// Removes the secrets of second factors that nobody finished to set up.
pub async fn delete_unfinished(db: &Db) -> Result<u64, Error> {
    db.delete_in_batches(
        sql("delete from second_factors where user_id in (
            select f.user_id from second_factors f join users u on u.id = f.user_id
            where u.second_factor_at is null and f.created_at < $1 limit $2)")
        .bind(db.now() - SET_UP_WITHIN),
    )
    .await
}

/// Checks a code. Returns `None` if the user has no secret. The code still has to be [used up](use_up).
///
/// Each try counts as a failure before the code is checked, and a code that is used up takes all failures back. So guesses at once
/// are as many as guesses one after the other.
pub(super) async fn checked(db: &Db, user: UserId, code: &str) -> Result<Option<Found>, CodeRefusal> {
    match throttle::begin_try(db, &throttle_key(user)).await? {
        Duration::ZERO => {}
        wait => return Err(CodeRefusal::Wait(wait)),
    }
    let secret: Option<(Vec<u8>, i64)> = sql("select secret, last_step from second_factors where user_id = $1")
        .bind(user)
        .fetch_optional(&mut db.read().await?)
        .await?;
    let Some((secret, last_step)) = secret else { return Ok(None) };
    let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let found = match step(secret, &code, db.now()).filter(|step| *step > last_step) {
        Some(step) => Some(Found::Step(step)),
        None => recovery(db, user, &code.to_lowercase()).await?,
    };
    found.map(Some).ok_or(CodeRefusal::Wrong)
}

/// Uses up a code in the transaction of what it allows. Returns `false` if the code has been used meanwhile.
pub(super) async fn use_up(conn: &mut Conn, user: UserId, found: Found) -> Result<bool, Error> {
    throttle::forget_failures(conn, &throttle_key(user)).await?;
    let used = match found {
        Found::Step(step) => {
            sql("update second_factors set last_step = $2 where user_id = $1 and last_step < $2").bind(user).bind(step)
        }
        Found::Recovery(digest) => {
            sql("delete from recovery_codes where user_id = $1 and code_hash = $2").bind(user).bind(digest)
        }
    };
    Ok(used.execute(conn).await? > 0)
}

/// Returns the step for which a code is right.
fn step(secret: Vec<u8>, code: &str, now: Timestamp) -> Option<i64> {
    let seconds = u64::try_from(now.as_millis() / 1_000).ok()?;
    // The crate reads other forms of a number too.
    let plain = code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| totp(secret)).flatten()?.check(code, seconds).and_then(|step| i64::try_from(step).ok())
}

fn totp(secret: Vec<u8>) -> Option<Totp> {
    Builder::new().with_secret(Secret::new(secret.into_boxed_slice())).with_skew(SKEW).build().ok()
}

async fn recovery(db: &Db, user: UserId, code: &str) -> Result<Option<Found>, Error> {
    if code.len() != RECOVERY_CHARS {
        return Ok(None);
    }
    let digest = digest(code);
    let known: Option<(i64,)> = sql("select created_at from recovery_codes where user_id = $1 and code_hash = $2")
        .bind(user)
        .bind(digest.clone())
        .fetch_optional(&mut db.read().await?)
        .await?;
    Ok(known.map(|_| Found::Recovery(digest)))
}

async fn replace_recovery_codes(
    conn: &mut Conn,
    user: UserId,
    digests: Vec<Vec<u8>>,
    now: Timestamp,
) -> Result<(), Error> {
    sql("delete from recovery_codes where user_id = $1").bind(user).execute(conn).await?;
    for digest in digests {
        sql("insert into recovery_codes (user_id, code_hash, created_at) values ($1, $2, $3)")
            .bind(user)
            .bind(digest)
            .bind(now)
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Makes recovery codes: `abcd-efgh-ijkm-npqr`.
fn recovery_codes() -> Vec<String> {
    let code = || {
        // 256 is a multiple of 32, so each sign is equally likely.
        let signs =
            secret_bytes::<RECOVERY_CHARS>().map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
        signs.chunks(4).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>().join("-")
    };
    (0..RECOVERY_CODES).map(|_| code()).collect()
}

/// Returns what the database keeps of a recovery code.
fn digest(code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(|c| *c != '-').collect();
    Sha256::digest(plain).to_vec()
}

/// Wrong codes are counted in the same table as wrong passwords, under a name that is no address.
fn throttle_key(user: UserId) -> String {
    format!("second factor of {user}")
}

/// Returns the code of a secret at a time, for tests.
#[doc(hidden)]
pub fn code_at(key: &str, at: Timestamp) -> Option<String> {
    let secret = Secret::try_from_base32(key).ok()?;
    let totp = Builder::new().with_secret(secret).build().ok()?;
    Some(totp.generate(u64::try_from(at.as_millis() / 1_000).ok()?).to_string())
}

#[cfg(test)]
mod tests;
