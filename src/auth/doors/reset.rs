//! A new password by a link, or the first one of an account that was imported or made by an admin.

use super::{
    LinkRefusal,
    evict::end_other_ways,
    is_proven_address, link_browsers,
    mails::AccountMail,
    note_proven_address,
    one_time::{self, Purpose},
};
use crate::{
    audit::{Action, Entry},
    auth::{
        accounts::Accounts,
        audit,
        hasher::NewPasswordError,
        known_device::{self, DeviceTokens},
        second_factor,
        sign_in::Client,
        throttle,
    },
    db::sql,
    secret_token::SecretToken,
};

impl From<NewPasswordError> for LinkRefusal {
    fn from(error: NewPasswordError) -> Self {
        match error {
            NewPasswordError::NotAccepted(why) => Self::NotAccepted(why),
            NewPasswordError::Busy(busy) => Self::Other(busy.into()),
        }
    }
}

/// Uses a link: sets the password, ends all other ways into the account, and tells the address. The link signs nobody in, but the
/// account knows the browser from now on: whoever used the link reads the mailbox.
///
/// Returns the address, and the tokens that the browser has to keep.
pub async fn reset(
    accounts: &Accounts,
    mut client: Client,
    token: SecretToken,
    password: String,
) -> Result<(String, DeviceTokens), LinkRefusal> {
    let found = one_time::look(&accounts.db, Purpose::Reset, &token).await?.ok_or(LinkRefusal::Gone)?;
    let hash = accounts.hasher.hash_new(password, &found.email).await?;
    let device = client.devices.add();
    let (doors, origin, now) = (accounts.doors, client.origin.clone(), accounts.db.now());
    let grant = accounts
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                let grant = one_time::take(conn, Purpose::Reset, &token, now).await?.ok_or(LinkRefusal::Gone)?;
                let user = grant.user;
                sql("update users set password_hash = $2, session_epoch = session_epoch + 1 where id = $1")
                    .bind(user)
                    .bind(hash)
                    .execute(conn)
                    .await?;
                end_other_ways(conn, user).await?;
                known_device::remember(conn, user, device, now).await?;
                if !is_proven_address(conn, user).await? {
                    second_factor::remove(conn, user).await?;
                }
                throttle::forget_failures(conn, &grant.email).await?;
                note_proven_address(conn, user, now).await?;
                link_browsers(conn, [grant.asker], user, now).await?;
                AccountMail::PasswordChanged { user, email: grant.email.clone() }.send(conn, doors, now).await?;
                Entry::of_own_account(Action::PasswordSet, user, &grant.email, &origin).write(conn, now).await?;
                Ok::<_, LinkRefusal>(grant)
            })
        })
        .await?;
    accounts.jobs.wake();
    audit::note("password_reset", "done", Some(grant.user), Some(client.address));
    Ok((grant.email, client.devices))
}
