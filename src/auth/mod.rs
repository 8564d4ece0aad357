//! Accounts: who a person is, and what the person may do.
//!
//! What always holds:
//! - Passwords are hashed with Argon2id, off the threads that serve requests, a few at a time. Sign-ups do not starve sign-ins.
//! - Guesses by strangers do not keep a user from signing in with a browser that the user signed in with before.
//! - A user with a second factor is signed in with a code only, whichever way the first step took.
//! - An unknown address and a wrong password get the same response in the same time.
//! - With mail, nobody learns from this site whether an address has an account, and a link in a mail works once.
//! - Signing in gives the session a new id. Signing out removes the session, and changing the password removes all
//!   sessions of the user. No request in flight brings a removed session back.

/// What accounts need of the application.
pub mod accounts;
/// Bearer tokens of programs that report conversions or read totals.
pub mod api_tokens;
/// Events of accounts in the log.
pub mod audit;
/// The axum-login backend.
pub mod backend;
/// A browser in a few words.
mod browser_words;
/// Changing a password.
mod change_password;
/// Asking for the password again.
pub mod confirm;
/// The ways into an account that go by mail.
pub mod doors;
/// The server functions that forms post to, and how a form's page shows what was wrong.
pub mod forms;
/// The user whose row came with the session's row.
pub mod found_user;
/// Work on passwords, off the threads that serve requests.
pub mod hasher;
/// Browsers in which a user signed in before.
pub mod known_device;
/// What admins change about other people's accounts.
pub mod manage;
/// The mail about a sign-in with a browser that the account does not know.
mod new_device;
/// Where a user goes after signing in.
pub mod next;
/// What the command line changes about accounts.
pub mod operator;
/// The sessions of a user.
pub mod own_sessions;
/// Hashing passwords, and which are accepted.
pub mod password;
/// A sign-in between its two steps.
mod pending_step;
/// Signing in with an account at GitHub or Google.
pub mod providers;
/// Who may make an account.
pub mod registration;
/// Codes of an app, and recovery codes.
pub mod second_factor;
/// The second step of a sign-in.
mod second_step;
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

/// Returns whether the setting asks this user for a second factor that the user does not have.
fn lacks_second_factor(user: &User) -> bool {
    let required = with_context::<Accounts, _>(|accounts| accounts.admins_need_second_factor).unwrap_or_default();
    required && !user.second_factor
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
        Some(user) if user.is_admin() && !lacks_second_factor(&user) => Ok(user),
        Some(user) => {
            audit::note("admin_action", "forbidden", Some(user.id), None);
            Err(AuthRejection::Forbidden)
        }
        None => Err(AuthRejection::SignedOut),
    }
}
