//! Accounts: who a person is, and what the person may do.
//!
//! What always holds:
//! - Passwords are hashed with Argon2id, off the threads that serve requests, a few at a time. Sign-ups do not starve sign-ins.
//! - Guesses by strangers do not keep a user from signing in with a browser that the user signed in with before.
//! - An unknown address and a wrong password get the same response in the same time.
//! - Signing in gives the session a new id. Signing out removes the session, and changing the password removes all
//!   sessions of the user. No request in flight brings a removed session back.

/// What accounts need of the application.
pub mod accounts;
/// Bearer tokens of programs that report conversions.
pub mod api_tokens;
/// Events of accounts in the log.
pub mod audit;
/// The axum-login backend.
pub mod backend;
/// Changing a password.
mod change_password;
/// Asking for the password again.
pub mod confirm;
/// The server functions that forms post to, and how a form's page shows what was wrong.
pub mod forms;
/// The user whose row came with the session's row.
pub mod found_user;
/// Work on passwords, off the threads that serve requests.
pub mod hasher;
/// Browsers in which a user signed in before.
pub mod known_device;
/// Where a user goes after signing in.
pub mod next;
/// What the command line changes about accounts.
pub mod operator;
/// Hashing passwords, and which are accepted.
mod password;
/// Signing in with an account at GitHub or Google.
pub mod providers;
/// How long a session lasts.
pub mod session_lifetime;
/// Signing in and out.
mod sign_in;
/// Creating an account.
pub mod sign_up;
/// How many accounts may be made.
pub mod sign_up_limit;
/// Slowing down guesses, by account and by address.
pub mod throttle;
/// A user and its row.
pub mod user;

pub use self::{
    accounts::Accounts,
    backend::{AuthSession, Backend},
    user::{Role, User},
};

use leptos::prelude::with_context;

/// A request extension: a user may be signed in, but the database did not say so in time. Pages that need no user are served as
/// if no user were signed in. What needs a user responds with 503, because the user would sign in again for nothing.
#[derive(Clone, Copy, Debug)]
pub struct UnknownUser;

/// Returns the signed-in user of the request whose page is being rendered or whose server function runs.
pub fn current_user() -> Option<User> {
    with_context::<axum::http::request::Parts, _>(|parts| parts.extensions.get::<AuthSession>()?.user.clone()).flatten()
}

/// Why a person may not open an admin page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthRejection {
    /// No user is signed in.
    SignedOut,
    /// The signed-in user is no admin.
    Forbidden,
}

/// Returns the signed-in admin of the request whose page is being rendered or whose server function runs.
///
/// The layer around `/admin` has checked the role before. The layout of the pages, each file and each function check it again, so
/// that the check does not depend on where a route is mounted.
pub fn require_admin() -> Result<User, AuthRejection> {
    match current_user() {
        Some(user) if user.is_admin() => Ok(user),
        Some(user) => {
            audit::note("admin_action", "forbidden", Some(user.id), None);
            Err(AuthRejection::Forbidden)
        }
        None => Err(AuthRejection::SignedOut),
    }
}
