//! A user and its row.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::{
    clean_text::is_hidden,
    db::{Conn, Error, sql},
    id::UserId,
    timestamp::Timestamp,
};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Member,
    Admin,
}

impl Role {
    pub const ALL: [Self; 2] = [Self::Member, Self::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Role::Member => "member",
            Role::Admin => "admin",
        }
    }

    /// Returns the role with exactly this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// An account. Only authentication sees the password hash, and no log has it.
#[derive(Clone)]
pub struct User {
    pub id: UserId,
    /// The address as typed at sign-up.
    pub email: String,
    pub role: Role,
    pub created_at: Timestamp,
    /// When this site, a provider or the operator confirmed that the user reads the address.
    pub email_verified_at: Option<Timestamp>,
    /// Raising this number ends the user's sessions, and the links in the user's mails.
    pub(super) session_epoch: i64,
    pub(super) password_hash: String,
    pub(super) disabled: bool,
    /// Whether signing in takes a code too.
    pub second_factor: bool,
    session_hash: [u8; 32],
}

/// Shows only id and role, because axum-login writes the user into debug logs.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("role", &self.role).finish_non_exhaustive()
    }
}

#[derive(sqlx::FromRow)]
struct UserRow {
    id: UserId,
    email: String,
    password_hash: String,
    role: String,
    session_epoch: i64,
    disabled_at: Option<Timestamp>,
    created_at: Timestamp,
    second_factor_at: Option<Timestamp>,
    email_verified_at: Option<Timestamp>,
}

/// The columns of a user that a statement joins to other rows, without a table or with nulls. The table's name is `users`.
pub const JOINED_COLUMNS: &str =
    "users.id as user_id, email, password_hash, role, session_epoch, disabled_at, users.created_at,
    second_factor_at, email_verified_at";

/// A user that may be missing in a joined row.
#[derive(sqlx::FromRow)]
pub struct JoinedUser {
    user_id: Option<UserId>,
    email: Option<String>,
    password_hash: Option<String>,
    role: Option<String>,
    session_epoch: Option<i64>,
    disabled_at: Option<Timestamp>,
    created_at: Option<Timestamp>,
    second_factor_at: Option<Timestamp>,
    email_verified_at: Option<Timestamp>,
}

impl JoinedUser {
    pub fn user(self) -> Option<User> {
        let row = UserRow {
            id: self.user_id?,
            email: self.email?,
            password_hash: self.password_hash?,
            role: self.role?,
            session_epoch: self.session_epoch?,
            disabled_at: self.disabled_at,
            created_at: self.created_at?,
            second_factor_at: self.second_factor_at,
            email_verified_at: self.email_verified_at,
        };
        Some(row.into())
    }
}

/// Stands in place of a hash. No password has this hash. The password check takes as long as with a hash.
pub const NO_PASSWORD: &str = "!";

const COLUMNS: &str = "id, email, password_hash, role, session_epoch, disabled_at, created_at, second_factor_at,
    email_verified_at";

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        // A digest, because axum-login copies it into the session. Raising the epoch changes the digest, which ends the user's
        // sessions.
        let mut digest = Sha256::new();
        digest.update(row.password_hash.as_bytes());
        digest.update(row.session_epoch.to_le_bytes());
        Self {
            id: row.id,
            email: row.email,
            role: if row.role == "admin" { Role::Admin } else { Role::Member },
            created_at: row.created_at,
            email_verified_at: row.email_verified_at,
            session_epoch: row.session_epoch,
            password_hash: row.password_hash,
            disabled: row.disabled_at.is_some(),
            second_factor: row.second_factor_at.is_some(),
            session_hash: digest.finalize().into(),
        }
    }
}

impl axum_login::AuthUser for User {
    type Id = UserId;

    fn id(&self) -> UserId {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        &self.session_hash
    }
}

impl User {
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// Returns whether a password opens the account. Accounts that were made with a provider, imported or made for somebody have
    /// none at first.
    pub fn has_password(&self) -> bool {
        self.password_hash != NO_PASSWORD
    }

    /// Finds a user by id.
    pub async fn find(conn: &mut Conn, id: UserId) -> Result<Option<Self>, Error> {
        let row: Option<UserRow> =
            sql(format!("select {COLUMNS} from users where id = $1")).bind(id).fetch_optional(conn).await?;
        Ok(row.map(Self::from))
    }

    /// Finds a user by e-mail address, in any case.
    pub async fn find_by_email(conn: &mut Conn, email: &str) -> Result<Option<Self>, Error> {
        // No address has a NUL, and PostgreSQL refuses text with one.
        if email.contains('\0') {
            return Ok(None);
        }
        let row: Option<UserRow> = sql(format!("select {COLUMNS} from users where email_lower = $1"))
            .bind(email_key(email))
            .fetch_optional(conn)
            .await?;
        Ok(row.map(Self::from))
    }

    /// Returns whether there is an admin who can sign in.
    pub async fn any_admin(conn: &mut Conn) -> Result<bool, Error> {
        let count: i64 =
            sql("select count(*) from users where role = 'admin' and disabled_at is null").fetch_scalar(conn).await?;
        Ok(count > 0)
    }
}

/// Returns the form of an address that identifies an account: ` Maria@Example.com` → `maria@example.com`.
pub fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Returns whether a character cannot be seen, or reorders the text around it. With such a character, two different addresses
/// would look alike.
fn is_invisible(character: char) -> bool {
    // Beside the hidden characters of attribution: joiners, fillers that look like nothing, and variation selectors.
    is_hidden(character)
        || matches!(character,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0080}'..='\u{e0fff}')
}

/// Returns an e-mail address trimmed, or what is wrong with it in words for the user. An address is accepted if a mail server
/// could know it: one `@` between two parts. Whether the address exists is not checked.
pub fn parse_email(text: &str) -> Result<String, &'static str> {
    let email = text.trim();
    if email.is_empty() {
        return Err("Enter your e-mail address.");
    }
    if email.chars().any(|c| is_invisible(c) && !c.is_control()) {
        return Err("This address has invisible characters. Type it instead of pasting it.");
    }
    // RFC 5321 4.5.3.1: at most 254 characters in all, 64 before the @
    let fine = email.len() <= 254
        && !email
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '<' | '>' | '"' | '(' | ')'))
        && email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && local.len() <= 64
                && !domain.contains('@')
                && !domain.starts_with(['.', '-'])
                && !domain.ends_with(['.', '-'])
                && !domain.contains("..")
                && !domain.is_empty()
        });
    if fine { Ok(email.to_owned()) } else { Err("Enter an e-mail address such as name@example.com.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_accepted_generously() {
        for fine in [" maria@example.com ", "a+b@x.co", "ü@bücher.example", "root@localhost"] {
            assert_eq!(parse_email(fine).as_deref(), Ok(fine.trim()));
        }
        for wrong in ["", "maria", "@example.com", "a@", "a@b@c", "a b@c.d", "a@.com", "a@b..c", "a@b.c\nBcc: x@y.z"] {
            assert!(parse_email(wrong).is_err(), "{wrong}");
        }
        // Joined, reordered, filled, varied, tagged: the address looks like another one.
        let invisible = "\u{ad}\u{34f}\u{115f}\u{180b}\u{200b}\u{200d}\u{200f}\u{202e}\u{2060}\u{2066}\u{2800}\u{3164}\u{fe0f}\u{feff}\u{ffa0}\u{e0041}\u{e0100}";
        for character in invisible.chars() {
            for address in [format!("boss{character}@corp.example"), format!("boss@corp.example{character}")] {
                let why = parse_email(&address).expect_err(&address);
                assert!(why.contains("invisible"), "{address:?}: {why}");
            }
        }
    }

    #[test]
    fn a_user_in_a_log_shows_no_secret() {
        let row = UserRow {
            id: UserId::NIL,
            email: "maria@example.com".into(),
            password_hash: "$argon2id$secret".into(),
            role: "admin".into(),
            session_epoch: 0,
            disabled_at: None,
            created_at: Timestamp::EPOCH,
            second_factor_at: None,
            email_verified_at: None,
        };
        let text = format!("{:?}", User::from(row));
        assert!(!text.contains("argon2") && !text.contains("maria"), "{text}");
    }
}
