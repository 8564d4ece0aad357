use super::leads::{Lead, leads_of_user};
use crate::{
    db::{Conn, Error, sql},
    id::UserId,
    timestamp::Timestamp,
};

/// The most touches of one user that a journey shows.
pub const LONGEST_JOURNEY: u32 = 1_000;

/// A user, and the touches that the user came by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journey {
    pub user: JourneyUser,
    /// Oldest first; at most [`LONGEST_JOURNEY`].
    pub touches: Vec<Lead>,
    /// The referral link that the user came by.
    pub referral: Option<JourneyReferral>,
}

/// The user of a journey.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct JourneyUser {
    pub id: UserId,
    pub email: String,
    pub role: String,
    /// When the user signed up.
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
    pub sample: bool,
}

/// The referral link that brought a user.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct JourneyReferral {
    pub token: String,
    pub campaign: String,
    /// `None` if an admin made the link.
    pub owner_id: Option<UserId>,
    pub owner_email: Option<String>,
}

/// Returns the journey of a user, or `None` if there is no such user.
pub async fn journey(conn: &mut Conn, user: UserId) -> Result<Option<Journey>, Error> {
    let row: Option<JourneyUser> =
        sql("select id, email, role, created_at, disabled_at, sample from users where id = $1")
            .bind(user)
            .fetch_optional(conn)
            .await?;
    let Some(row) = row else { return Ok(None) };
    let referral = sql("select k.token, k.campaign, k.owner_id, o.email as owner_email
         from referrals r join referral_tokens k on k.token = r.token left join users o on o.id = k.owner_id
         where r.referee_id = $1")
    .bind(user)
    .fetch_optional(conn)
    .await?;
    let touches = leads_of_user(conn, user, LONGEST_JOURNEY).await?;
    Ok(Some(Journey { user: row, touches, referral }))
}
