//! The second step of a sign-in. Until it is done, the session signs nobody in: it only notes who has to show a code.

use super::{
    accounts::Accounts,
    audit,
    backend::AuthSession,
    known_device::{self, DeviceTokens},
    pending_step::{forget, pending},
    providers::identity::{self, Refusal},
    second_factor::{self, CodeRefusal, Found},
    sign_in::{Client, SignInRefusal, let_in_now},
    user::User,
};
use crate::{
    audit::{Action, Entry},
    db,
};

/// Why the second step did not sign in.
#[derive(Debug, thiserror::Error)]
pub enum SecondStepRefusal {
    /// The first step is missing, or too long ago, or the password has changed since.
    #[error("the first step is missing")]
    Begin,
    #[error(transparent)]
    Code(CodeRefusal),
    #[error(transparent)]
    Other(#[from] SignInRefusal),
}

impl From<db::Error> for SecondStepRefusal {
    fn from(error: db::Error) -> Self {
        Self::Other(error.into())
    }
}

impl From<Refusal> for SecondStepRefusal {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Other(refusal) => Self::Other(refusal),
            // The account or the connection has changed since the first step.
            _ => Self::Begin,
        }
    }
}

/// Signs in with a code of the app or with a recovery code. If the first step was a provider that the account does not know, the
/// provider is connected with the sign-in.
pub async fn second_step(
    accounts: &Accounts,
    auth: &mut AuthSession,
    client: Client,
    code: &str,
) -> Result<DeviceTokens, SecondStepRefusal> {
    let (db, now) = (&accounts.db, accounts.db.now());
    let pending = pending(&auth.session, now).await.map_err(SignInRefusal::from)?.ok_or(SecondStepRefusal::Begin)?;
    let found = User::find(&mut db.read().await.map_err(SignInRefusal::from)?, pending.user).await;
    let user = found.map_err(SignInRefusal::from)?.filter(|user| !user.disabled && pending.is_of(user));
    let user = user.ok_or(SecondStepRefusal::Begin)?;
    let found = second_factor::checked(db, user.id, code).await.inspect_err(|_| {
        audit::note("second_step", "wrong", Some(user.id), Some(client.address));
    });
    let found = found.map_err(SecondStepRefusal::Code)?.ok_or(SecondStepRefusal::Begin)?;
    let device = match client.devices.is_empty() {
        true => None,
        false => {
            let mut conn = db.read().await.map_err(SignInRefusal::from)?;
            known_device::find(&mut conn, &user.email, &client.devices).await.map_err(SignInRefusal::from)?
        }
    };
    forget(&auth.session).await.map_err(SignInRefusal::from)?;
    let (id, recovery) = (user.id, matches!(found, Found::Recovery(_)));
    let entry = Entry::of_own_account(Action::RecoveryCodeUsed, id, &user.email, &client.origin);
    let (joins, doors, origin) = (pending.joins, accounts.doors, client.origin.clone());
    let signed_in = let_in_now(accounts, auth, client, &user, (pending.way, device), move |conn| {
        Box::pin(async move {
            if !second_factor::use_up(conn, id, found).await? {
                return Err(SecondStepRefusal::Code(CodeRefusal::Wrong));
            }
            if recovery {
                entry.write(conn, now).await?;
            }
            if let Some(joins) = joins {
                identity::join_after_second_step(conn, id, joins, doors, &origin, now).await?;
            }
            Ok(())
        })
    });
    let devices = signed_in.await?;
    accounts.jobs.wake();
    Ok(devices)
}
