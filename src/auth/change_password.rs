//! Changing a password: asks for the current password, and ends all other sessions of the user.

use super::{
    accounts::Accounts,
    audit,
    backend::AuthSession,
    confirm::{Confirmed, NotConfirmed, confirm},
    doors::mails::AccountMail,
    hasher::NewPasswordError,
    known_device::{self, DeviceTokens},
    sign_in::{Client, SignInRefusal, begin_session},
    user::User,
};
use crate::{
    audit::{Action, Entry},
    db::{Error, sql},
    visitor::{self, link},
};

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordChangeRefusal {
    /// No user is signed in.
    #[error("no user is signed in")]
    SignedOut,
    /// The current password is wrong, or has been changed meanwhile.
    #[error("the current password is wrong")]
    WrongCurrent,
    /// The user has no password yet, and signed in too long ago.
    #[error("the user has no password and signed in too long ago")]
    SignInAgain,
    /// The new password is too short, too long or too easy to guess: why, in words for the user.
    #[error("the new password is not accepted")]
    NotAccepted(&'static str),
    /// The password could not be checked or stored, or the session could not be renewed.
    #[error(transparent)]
    Other(#[from] SignInRefusal),
}

impl From<NotConfirmed> for PasswordChangeRefusal {
    fn from(error: NotConfirmed) -> Self {
        match error {
            NotConfirmed::SignedOut => Self::SignedOut,
            NotConfirmed::SignInAgain => Self::SignInAgain,
            NotConfirmed::Wrong | NotConfirmed::Code(_) => Self::WrongCurrent,
            NotConfirmed::Other(refusal) => Self::Other(refusal),
        }
    }
}

impl From<NewPasswordError> for PasswordChangeRefusal {
    fn from(error: NewPasswordError) -> Self {
        match error {
            NewPasswordError::NotAccepted(why) => Self::NotAccepted(why),
            NewPasswordError::Busy(busy) => Self::Other(busy.into()),
        }
    }
}

impl From<Error> for PasswordChangeRefusal {
    fn from(error: Error) -> Self {
        Self::Other(error.into())
    }
}

/// Changes the password of the signed-in user, and gives the session a new id. No other browser of the user is known afterwards.
/// Returns the tokens that this browser has to keep.
pub async fn change_password(
    accounts: &Accounts,
    auth: &mut AuthSession,
    mut client: Client,
    current: String,
    new: String,
) -> Result<DeviceTokens, PasswordChangeRefusal> {
    let Confirmed { user, device } = confirm(accounts, auth, &client, "password_change", current).await?;
    let hash = accounts.hasher.hash_new(new, &user.email).await?;
    let visitor = visitor::get(&auth.session).await.map_err(SignInRefusal::from)?.map(|visitor| visitor.id);
    let (id, email, old, now) = (user.id, user.email.clone(), user.password_hash, accounts.db.now());
    let (doors, confirmed) = (accounts.doors, user.email_verified_at.is_some());
    device.iter().for_each(|device| client.devices.remove(device));
    let token_hash = client.devices.add();
    let entry = Entry::of_own_account(Action::PasswordChanged, id, &user.email, &client.origin);
    let (user, visitor) = accounts
        .db
        .transaction(move |conn| {
            Box::pin(async move {
                // Sessions are checked against the epoch, so raising the epoch ends all sessions. The row changes only if the
                // password has not changed since the check. If two changes come at once, one is made and the other is refused.
                let changed = sql("update users set password_hash = $1, session_epoch = session_epoch + 1
                    where id = $2 and password_hash = $3")
                .bind(hash)
                .bind(id)
                .bind(old)
                .execute(conn)
                .await?;
                if changed == 0 {
                    return Err(PasswordChangeRefusal::WrongCurrent);
                }
                known_device::sign_out_everywhere(conn, id).await?;
                known_device::remember(conn, id, token_hash, now).await?;
                let visitor = link(conn, visitor, id, now).await?;
                // An address that nobody has confirmed may be a stranger's, who must not get a mail for each change.
                if confirmed {
                    AccountMail::PasswordChanged { user: id, email }.send(conn, doors, now).await?;
                }
                entry.write(conn, now).await?;
                let user = User::find(conn, id).await?.ok_or(PasswordChangeRefusal::WrongCurrent)?;
                Ok((user, visitor))
            })
        })
        .await?;
    accounts.jobs.wake();
    begin_session(auth, &client, &user, visitor, now).await?;
    audit::note("password_change", "right", Some(user.id), Some(client.address));
    Ok(client.devices)
}
