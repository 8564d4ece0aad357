//! Referral links: `GET /r/{token}` seeds a lead source and leads on.
//!
//! It is the worked example of sentinel values: the route puts them into the session, [`LeadSourceLayer`] makes the touch. An
//! unknown, expired or disabled token, a robot and the owner of the link get the very same answer, and leave nothing.
//!
//! [`LeadSourceLayer`]: super::capture::lead_source_layer::LeadSourceLayer

use std::time::Duration;

use axum::{
    extract::{Path, RawQuery, Request, State, rejection::PathRejection},
    http::{Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use tower_sessions::Session;
use tracing::error;

use super::{
    Attribution, SignedInUser,
    capture::exclusion::eligible,
    consent::{Consent, consent},
};
use crate::{
    attribution::settings::ReferralCredit,
    db::{Conn, Db, Error, sql},
    id::{UserId, VisitorId},
    random::secret_bytes,
    timestamp::Timestamp,
};

/// Where the links are.
pub const PREFIX: &str = "/r/";

/// How long a referral link counts for a sign-up.
const REFERRAL_WINDOW: Duration = Duration::from_hours(30 * 24);

/// The letters of a token. They are in lower case, as UTM values are, and none looks like another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const LENGTH: usize = 12;

/// A link's token as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
struct Link {
    owner_id: Option<UserId>,
    campaign: String,
    landing_path: String,
}

/// The referral link of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnToken {
    pub token: String,
    /// The whole address, to share.
    pub url: String,
    /// How many signed up through it.
    pub signups: i64,
}

/// What an admin asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    pub campaign: String,
    pub landing_path: String,
    pub expires_at: Option<Timestamp>,
}

/// The address of a link.
pub fn url(site_url: &str, token: &str) -> String {
    format!("{site_url}/r/{token}")
}

/// `GET /r/{token}`: seeds the session and answers 303 to the link's landing page, with the rest of the query kept.
pub async fn follow(
    State(attribution): State<Attribution>,
    token: Result<Path<String>, PathRejection>,
    RawQuery(mut query): RawQuery,
    request: Request,
) -> Response {
    let (request, _) = request.into_parts();
    // what cannot be decoded is no token, and gets the answer that none gets
    let token = token.map(|Path(token)| token).unwrap_or_default();
    let landing = match attribution.find(&token).await {
        Ok(Some(link)) => {
            if consent(&request.headers, &attribution.settings) == Consent::Undecided
                && attribution.counts(&link, &request)
            {
                // No session before consent: what would be seeded waits in the landing page, as any link's signals do.
                let seeds = form_urlencoded::Serializer::new(query.take().unwrap_or_default())
                    .extend_pairs(seeds(&link, &token))
                    .finish();
                query = Some(seeds);
            } else {
                attribution.seed(&link, &token, &request).await;
            }
            link.landing_path
        }
        Ok(None) => "/".to_owned(),
        Err(error) => {
            error!(%error, "a referral link could not be looked up");
            "/".to_owned()
        }
    };
    let target = match query.filter(|query| !query.is_empty()) {
        Some(query) => format!("{landing}?{query}"),
        None => landing,
    };
    (StatusCode::SEE_OTHER, [(header::LOCATION, target), (header::CACHE_CONTROL, "no-store".into())]).into_response()
}

impl Attribution {
    /// A link that can be followed now.
    async fn find(&self, token: &str) -> Result<Option<Link>, Error> {
        // what no token looks like is no question for the database
        if !is_token(token) {
            return Ok(None);
        }
        let mut conn = self.db.read().await?;
        sql("select owner_id, campaign, landing_path from referral_tokens
            where token = $1 and disabled_at is null and (expires_at is null or expires_at > $2)")
        .bind(token)
        .bind(self.db.now())
        .fetch_optional(&mut conn)
        .await
    }

    /// Whether following the link is a person's arrival, and not the owner's own.
    fn counts(&self, link: &Link, request: &Parts) -> bool {
        if let Err(ignored) = eligible(&request.method, request.uri.path(), &request.headers) {
            // a HEAD is how links are checked, and nothing to count
            if request.method != Method::HEAD {
                self.count_ignored(ignored);
            }
            return false;
        }
        let signed_in = request.extensions.get().map(|SignedInUser(user)| *user);
        signed_in.is_none() || signed_in != link.owner_id
    }

    async fn seed(&self, link: &Link, token: &str, request: &Parts) {
        if !self.counts(link, request) || consent(&request.headers, &self.settings) != Consent::Given {
            return;
        }
        let Some(session) = request.extensions.get::<Session>() else { return };
        for (name, value) in seeds(link, token) {
            if let Err(error) = session.insert(name, value).await {
                error!(%error, "a referral link could not be noted");
                return;
            }
        }
    }
}

/// What following a link says.
fn seeds<'a>(link: &'a Link, token: &'a str) -> [(&'static str, &'a str); 4] {
    [("utm_medium", "referral"), ("utm_source", "internal"), ("utm_campaign", &link.campaign), ("utm_term", token)]
}

fn is_token(text: &str) -> bool {
    (8..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Returns a new token of 60 random bits.
fn new_token() -> String {
    // 256 is a multiple of the alphabet's 32 letters, so each letter is equally likely.
    secret_bytes::<LENGTH>().map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])).iter().collect()
}

/// The member's own link, made at the first look.
pub async fn own_token(db: &Db, site_url: &str, user: UserId) -> Result<OwnToken, Error> {
    const FIND: &str = "select t.token, (select count(*) from referrals r where r.token = t.token) as signups
        from referral_tokens t where t.owner_id = $1";
    let mut conn = db.read().await?;
    let mut found: Option<(String, i64)> = sql(FIND).bind(user).fetch_optional(&mut conn).await?;
    if found.is_none() {
        // not held while waiting for another
        drop(conn);
        let now = db.now();
        db.transaction(move |conn| {
            Box::pin(async move {
                // two first looks at once make one link
                sql("insert into referral_tokens (token, owner_id, created_at) values ($1, $2, $3) on conflict (owner_id) do nothing")
                    .bind(new_token())
                    .bind(user)
                    .bind(now)
                    .execute(conn)
                    .await
            })
        })
        .await?;
        found = sql(FIND).bind(user).fetch_optional(&mut db.read().await?).await?;
    }
    let (token, signups) = found.ok_or(sqlx::Error::RowNotFound)?;
    Ok(OwnToken { url: url(site_url, &token), token, signups })
}

/// Makes a link for a campaign and answers its token.
pub async fn create_token(db: &Db, new: NewToken) -> Result<String, Error> {
    let now = db.now();
    db.transaction(move |conn| {
        Box::pin(async move {
            let token = new_token();
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

/// Ends a link. Answers whether there was one.
pub async fn disable_token(db: &Db, token: String) -> Result<bool, Error> {
    let now = db.now();
    db.transaction(move |conn| {
        Box::pin(async move {
            let changed = sql("update referral_tokens set disabled_at = coalesce(disabled_at, $2) where token = $1")
                .bind(token)
                .bind(now)
                .execute(conn)
                .await?;
            Ok(changed > 0)
        })
    })
    .await
}

/// Notes who brought a new user, within the transaction that creates the account: of the referral links that the visitor
/// followed in the last 30 days, the first or the last. A user has one referrer, and nobody refers oneself.
pub async fn credit(
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
