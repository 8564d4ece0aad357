//! What admins do with invitations: invite, send the mail again, revoke.

use super::{MailDoors, ask::send_limited, invitation::INVITER, mails::AccountMail, one_time::Purpose};
use crate::{
    audit::{Action, Actor, Entry},
    auth::{
        accounts::Accounts,
        user::{Role, User, email_key, parse_email},
    },
    db::{Conn, Error, sql},
    id::InvitationId,
    timestamp::Timestamp,
};

/// Why a person was not invited. The texts are for the admin.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InviteRefusal {
    /// What is wrong with the address.
    #[error("{0}")]
    Invalid(&'static str),
    /// There is an account with the address.
    #[error("There is an account with this e-mail address already.")]
    HasAccount,
    /// The address got as many mails as an address gets in an hour.
    #[error("This address got too many mails. Try again in an hour.")]
    TooManyMails,
    /// The invitation was accepted or revoked.
    #[error("There is no such invitation any more.")]
    Unknown,
    /// The user who invited is no admin any more, or is disabled.
    #[error("The user who invited this person is no longer an admin. Invite the person again.")]
    NoAdmin,
    /// Making a person an admin takes the password, which sending again does not ask for.
    #[error("To invite an admin again, use the form: it asks for your password.")]
    Admin,
    /// The database failed, and nothing changed.
    #[error("That did not work. Try again in a moment.")]
    Database(#[from] Error),
}

/// Invites a person, or changes the invitation that the address has, and sends the mail. Returns the address.
pub async fn invite(accounts: &Accounts, email: &str, role: Role, by: &Actor) -> Result<String, InviteRefusal> {
    let email = parse_email(email).map_err(InviteRefusal::Invalid)?;
    let Some(inviter) = by.id() else { return Err(InviteRefusal::NoAdmin) };
    let (to, doors, now) = (email.clone(), accounts.doors, accounts.db.now());
    let entry = Entry::new(Action::UserInvited, by).on(&email).detail(role.as_str());
    let invited = accounts.db.transaction(move |conn| {
        Box::pin(async move {
            if User::find_by_email(conn, &to).await?.is_some() {
                return Err(InviteRefusal::HasAccount);
            }
            let id: InvitationId = sql("insert into invitations
                    (id, email, email_lower, role, invited_by, created_at, expires_at)
                values ($1, $2, $3, $4, $5, $6, $7)
                on conflict (email_lower) do update set email = excluded.email, role = excluded.role,
                    invited_by = excluded.invited_by, created_at = excluded.created_at, expires_at = excluded.expires_at
                returning id")
            .bind(InvitationId::new())
            .bind(to.as_str())
            .bind(email_key(&to))
            .bind(role.as_str())
            .bind(inviter)
            .bind(now)
            .bind(now + Purpose::Invite.lasts())
            .fetch_scalar(conn)
            .await?;
            send(conn, id, &to, role, doors, now).await?;
            Ok(entry.write(conn, now).await?)
        })
    });
    invited.await?;
    accounts.jobs.wake();
    Ok(email)
}

/// Sends the mail of an invitation again. The invitation then works for as long as a new one. Returns the address.
pub async fn resend(accounts: &Accounts, id: InvitationId, by: &Actor) -> Result<String, InviteRefusal> {
    let (doors, now, entry) = (accounts.doors, accounts.db.now(), Entry::new(Action::UserInvited, by));
    let sent = accounts.db.transaction(move |conn| {
        Box::pin(async move {
            let found: Option<(String, String, bool)> =
                sql(format!("update invitations set expires_at = $2 where id = $1 returning email, role, {INVITER}"))
                    .bind(id)
                    .bind(now + Purpose::Invite.lasts())
                    .fetch_optional(conn)
                    .await?;
            let (email, role) = match found {
                None => return Err(InviteRefusal::Unknown),
                Some((.., false)) => return Err(InviteRefusal::NoAdmin),
                Some((email, role, true)) => (email, Role::of(&role).unwrap_or(Role::Member)),
            };
            if role == Role::Admin {
                return Err(InviteRefusal::Admin);
            }
            if User::find_by_email(conn, &email).await?.is_some() {
                return Err(InviteRefusal::HasAccount);
            }
            send(conn, id, &email, role, doors, now).await?;
            entry.on(&email).detail(format!("{}, sent again", role.as_str())).write(conn, now).await?;
            Ok(email)
        })
    });
    let email = sent.await?;
    accounts.jobs.wake();
    Ok(email)
}

/// Revokes an invitation: its links end. Returns the address.
pub async fn revoke(accounts: &Accounts, id: InvitationId, by: &Actor) -> Result<String, InviteRefusal> {
    let (now, entry) = (accounts.db.now(), Entry::new(Action::InvitationRevoked, by));
    let revoked = accounts.db.transaction(move |conn| {
        Box::pin(async move {
            let revoked: Option<(String,)> =
                sql("delete from invitations where id = $1 returning email").bind(id).fetch_optional(conn).await?;
            let (email,) = revoked.ok_or(InviteRefusal::Unknown)?;
            entry.on(&email).write(conn, now).await?;
            Ok(email)
        })
    });
    revoked.await
}

async fn send(
    conn: &mut Conn,
    invitation: InvitationId,
    email: &str,
    role: Role,
    doors: MailDoors,
    now: Timestamp,
) -> Result<(), InviteRefusal> {
    let mail = AccountMail::Invitation { invitation, email: email.to_owned(), admin: role == Role::Admin };
    match send_limited(conn, mail, doors, now).await? {
        true => Ok(()),
        false => Err(InviteRefusal::TooManyMails),
    }
}
