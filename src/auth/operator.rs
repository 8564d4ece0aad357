//! What the command line changes about accounts.

use super::{
    audit,
    doors::evict::end_other_ways,
    hasher::Hasher,
    known_device::sign_out_everywhere,
    manage::{ManageError, is_last_admin},
    sign_up::{SignUpRefusal, insert, valid},
    throttle,
    user::{Role, User, email_key},
};
use crate::{
    audit::{Action, Actor, Entry},
    db::{Db, Error, sql},
    id::UserId,
};

/// Creates an admin. An existing account becomes an admin with this password, is enabled if it was disabled, and its sessions
/// end. The operator vouches for the address, so it counts as confirmed.
pub async fn create_admin(db: &Db, email: &str, password: String) -> Result<(), SignUpRefusal> {
    let existing = User::find_by_email(&mut db.read().await?, email).await?;
    // An existing account keeps its address, even one that would not be accepted today.
    let email = if existing.is_some() { email.trim().to_owned() } else { valid(email, &password)? };
    let hash = Hasher::default().hash_new(password, &email).await?;
    let (id, now) = (UserId::new(), db.now());
    let user = db
        .transaction(move |conn| {
            Box::pin(async move {
                let changed: Option<(UserId,)> = sql("update users set role = 'admin', password_hash = $2,
                    session_epoch = session_epoch + 1, disabled_at = null,
                    email_verified_at = coalesce(email_verified_at, $3) where email_lower = $1 returning id")
                .bind(email_key(&email))
                .bind(hash.clone())
                .bind(now)
                .fetch_optional(conn)
                .await?;
                throttle::forget_failures(conn, &email).await?;
                let entry = Entry::new(Action::RoleChanged, &Actor::command_line());
                let Some((id,)) = changed else {
                    insert(conn, id, &email, &hash, Role::Admin, now).await?;
                    sql("update users set email_verified_at = $2 where id = $1")
                        .bind(id)
                        .bind(now)
                        .execute(conn)
                        .await?;
                    entry.on_user(id, &email).detail("admin, a new account").write(conn, now).await?;
                    return Ok(id);
                };
                end_other_ways(conn, id).await?;
                entry.on_user(id, &email).detail("admin, with a new password").write(conn, now).await?;
                Ok::<_, Error>(id)
            })
        })
        .await?;
    audit::note("role_change", "admin", Some(user), None);
    Ok(())
}

/// Gives an account a password, ends its sessions, and forgets its failed sign-ins.
pub async fn set_password(db: &Db, email: &str, password: String) -> Result<(), SignUpRefusal> {
    let hash = Hasher::default().hash_new(password, email).await?;
    let (email, now) = (email.trim().to_owned(), db.now());
    let user = db
        .transaction(move |conn| {
            Box::pin(async move {
                let changed: Option<(UserId,)> =
                    sql("update users set password_hash = $2, session_epoch = session_epoch + 1 where email_lower = $1
                    returning id")
                    .bind(email_key(&email))
                    .bind(hash)
                    .fetch_optional(conn)
                    .await?;
                throttle::forget_failures(conn, &email).await?;
                if let Some((id,)) = changed {
                    end_other_ways(conn, id).await?;
                    let entry = Entry::new(Action::PasswordSet, &Actor::command_line());
                    entry.on_user(id, &email).write(conn, now).await?;
                }
                Ok::<_, Error>(changed)
            })
        })
        .await?;
    audit::note("password_set", outcome(user, "done"), user.map(|(id,)| id), None);
    Ok(())
}

/// Disables an account and ends its sessions, or enables it again. Returns whether there is such an account.
///
/// Errors: the account is the only admin that can sign in.
pub async fn set_disabled(db: &Db, email: &str, disabled: bool) -> Result<bool, ManageError> {
    let (email, now) = (email.to_owned(), db.now());
    let user: Option<(UserId,)> = db
        .transaction(move |conn| {
            Box::pin(async move {
                if let Some(user) = User::find_by_email(conn, &email).await?
                    && disabled
                    && is_last_admin(conn, user.id).await?
                {
                    return Err(ManageError::LastAdmin);
                }
                // An erased account stays disabled.
                let changed: Option<(UserId,)> = sql("update users set session_epoch = session_epoch + 1,
                    disabled_at = case when $2 then coalesce(disabled_at, $3) end
                    where email_lower = $1 and erased_at is null returning id")
                .bind(email_key(&email))
                .bind(disabled)
                .bind(now)
                .fetch_optional(conn)
                .await?;
                if let Some((id,)) = changed {
                    sign_out_everywhere(conn, id).await?;
                    let action = if disabled { Action::AccountDisabled } else { Action::AccountEnabled };
                    Entry::new(action, &Actor::command_line()).on_user(id, email.trim()).write(conn, now).await?;
                }
                Ok::<_, ManageError>(changed)
            })
        })
        .await?;
    audit::note("account", outcome(user, if disabled { "disabled" } else { "enabled" }), user.map(|(id,)| id), None);
    Ok(user.is_some())
}

/// Returns the outcome for the log.
fn outcome(changed: Option<(UserId,)>, done: &'static str) -> &'static str {
    if changed.is_some() { done } else { "unknown_account" }
}
