use super::Statement;
use crate::{
    db::{Conn, Error},
    id::UserId,
    timestamp::Timestamp,
};

/// A referral link.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ReferralLink {
    pub token: String,
    /// Whose it is; nothing for a campaign's link, which an admin made.
    pub owner_id: Option<UserId>,
    pub owner_email: Option<String>,
    pub campaign: String,
    pub landing_path: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    /// Users it brought.
    pub signups: i64,
}

/// Whether a link still brings anyone.
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

/// The links: those of campaigns first, then those that brought most; equal ones newest first.
pub async fn referral_links(conn: &mut Conn, limit: u32, offset: u32) -> Result<Vec<ReferralLink>, Error> {
    Statement::new(
        "select k.token, k.owner_id, o.email as owner_email, k.campaign, k.landing_path, k.created_at, k.expires_at,
                k.disabled_at, coalesce(r.signups, 0) as signups
         from referral_tokens k
         left join users o on o.id = k.owner_id
         left join (select token, count(*) as signups from referrals group by token) r on r.token = k.token
         order by case when k.owner_id is null then 0 else 1 end, signups desc, k.created_at desc, k.token limit ",
    )
    .value(limit)
    .text(" offset ")
    .value(offset)
    .query()
    .fetch_all(conn)
    .await
}

/// How many links there are, and how many users they brought.
pub async fn referral_totals(conn: &mut Conn) -> Result<(i64, i64), Error> {
    Statement::new("select (select count(*) from referral_tokens), (select count(*) from referrals)")
        .query()
        .fetch_one(conn)
        .await
}
