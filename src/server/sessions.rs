//! Sessions: their cookie, and the layer that loads a request's session and its user.

use axum_login::{AuthManagerLayer, AuthManagerLayerBuilder};
use tower_sessions::{
    Expiry, SessionManagerLayer,
    cookie::{SameSite, time::Duration},
};

use super::workarounds::session_store::Sessions;
use crate::{
    auth::{Backend, session_lifetime::LIFETIME},
    cookie::SiteCookie,
    state::AppState,
};

/// Returns the session's cookie: `__Host-waymark` over TLS, else `waymark`.
pub(super) fn cookie(secure: bool) -> SiteCookie {
    SiteCookie::new("__Host-waymark", secure)
}

/// Loads the session that a request's cookie names and the user who is signed in with it. Without a cookie the layer sends the
/// database no query.
pub(super) fn layer(state: &AppState) -> AuthManagerLayer<Backend, Sessions> {
    let secure = state.config.is_secure();
    let sessions = SessionManagerLayer::new(Sessions::new(state.db.clone()))
        .with_name(cookie(secure).name())
        .with_secure(secure)
        .with_http_only(true)
        // With `Strict`, the crate's default, a visitor who comes by an ad would arrive without their session and get a new
        // session.
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(Duration::seconds(LIFETIME.as_secs().cast_signed())));
    let backend = Backend::new(state.db.clone(), state.accounts.hasher.clone());
    AuthManagerLayerBuilder::new(backend, sessions).build()
}
