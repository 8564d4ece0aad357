//! What admins change about other people's accounts.
//!
//! What always holds:
//! - There is always an admin who can sign in. Two admins who demote or disable each other at the same time do not both succeed.
//! - Each change has its entry in the audit log, in the same transaction.

use super::{known_device::sign_out_everywhere, user::Role};
use crate::{
    audit::{Action, Actor, Entry},
    db::{Conn, Db, Error, sql},
    id::UserId,
};

/// Why an account was not changed. The texts are for the admin.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ManageError {
    /// No user has this id, or the user is erased.
    #[error("There is no such account any more.")]
    Unknown,
    /// The user is the only admin who can sign in. Without the user, the admin pages would be closed to everybody.
    #[error("This is the only admin. Make somebody else an admin first.")]
    LastAdmin,
    /// Admins do not lock themselves out by accident.
    #[error("This is your own account. Ask another admin to do this.")]
    Own,
    /// The database failed, and nothing changed.
    #[error("The account could not be changed. Try again in a moment.")]
    Database(#[from] Error),
}

/// Gives a user a role. A user who has the role already stays as they are.
pub async fn set_role(db: &Db, user: UserId, role: Role, by: &Actor) -> Result<(), ManageError> {
    not_oneself(user, by)?;
    let (now, entry) = (db.now(), Entry::new(Action::RoleChanged, by));
    db.transaction(move |conn| {
        Box::pin(async move {
            if role == Role::Member && is_last_admin(conn, user).await? {
                return Err(ManageError::LastAdmin);
            }
            let (email, before) = find(conn, user).await?;
            if before == role.as_str() {
                return Ok(());
            }
            sql("update users set role = $2 where id = $1").bind(user).bind(role.as_str()).execute(conn).await?;
            let detail = format!("{before} → {}", role.as_str());
            Ok(entry.on_user(user, &email).detail(detail).write(conn, now).await?)
        })
    })
    .await
}

/// Disables an account and ends its sessions, or enables the account again.
pub async fn set_disabled(db: &Db, user: UserId, disabled: bool, by: &Actor) -> Result<(), ManageError> {
    not_oneself(user, by)?;
    let action = if disabled { Action::AccountDisabled } else { Action::AccountEnabled };
    let (now, entry) = (db.now(), Entry::new(action, by));
    db.transaction(move |conn| {
        Box::pin(async move {
            if disabled && is_last_admin(conn, user).await? {
                return Err(ManageError::LastAdmin);
            }
            let (email, _) = find(conn, user).await?;
            let changed =
                sql("update users set session_epoch = session_epoch + 1, disabled_at = case when $2 then $3 end
                where id = $1 and (disabled_at is null) = $2")
                .bind(user)
                .bind(disabled)
                .bind(now)
                .execute(conn)
                .await?;
            if changed == 0 {
                return Ok(());
            }
            sign_out_everywhere(conn, user).await?;
            Ok(entry.on_user(user, &email).write(conn, now).await?)
        })
    })
    .await
}

/// Ends all sessions of a user, and forgets the browsers that signed in.
pub async fn end_all_sessions(db: &Db, user: UserId, by: &Actor) -> Result<(), ManageError> {
    let (now, entry) = (db.now(), Entry::new(Action::SessionsEnded, by));
    db.transaction(move |conn| {
        Box::pin(async move {
            let (email, _) = find(conn, user).await?;
            sql("update users set session_epoch = session_epoch + 1 where id = $1").bind(user).execute(conn).await?;
            sign_out_everywhere(conn, user).await?;
            Ok(entry.on_user(user, &email).detail("all sessions").write(conn, now).await?)
        })
    })
    .await
}

/// Returns whether this is the only admin who can sign in. Locks the admins' rows if the user is an admin. So if two admins leave
/// at the same time, the second one is refused, and other users do not wait for each other.
pub async fn is_last_admin(conn: &mut Conn, user: UserId) -> Result<bool, Error> {
    let lock = format!(
        "select id from users where role = 'admin' and disabled_at is null
            and exists (select 1 from users where id = $1 and role = 'admin') order by id{}",
        conn.for_update()
    );
    let admins: Vec<(UserId,)> = sql(lock).bind(user).fetch_all(conn).await?;
    Ok(admins == [(user,)])
}

fn not_oneself(user: UserId, by: &Actor) -> Result<(), ManageError> {
    if by.id() == Some(user) { Err(ManageError::Own) } else { Ok(()) }
}

/// Returns the e-mail address and the role of a user, and locks the user's row.
async fn find(conn: &mut Conn, user: UserId) -> Result<(String, String), ManageError> {
    let find = format!("select email, role from users where id = $1 and erased_at is null{}", conn.for_update());
    sql(find).bind(user).fetch_optional(conn).await?.ok_or(ManageError::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::each_database;

    async fn admin(db: &Db, email: &str) -> UserId {
        let id = UserId::new();
        let insert = sql("insert into users (id, email, email_lower, password_hash, role, created_at)
            values ($1, $2, $2, '!', 'admin', 0)");
        db.execute(insert.bind(id).bind(email)).await.expect("added");
        id
    }

    async fn admins(db: &Db) -> i64 {
        let mut conn = db.read().await.expect("a connection");
        let count = sql("select count(*) from users where role = 'admin' and disabled_at is null");
        count.fetch_scalar(&mut conn).await.expect("a number")
    }

    #[tokio::test]
    async fn an_admin_stays_whatever_two_do_to_each_other_at_once() {
        each_database(async |db| {
            let (ada, bob) = (admin(&db, "ada@example.com").await, admin(&db, "bob@example.com").await);
            let by = |id| Actor::user(id, "x", crate::audit::Origin::default());
            for round in 0..20 {
                let (ada_is, bob_is) = (by(ada), by(bob));
                let (one, other) = match round % 2 {
                    0 => tokio::join!(
                        set_role(&db, bob, Role::Member, &ada_is),
                        set_role(&db, ada, Role::Member, &bob_is)
                    ),
                    _ => tokio::join!(set_disabled(&db, bob, true, &ada_is), set_role(&db, ada, Role::Member, &bob_is)),
                };
                assert_eq!(admins(&db).await, 1, "round {round}: {one:?} {other:?}");
                assert!(matches!(
                    (&one, &other),
                    (Ok(()), Err(ManageError::LastAdmin)) | (Err(ManageError::LastAdmin), Ok(()))
                ));
                db.execute(sql("update users set role = 'admin', disabled_at = null")).await.expect("admins again");
            }
            assert!(matches!(set_role(&db, ada, Role::Member, &by(ada)).await, Err(ManageError::Own)));
            assert!(matches!(set_disabled(&db, ada, true, &by(ada)).await, Err(ManageError::Own)));
            assert!(matches!(set_role(&db, UserId::new(), Role::Admin, &by(ada)).await, Err(ManageError::Unknown)));
        })
        .await;
    }

    #[tokio::test]
    async fn only_a_change_has_an_entry() {
        each_database(async |db| {
            let (ada, bob) = (admin(&db, "ada@example.com").await, admin(&db, "bob@example.com").await);
            let by = Actor::user(ada, "ada@example.com", crate::audit::Origin::default());
            set_role(&db, bob, Role::Admin, &by).await.expect("nothing to do");
            set_disabled(&db, bob, false, &by).await.expect("nothing to do");
            set_role(&db, bob, Role::Member, &by).await.expect("changed");
            set_disabled(&db, bob, true, &by).await.expect("changed");
            set_disabled(&db, bob, true, &by).await.expect("nothing to do");
            end_all_sessions(&db, bob, &by).await.expect("ended");
            let mut conn = db.read().await.expect("a connection");
            let entries: Vec<(String,)> =
                sql("select action || coalesce(' ' || detail, '') from audit_entries order by occurred_at, id")
                    .fetch_all(&mut conn)
                    .await
                    .expect("entries");
            let mut entries: Vec<String> = entries.into_iter().map(|(entry,)| entry).collect();
            entries.sort();
            assert_eq!(entries, ["account_disabled", "role_changed admin → member", "sessions_ended all sessions"]);
        })
        .await;
    }
}
