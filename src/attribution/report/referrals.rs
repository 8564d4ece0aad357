use crate::{
    db::{Conn, Error, sql},
    id::UserId,
    timestamp::Timestamp,
};

/// A referral link.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ReferralLink {
    pub token: String,
    /// The user who owns the link. `None` for a campaign's link, which an admin made.
    pub owner_id: Option<UserId>,
    pub owner_email: Option<String>,
    pub campaign: String,
    pub landing_path: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    /// The number of users that the link brought.
    pub signups: i64,
}

/// Whether a link still works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    Active,
    Expired,
    Disabled,
}

impl ReferralLink {
    pub fn state(&self, now: Timestamp) -> LinkState {
        match self {
            Self { disabled_at: Some(_), .. } => LinkState::Disabled,
            Self { expires_at: Some(at), .. } if *at <= now => LinkState::Expired,
            _ => LinkState::Active,
        }
    }
}

/// Returns the links: first the links of campaigns, then the links that brought most users. Among equal links the
/// newest comes first.
pub async fn referral_links(conn: &mut Conn, limit: u32, offset: u32) -> Result<Vec<ReferralLink>, Error> {
    let campaigns: i64 = sql("select count(*) from referral_tokens where owner_id is null").fetch_scalar(conn).await?;
    let (offset, limit) = (i64::from(offset), i64::from(limit));
    let mut links = Vec::new();
    if offset < campaigns {
        links = links_of(conn, "owner_id is null", limit, offset).await?;
    }
    let left = limit - links.len() as i64;
    if left > 0 {
        links.extend(links_of(conn, "owner_id is not null", left, (offset - campaigns).max(0)).await?);
    }
    Ok(links)
}

/// Returns a part of the links that a condition finds, in the order of the index that the condition has.
async fn links_of(conn: &mut Conn, owned: &str, limit: i64, offset: i64) -> Result<Vec<ReferralLink>, Error> {
    // The inner query needs the index alone, however many links it leaves out.
    sql(format!(
        "select k.token, k.owner_id, o.email as owner_email, k.campaign, k.landing_path, k.created_at, k.expires_at,
                k.disabled_at, k.signups
         from (select token from referral_tokens where {owned}
               order by signups desc, created_at desc, token limit $1 offset $2) page
         join referral_tokens k on k.token = page.token
         left join users o on o.id = k.owner_id
         order by k.signups desc, k.created_at desc, k.token"
    ))
    .bind(limit)
    .bind(offset)
    .fetch_all(conn)
    .await
}

/// Returns the number of links, and the number of users that they brought.
pub async fn referral_totals(conn: &mut Conn) -> Result<(i64, i64), Error> {
    sql("select (select count(*) from referral_tokens), (select count(*) from referrals)").fetch_one(conn).await
}
