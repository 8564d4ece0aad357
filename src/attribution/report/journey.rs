use super::{
    Statement,
    leads::{Lead, leads_of_user},
};
use crate::{
    db::{Conn, Error},
    id::UserId,
    timestamp::Timestamp,
};

/// The most touches of one user that a journey shows.
pub const LONGEST_JOURNEY: u32 = 1_000;

/// A user and how they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journey {
    pub user: Traveller,
    /// Oldest first; at most [`LONGEST_JOURNEY`].
    pub touches: Vec<Lead>,
    /// Whose link brought them.
    pub referral: Option<Referral>,
}

/// Who travels.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Traveller {
    pub id: UserId,
    pub email: String,
    pub role: String,
    /// The sign-up.
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
    pub sample: bool,
}

/// The referral link that brought a user.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Referral {
    pub token: String,
    pub campaign: String,
    /// Nothing where an admin made the link.
    pub owner_id: Option<UserId>,
    pub owner_email: Option<String>,
}

/// The journey of a user; nothing where there is no such user.
pub async fn journey(conn: &mut Conn, user: UserId) -> Result<Option<Journey>, Error> {
    let traveller = Statement::new("select id, email, role, created_at, disabled_at, sample from users where id = ")
        .value(user)
        .query()
        .fetch_optional::<Traveller>(conn)
        .await?;
    let Some(traveller) = traveller else { return Ok(None) };
    let referral = Statement::new(
        "select k.token, k.campaign, k.owner_id, o.email as owner_email
         from referrals r join referral_tokens k on k.token = r.token left join users o on o.id = k.owner_id
         where r.referee_id = ",
    )
    .value(user)
    .query()
    .fetch_optional(conn)
    .await?;
    let touches = leads_of_user(conn, user, LONGEST_JOURNEY).await?;
    Ok(Some(Journey { user: traveller, touches, referral }))
}
