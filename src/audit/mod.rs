//! The audit log: what admins, sign-ins and the command line changed, who did it, what it concerns, when, and from which network.
//!
//! What always holds:
//! - An entry is written in the transaction of its change: there is no change without its entry, and no entry without its change.
//! - An entry has a network, in which too many people are to tell one, and never an address. It has no password and no token.
//! - An erasure removes the erased person's e-mail address from all entries.
//!
//! # Another action
//!
//! A line in [`Action`] with its words, and an [`Entry`] in the transaction that does it:
//! `Entry::new(Action::RoleChanged, actor).on_user(id, &email).detail("member → admin").write(conn, now).await?`.

/// What can be done.
mod action;
/// Who did it, and from where.
mod actor;
/// Reading the log.
pub mod list;

pub use self::{
    action::Action,
    actor::{Actor, ActorKind, Origin, network},
};

use uuid::{Builder, Uuid};

use crate::{
    db::{Conn, Db, Error, sql},
    id::UserId,
    random::secret_bytes,
    timestamp::Timestamp,
};

/// The longest detail or name of a thing, in bytes.
const TEXT_BYTES: usize = 300;

/// An entry that is about to be written.
#[derive(Clone, Debug)]
#[must_use = "an entry is in the log only once it is written"]
pub struct Entry {
    action: Action,
    actor: Actor,
    target_id: Option<UserId>,
    target: Option<String>,
    detail: Option<String>,
}

impl Entry {
    pub fn new(action: Action, actor: &Actor) -> Self {
        Self { action, actor: actor.clone(), target_id: None, target: None, detail: None }
    }

    /// Begins an entry about what users do to their own account.
    pub fn of_own_account(action: Action, user: UserId, email: &str, origin: &Origin) -> Self {
        Self::new(action, &Actor::user(user, email, origin.clone())).on_user(user, email)
    }

    /// Names the user that the change is about, with the e-mail address of this moment.
    pub fn on_user(self, id: UserId, email: &str) -> Self {
        Self { target_id: Some(id), target: Some(email.to_owned()), ..self }
    }

    /// Names a user who is erased with this change, and so has no address any more.
    pub fn on_erased_user(self, id: UserId) -> Self {
        Self { target_id: Some(id), target: None, ..self }
    }

    /// Names the thing that the change is about: a link, a campaign, a token's name.
    pub fn on(self, thing: &str) -> Self {
        Self { target: Some(shortened(thing)), ..self }
    }

    /// Says what exactly changed.
    pub fn detail(self, text: impl AsRef<str>) -> Self {
        Self { detail: Some(shortened(text.as_ref())), ..self }
    }

    /// Writes the entry in the transaction of its change.
    pub async fn write(self, conn: &mut Conn, now: Timestamp) -> Result<(), Error> {
        let Self { action, actor, target_id, target, detail } = self;
        sql("insert into audit_entries (id, occurred_at, action, actor_kind, actor_id, actor_email, target_id, target, detail,
                network, request_id)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind(new_id(now))
        .bind(now)
        .bind(action.as_str())
        .bind(actor.kind.as_str())
        .bind(actor.id)
        .bind(actor.email)
        .bind(target_id)
        .bind(target)
        .bind(detail)
        .bind(actor.origin.network)
        .bind(actor.origin.request_id)
        .execute(conn)
        .await
        .map(|_| ())
    }

    /// Writes an entry about what is no single transaction: a download, or a job of the command line.
    pub async fn write_alone(self, db: &Db) -> Result<(), Error> {
        let now = db.now();
        db.transaction(move |conn| Box::pin(self.write(conn, now))).await
    }
}

/// Removes an erased user's e-mail address from the entries by and about the user, and the networks that the user came from.
pub async fn forget_user(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    sql("update audit_entries set actor_email = null, network = null where actor_id = $1")
        .bind(user)
        .execute(conn)
        .await?;
    // A stranger whose password was wrong may have been the user.
    sql("update audit_entries set target = null, network = case when actor_kind = 'stranger' then null else network end
        where target_id = $1")
    .bind(user)
    .execute(conn)
    .await
    .map(|_| ())
}

/// Returns the smallest id of an entry that is written at a time or later.
pub fn first_id_at(at: Timestamp) -> Uuid {
    id_at(at, [0; 10])
}

fn new_id(at: Timestamp) -> Uuid {
    id_at(at, secret_bytes())
}

fn id_at(at: Timestamp, rest: [u8; 10]) -> Uuid {
    let millis = u64::try_from(at.as_millis()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
}

fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_BYTES)].to_owned()
}

#[cfg(test)]
mod tests;
