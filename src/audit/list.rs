//! Reading the audit log, newest first, a page at a time.

use uuid::Uuid;

use super::{Action, ActorKind, first_id_at};
use crate::{
    db::{
        Conn, Error, Value, contains_pattern,
        page::{Page, Position},
        sql,
    },
    id::UserId,
    timestamp::Timestamp,
};

/// An entry as the log shows it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AuditEntry {
    pub id: Uuid,
    #[sqlx(rename = "occurred_at")]
    pub at: Timestamp,
    /// The action's word, which a newer release may have written.
    pub action: String,
    pub actor_kind: String,
    pub actor_id: Option<UserId>,
    pub actor_email: Option<String>,
    pub target_id: Option<UserId>,
    pub target: Option<String>,
    pub detail: Option<String>,
    pub network: Option<String>,
    pub request_id: Option<Uuid>,
}

/// A user or thing that entries are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// The user with this id.
    User(UserId),
    /// A part of the e-mail address or name, in any case.
    Text(String),
}

impl Named {
    /// Reads what somebody typed: an id, or a part of an address.
    pub fn parse(text: &str) -> Option<Self> {
        // PostgreSQL refuses text with a NUL.
        let text = text.replace('\0', "");
        let text = text.trim();
        match text.parse() {
            Ok(id) => Some(Self::User(id)),
            Err(_) => (!text.is_empty()).then(|| Self::Text(text.to_owned())),
        }
    }
}

/// Which entries are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub action: Option<Action>,
    pub kind: Option<ActorKind>,
    pub actor: Option<Named>,
    pub target: Option<Named>,
    /// The entries by or about a user.
    pub user: Option<UserId>,
    pub from: Option<Timestamp>,
    /// The first moment that is too late.
    pub until: Option<Timestamp>,
}

const COLUMNS: &str =
    "select id, occurred_at, action, actor_kind, actor_id, actor_email, target_id, target, detail, network,
    request_id from audit_entries where true";

/// Reads a page of the log.
pub async fn entries(
    conn: &mut Conn,
    filter: &AuditFilter,
    position: Position<Uuid>,
    limit: u32,
) -> Result<Page<AuditEntry, Uuid>, Error> {
    let (mut text, mut values) = (COLUMNS.to_owned(), Vec::new());
    for (condition, value) in conditions(filter, position) {
        values.push(value);
        text.push_str(" and ");
        text.push_str(&condition.replace('?', &format!("${}", values.len())));
    }
    values.push((limit + 1).into());
    let (_, order) = position.comparison();
    text.push_str(&[" order by id ", order, " limit $", &values.len().to_string()].concat());
    let rows: Vec<AuditEntry> = sql(text).bind_all(values).fetch_all(conn).await?;
    Ok(Page::new(rows, position, limit, |entry| entry.id))
}

/// Returns conditions with one value each. `?` stands for the value, in one or more places.
fn conditions(filter: &AuditFilter, position: Position<Uuid>) -> Vec<(&'static str, Value)> {
    let named = |named: &Option<Named>, by_id: &'static str, by_text: &'static str| match named {
        None => None,
        Some(Named::User(id)) => Some((by_id, Value::from(*id))),
        Some(Named::Text(text)) => Some((by_text, contains_pattern(&text.to_lowercase()).into())),
    };
    [
        filter.action.map(|action| ("action = ?", action.as_str().into())),
        filter.kind.map(|kind| ("actor_kind = ?", kind.as_str().into())),
        named(&filter.actor, "actor_id = ?", r"lower(actor_email) like ? escape '\'"),
        named(&filter.target, "target_id = ?", r"lower(target) like ? escape '\'"),
        filter.user.map(|user| ("(actor_id = ? or target_id = ?)", user.into())),
        filter.from.map(|from| ("id >= ?", first_id_at(from).into())),
        filter.until.map(|until| ("id < ?", first_id_at(until).into())),
        match position {
            Position::Newest => None,
            Position::Before(id) => Some(("id < ?", id.into())),
            Position::After(id) => Some(("id > ?", id.into())),
        },
    ]
    .into_iter()
    .flatten()
    .collect()
}
