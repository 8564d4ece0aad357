//! Browsers in which a user signed in before: OWASP's device cookies.
//!
//! A stranger who guesses a user's password makes the account wait, for all strangers. A browser in which the user signed in
//! before is no stranger: only the failures in this browser make the browser wait.
//!
//! What always holds:
//! - A token has 128 random bits. The browser keeps it in a cookie, and the database only its digest. No server secret is needed.
//! - A token belongs to one user. For another account, or after it was removed, it means nothing.
//! - A new password, disabling and erasing remove all of a user's tokens.

use std::time::Duration;

use axum::http::HeaderMap;

use super::{
    session_lifetime::end_sessions,
    throttle::{FORGET_AFTER, wait_after},
    user::email_key,
};
use crate::{
    cookie::SiteCookie,
    db::{Conn, Db, Error, sql},
    id::UserId,
    secret_token::SecretToken,
    timestamp::Timestamp,
};

/// How long a browser is known after its last sign-in.
pub const KNOWN_FOR: Duration = Duration::from_hours(365 * 24);
/// How many browsers of a user are known. For a further browser, the account forgets the one with the oldest last sign-in.
const OF_A_USER: usize = 10;
/// How many accounts a browser is known for, as when a family shares it.
const OF_A_BROWSER: usize = 4;

/// Returns the cookie that holds a browser's tokens, separated by dots.
pub fn cookie(secure: bool) -> SiteCookie {
    SiteCookie::new("__Host-waymark-device", secure)
}

/// The tokens of a browser, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct DeviceTokens(Vec<SecretToken>);

impl DeviceTokens {
    /// Reads a request's cookie. Ignores what cannot be a token.
    pub fn of(headers: &HeaderMap, secure: bool) -> Self {
        let texts = cookie(secure).values(headers).flat_map(|value| value.split('.'));
        Self(texts.filter_map(SecretToken::parse).take(OF_A_BROWSER).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a new token, and returns its digest. A browser with too many tokens loses the oldest.
    pub(super) fn add(&mut self) -> Vec<u8> {
        let token = SecretToken::random();
        let hash = token.digest();
        self.0.push(token);
        if self.0.len() > OF_A_BROWSER {
            self.0.remove(0);
        }
        hash
    }

    /// Removes the token of a known browser.
    pub(super) fn remove(&mut self, device: &KnownDevice) {
        self.0.retain(|token| token.digest() != device.token_hash);
    }

    /// Returns the value of the `Set-Cookie` header by which the browser keeps its tokens.
    pub fn set_cookie(&self, secure: bool) -> String {
        let texts: Vec<&str> = self.0.iter().map(SecretToken::as_str).collect();
        cookie(secure).set(&texts.join("."), KNOWN_FOR)
    }
}

/// A browser in which a user signed in before.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct KnownDevice {
    user_id: UserId,
    token_hash: Vec<u8>,
    pub blocked_until: Timestamp,
}

/// Returns the browser's entry if the account with this e-mail address knows the browser.
pub(super) async fn find(conn: &mut Conn, email: &str, tokens: &DeviceTokens) -> Result<Option<KnownDevice>, Error> {
    // PostgreSQL refuses text with a NUL, and no address has one.
    let Some(last) = tokens.0.last().filter(|_| !email.contains('\0')) else { return Ok(None) };
    // The last token fills the places that are left, so that the database prepares one statement.
    let hashes = tokens.0.iter().chain(std::iter::repeat(last)).take(OF_A_BROWSER).map(|token| token.digest().into());
    sql("select d.user_id, d.token_hash, d.blocked_until from known_devices d join users u on u.id = d.user_id
        where u.email_lower = $1 and d.token_hash in ($2, $3, $4, $5) order by d.last_used_at desc limit 1")
    .bind(email_key(email))
    .bind_all(hashes)
    .fetch_optional(conn)
    .await
}

/// Counts a failed sign-in of a known browser. Returns whether the browser is still known.
pub(super) async fn count_failure(db: &Db, device: &KnownDevice) -> Result<bool, Error> {
    let (KnownDevice { user_id, token_hash, .. }, now) = (device.clone(), db.now());
    db.transaction(move |conn| {
        Box::pin(async move {
            let failures: Option<(i64,)> = sql("update known_devices set
                    failures = case when last_failed_at < $4 then 1 else failures + 1 end, last_failed_at = $3
                where user_id = $1 and token_hash = $2 returning failures")
            .bind(user_id)
            .bind(token_hash.clone())
            .bind(now)
            .bind(now - FORGET_AFTER)
            .fetch_optional(conn)
            .await?;
            let Some((failures,)) = failures else { return Ok(false) };
            sql("update known_devices set blocked_until = $3 where user_id = $1 and token_hash = $2")
                .bind(user_id)
                .bind(token_hash)
                .bind(now + wait_after(failures))
                .execute(conn)
                .await?;
            Ok(true)
        })
    })
    .await
}

/// Notes that the user has signed in with a browser: the browser is known, and its failures are forgotten.
pub(super) async fn remember(conn: &mut Conn, user: UserId, token_hash: Vec<u8>, now: Timestamp) -> Result<(), Error> {
    sql("insert into known_devices (user_id, token_hash, created_at, last_used_at) values ($1, $2, $3, $3)
        on conflict (user_id, token_hash) do update set last_used_at = $3, failures = 0, last_failed_at = null,
            blocked_until = 0")
    .bind(user)
    .bind(token_hash)
    .bind(now)
    .execute(conn)
    .await?;
    sql(format!(
        "delete from known_devices where user_id = $1 and token_hash not in (
            select token_hash from known_devices where user_id = $1 order by last_used_at desc, token_hash limit {OF_A_USER})"
    ))
    .bind(user)
    .execute(conn)
    .await
    .map(|_| ())
}

/// Notes that the user has signed in with a browser that was known before.
pub(super) async fn remember_again(conn: &mut Conn, device: KnownDevice, now: Timestamp) -> Result<(), Error> {
    remember(conn, device.user_id, device.token_hash, now).await
}

/// Ends a user's sessions, and forgets the browsers that signed in.
pub(super) async fn sign_out_everywhere(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    end_sessions(conn, user).await?;
    forget_all(conn, user).await
}

/// Forgets all browsers of a user.
pub async fn forget_all(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    sql("delete from known_devices where user_id = $1").bind(user).execute(conn).await.map(|_| ())
}

/// Forgets browsers that were not used for a year.
pub async fn delete_unused(db: &Db) -> Result<u64, Error> {
    db.delete_in_batches(
        sql("delete from known_devices where (user_id, token_hash) in (
            select user_id, token_hash from known_devices where last_used_at < $1 limit $2)")
        .bind(db.now() - KNOWN_FOR),
    )
    .await
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header};

    use super::*;
    use crate::{db::testing::each_database, timestamp::DAY};

    fn read(cookie: &str) -> DeviceTokens {
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(cookie).expect("a header value"))]);
        DeviceTokens::of(&headers, false)
    }

    #[test]
    fn a_browser_keeps_a_token_for_each_of_its_last_accounts() {
        let mut tokens = DeviceTokens::default();
        let hashes: Vec<_> = (0..6).map(|_| tokens.add()).collect();
        let cookie = tokens.set_cookie(false);
        let kept = read(cookie.split(';').next().expect("a pair"));
        let digests: Vec<_> = kept.0.iter().map(SecretToken::digest).collect();
        assert_eq!(digests, hashes[2..]);
        assert_eq!(
            format!("{kept:?}"),
            "DeviceTokens([SecretToken, SecretToken, SecretToken, SecretToken])",
            "no token's text"
        );
    }

    #[tokio::test]
    async fn a_browser_without_a_sign_in_for_a_year_is_forgotten() {
        each_database(async |db| {
            let (user, now) = (UserId::new(), db.now());
            let account = sql("insert into users (id, email, email_lower, password_hash, created_at)
                values ($1, 'a@b.example', 'a@b.example', '!', 0)");
            db.transaction(move |conn| {
                Box::pin(async move {
                    account.bind(user).execute(conn).await?;
                    for n in 0..3 {
                        remember(conn, user, vec![n], now - KNOWN_FOR - DAY + DAY * u32::from(n)).await?;
                    }
                    Ok::<_, Error>(())
                })
            })
            .await
            .expect("stored");
            delete_unused(&db).await.expect("deleted");
            let left: Vec<(Vec<u8>,)> = sql("select token_hash from known_devices order by token_hash")
                .fetch_all(&mut db.read().await.expect("a connection"))
                .await
                .expect("rows");
            // The clock goes on meanwhile, so the second browser has been unused for longer than a year.
            assert_eq!(left, [(vec![2],)]);
        })
        .await;
    }

    #[test]
    fn what_is_no_token_is_ignored() {
        let token = SecretToken::random();
        for cookie in ["waymark-device=", "waymark-device=short", "waymark-device=AAAAAAAAAAAAAAAAAAAAA'.x", "other=x"]
        {
            assert!(read(cookie).is_empty(), "{cookie}");
        }
        let cookie = format!("waymark-device={}", [token.as_str(); 9].join("."));
        assert_eq!(read(&cookie).0, vec![token; OF_A_BROWSER]);
    }
}
