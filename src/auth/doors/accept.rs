//! Accepting an invitation: the account is made with the address confirmed, because the link was in a mail to it.

use super::{LinkRefusal, invitation, note_proven_address};
use crate::{
    audit::{Action, Entry},
    auth::{
        accounts::Accounts,
        backend::AuthSession,
        known_device::DeviceTokens,
        sign_in::{Client, SignInRefusal},
        sign_up::{NewAccount, SignUpRefusal, sign_up_invited},
        user::User,
    },
    secret_token::SecretToken,
};

impl From<SignUpRefusal> for LinkRefusal {
    fn from(refusal: SignUpRefusal) -> Self {
        match refusal {
            SignUpRefusal::ByInvitation | SignUpRefusal::InvitationGone => Self::Gone,
            SignUpRefusal::Taken => Self::Taken,
            SignUpRefusal::Invalid { password: Some(why), .. } | SignUpRefusal::Invalid { email: Some(why), .. } => {
                Self::NotAccepted(why)
            }
            SignUpRefusal::Other(refusal) => Self::Other(refusal),
            // Invited people are not counted.
            SignUpRefusal::Invalid { .. } | SignUpRefusal::TooManyTries(_) | SignUpRefusal::SiteFull(_) => {
                Self::Other(SignInRefusal::Busy)
            }
        }
    }
}

/// Uses a link: makes the account and signs the browser in. If the address has an account meanwhile, that account stays as it is,
/// and so does the invitation. Returns the tokens that the browser has to keep.
pub async fn accept(
    accounts: &Accounts,
    auth: &mut AuthSession,
    client: Client,
    token: SecretToken,
    password: String,
) -> Result<DeviceTokens, LinkRefusal> {
    let found = invitation::look(&accounts.db, &token).await?.ok_or(LinkRefusal::Gone)?;
    if User::find_by_email(&mut accounts.db.read().await?, &found.email).await?.is_some() {
        return Err(LinkRefusal::Taken);
    }
    let hash = accounts.hasher.hash_new(password, &found.email).await?;
    let (email, role, origin) = (found.email.clone(), found.role(), client.origin.clone());
    let new = NewAccount { email: email.clone(), hash, role, invited: true };
    let signed_up = sign_up_invited(accounts, auth, client, new, move |conn, id, now| {
        Box::pin(async move {
            // An admin may have changed the invitation while the password was hashed.
            let taken = invitation::take(conn, &token, now).await?;
            if taken.is_none_or(|taken| taken.email != email || taken.role() != role) {
                return Err(SignUpRefusal::InvitationGone);
            }
            note_proven_address(conn, id, now).await?;
            let entry = Entry::of_own_account(Action::InvitationAccepted, id, &email, &origin);
            Ok(entry.detail(role.as_str()).write(conn, now).await?)
        })
    });
    Ok(signed_up.await?)
}
