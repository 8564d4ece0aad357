use std::time::Duration;

use crate::{
    attribution::settings::ReferralCredit,
    audit::{Action, Actor, Entry},
    db::{Conn, Db, Error, sql},
    id::{UserId, VisitorId},
    random::secret_bytes,
    timestamp::Timestamp,
};

/// How long a referral link counts for a sign-up.
const REFERRAL_WINDOW: Duration = Duration::from_hours(30 * 24);

/// The letters and digits of a token. Letters are in lower case, as UTM values are. `l`, `o`, `0` and `1` are left out, because
/// people confuse them.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const LENGTH: usize = 12;

/// A referral link that can be followed.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Link {
    pub owner_id: Option<UserId>,
    pub campaign: String,
    pub landing_path: String,
}

/// The referral link of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnToken {
    pub token: String,
    /// The whole address, to share.
    pub url: String,
    /// How many users signed up through the link.
    pub signups: i64,
}

/// A link that an admin makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    pub campaign: String,
    pub landing_path: String,
    pub expires_at: Option<Timestamp>,
}

/// Returns the address of a link.
pub fn url(site_url: &str, token: &str) -> String {
    format!("{site_url}/r/{token}")
}

/// Returns the link of a token, unless it is unknown, disabled or expired.
pub async fn find(db: &Db, token: &str) -> Result<Option<Link>, Error> {
    // A text that cannot be a token costs no query.
    if !is_token(token) {
        return Ok(None);
    }
    sql("select owner_id, campaign, landing_path from referral_tokens
        where token = $1 and disabled_at is null and (expires_at is null or expires_at > $2)")
    .bind(token)
    .bind(db.now())
    .fetch_optional(&mut db.read().await?)
    .await
}

fn is_token(text: &str) -> bool {
    (8..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Returns a new token of 60 random bits.
fn new_token() -> String {
    // 256 is a multiple of 32, the number of signs in the alphabet, so each sign is equally likely.
    secret_bytes::<LENGTH>().map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])).iter().collect()
}

/// Returns the member's own link. The first call makes the link.
pub async fn own_token(db: &Db, site_url: &str, user: UserId) -> Result<OwnToken, Error> {
    const FIND: &str = "select t.token, (select count(*) from referrals r where r.token = t.token) as signups
        from referral_tokens t where t.owner_id = $1";
    let mut conn = db.read().await?;
    let mut found: Option<(String, i64)> = sql(FIND).bind(user).fetch_optional(&mut conn).await?;
    if found.is_none() {
        // Waiting for a second connection while holding one could exhaust the pool.
        drop(conn);
        let now = db.now();
        // Two first calls at the same time make only one link.
        db.execute(
            sql("insert into referral_tokens (token, owner_id, created_at) values ($1, $2, $3)
                on conflict (owner_id) do nothing")
            .bind(new_token())
            .bind(user)
            .bind(now),
        )
        .await?;
        found = sql(FIND).bind(user).fetch_optional(&mut db.read().await?).await?;
    }
    let (token, signups) = found.ok_or(sqlx::Error::RowNotFound)?;
    Ok(OwnToken { url: url(site_url, &token), token, signups })
}

/// Makes a link for a campaign and returns its token.
pub async fn create_token(db: &Db, new: NewToken, by: &Actor) -> Result<String, Error> {
    let (now, entry) = (db.now(), Entry::new(Action::ReferralLinkCreated, by));
    db.transaction(move |conn| {
        Box::pin(async move {
            let token = new_token();
            entry.on(&format!("/r/{token}")).detail(format!("for {}", new.campaign)).write(conn, now).await?;
            sql("insert into referral_tokens (token, campaign, landing_path, created_at, expires_at) values ($1, $2, $3, $4, $5)")
                .bind(token.clone())
                .bind(new.campaign)
                .bind(new.landing_path)
                .bind(now)
                .bind(new.expires_at)
                .execute(conn)
                .await?;
            Ok(token)
        })
    })
    .await
}

/// Disables a link. Returns whether there was one.
pub async fn disable_token(db: &Db, token: String, by: &Actor) -> Result<bool, Error> {
    let (now, entry) = (db.now(), Entry::new(Action::ReferralLinkDisabled, by).on(&format!("/r/{token}")));
    db.transaction(move |conn| {
        Box::pin(async move {
            let changed = sql("update referral_tokens set disabled_at = coalesce(disabled_at, $2) where token = $1")
                .bind(token)
                .bind(now)
                .execute(conn)
                .await?;
            if changed > 0 {
                entry.write(conn, now).await?;
            }
            Ok(changed > 0)
        })
    })
    .await
}

/// Stores who referred a new user, in the transaction that creates the account.
///
/// The first or the last of the referral links counts that the visitor followed in the last 30 days. A user has at most one
/// referrer. The user's own link does not count.
pub async fn attribute_referral(
    conn: &mut Conn,
    visitor: VisitorId,
    user: UserId,
    rule: ReferralCredit,
    now: Timestamp,
) -> Result<(), Error> {
    let order = match rule {
        ReferralCredit::First => "asc",
        ReferralCredit::Last => "desc",
    };
    sql(format!(
        "insert into referrals (referee_id, token, created_at)
        select $2, r.token, $3 from touches t
        join referral_tokens r on r.token = t.term
        where t.visitor_id = $1 and t.medium = 'referral' and t.source = 'internal' and t.occurred_at > $4
            and (r.owner_id is null or r.owner_id <> $2)
            and (r.disabled_at is null or r.disabled_at > t.occurred_at)
            and (r.expires_at is null or r.expires_at > t.occurred_at)
        order by t.occurred_at {order}, t.id {order}
        limit 1
        on conflict (referee_id) do nothing"
    ))
    .bind(visitor)
    .bind(user)
    .bind(now)
    .bind(now - REFERRAL_WINDOW)
    .execute(conn)
    .await
    .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::signal::clean;

    #[test]
    fn a_token_survives_what_utm_values_go_through() {
        for _ in 0..1000 {
            let token = new_token();
            assert!(is_token(&token), "{token}");
            assert_eq!(clean(&token), Some(token));
        }
    }

    #[test]
    fn what_is_no_token_is_not_looked_up() {
        for text in ["", "short", "has space", "a'or'1'='1", "ümlaut-token", &"x".repeat(33)] {
            assert!(!is_token(text), "{text}");
        }
    }
}
