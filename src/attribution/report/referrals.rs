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
    sql("select k.token, k.owner_id, o.email as owner_email, k.campaign, k.landing_path, k.created_at, k.expires_at,
                k.disabled_at, coalesce(r.signups, 0) as signups
         from referral_tokens k
         left join users o on o.id = k.owner_id
         left join (select token, count(*) as signups from referrals group by token) r on r.token = k.token
         order by case when k.owner_id is null then 0 else 1 end, signups desc, k.created_at desc, k.token
         limit $1 offset $2")
    .bind(limit)
    .bind(offset)
    .fetch_all(conn)
    .await
}

/// Returns the number of links, and the number of users that they brought.
pub async fn referral_totals(conn: &mut Conn) -> Result<(i64, i64), Error> {
    sql("select (select count(*) from referral_tokens), (select count(*) from referrals)").fetch_one(conn).await
}
