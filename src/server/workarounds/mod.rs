//! Code that stands here only until a library's release makes it unnecessary. Each file names the library's version, the upstream
//! issue where one is known, and after "Delete when" what the release must do.

/// Only a cookie of exactly the session's name reaches the session layer.
pub(super) mod cookie_names;
/// When the session's cookie is set and removed.
pub(super) mod session_set_cookie;
/// Sessions in the application's database, with what the crates' own stores do not promise.
pub(super) mod session_store;
