//! Accounts: who someone is, and what they may do.
//!
//! What always holds: passwords are hashed with Argon2id, off the threads that serve requests, a few at a time; an unknown
//! address and a wrong password get the same answer in the same time; signing in gives a session a new id, and signing out or
//! changing the password ends sessions for good.

/// Bearer tokens of those who report conversions.
pub mod api_tokens;
/// The axum-login backend.
pub mod backend;
/// Changing a password.
mod change_password;
/// Asking for the password again.
pub mod confirm;
/// Server functions that forms post to, and how a form is told what was wrong.
pub mod forms;
/// Where to go after signing in.
pub mod next;
/// Hashing, and which passwords are accepted.
pub mod password;
/// Sessions of signed-in users: how long they last.
pub mod session_lifetime;
/// Signing in and out.
mod sign_in;
/// Creating an account.
pub mod sign_up;
/// Slowing down guesses.
pub mod throttle;
/// A user and its row.
pub mod user;

pub use self::backend::{AuthSession, Backend};
pub use self::user::{Role, User};

use leptos::prelude::use_context;

/// The signed-in user of the request whose page is being rendered.
pub fn current_user() -> Option<User> {
    use_context::<axum::http::request::Parts>()?.extensions.get::<AuthSession>()?.user.clone()
}

/// Why someone is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthRejection {
    /// Nobody is signed in.
    SignedOut,
    /// Who is signed in may not do this.
    Forbidden,
}

/// The signed-in admin of the request whose page is being rendered or whose server function runs.
///
/// The layer around `/admin` has checked this before; each page and function checks it again, so that none depends on where it
/// is mounted.
pub fn require_admin() -> Result<User, AuthRejection> {
    match current_user() {
        Some(user) if user.is_admin() => Ok(user),
        Some(_) => Err(AuthRejection::Forbidden),
        None => Err(AuthRejection::SignedOut),
    }
}
