//! The user whose row came with the session's row. Without this, each request of a signed-in user would ask the database twice.

use std::cell::RefCell;

use super::user::User;
use crate::id::UserId;

tokio::task_local! {
    static FOUND: RefCell<Option<User>>;
}

/// Runs the work of one request. The session store leaves the user here, and the backend takes the user once.
pub async fn within<F: Future>(request: F) -> F::Output {
    FOUND.scope(RefCell::default(), request).await
}

/// Leaves the user of the session that was just loaded.
pub fn leave(user: Option<User>) {
    // Outside a request, as on the command line, nobody asks for the user.
    let _ = FOUND.try_with(|found| found.replace(user));
}

/// Takes the user, if the session that was just loaded is this user's.
pub(super) fn take(id: UserId) -> Option<User> {
    FOUND.try_with(|found| found.take()).ok().flatten().filter(|user| user.id == id)
}
