//! Sessions: their cookie, and the layers that load a request's session and its user.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use axum_login::AuthManager;
use tower::ServiceExt;
use tower_sessions::{
    Expiry, SessionManagerLayer,
    cookie::{SameSite, time::Duration},
};

use super::workarounds::session_store::{SIGNED_IN, Sessions};
use crate::{
    auth::{Backend, session_lifetime::LIFETIME},
    cookie::SiteCookie,
    state::AppState,
};

/// Returns the session's cookie: `__Host-waymark` over TLS, else `waymark`.
pub(super) fn cookie(secure: bool) -> SiteCookie {
    SiteCookie::new("__Host-waymark", secure)
}

/// Loads the session that a request's cookie names. Without a cookie the layer sends the database no query.
pub(super) fn layer(state: &AppState) -> SessionManagerLayer<Sessions> {
    let secure = state.config.is_secure();
    SessionManagerLayer::new(Sessions::new(state.db.clone()))
        .with_name(cookie(secure).name())
        .with_secure(secure)
        .with_http_only(true)
        // With `Strict`, the crate's default, a visitor who comes by an ad would arrive without their session and get a new
        // session.
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(Duration::seconds(LIFETIME.as_secs().cast_signed())))
}

/// Looks up the user who is signed in with the request's session. axum-login's own layer has one backend for all requests, so a
/// request could not tell a failed look-up from a user who is gone.
pub(super) async fn look_up_user(State(backend): State<Backend>, request: Request, next: Next) -> Response {
    let Ok(response) = AuthManager::new(next, backend.of_request(), SIGNED_IN).oneshot(request).await;
    response
}
