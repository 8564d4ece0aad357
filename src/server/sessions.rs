//! Sessions: their cookie, and the layers that load a request's session and its user.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use axum_login::AuthManager;
use tower::ServiceExt;
use tower_sessions::{
    Expiry, Session, SessionManagerLayer,
    cookie::{SameSite, time::Duration},
};

use super::{
    cache_control,
    workarounds::session_store::{SIGNED_IN, Sessions},
};
use crate::{
    auth::{
        Backend,
        session_lifetime::{self, LIFETIME},
    },
    cookie::SiteCookie,
    db::Db,
    state::AppState,
};

/// Returns the session's cookie: `__Host-waymark` over TLS, else `waymark`.
pub(super) fn cookie(secure: bool) -> SiteCookie {
    SiteCookie::new("__Host-waymark", secure)
}

/// Loads the session that a request's cookie names. Without a cookie the layer sends the database no query.
pub(super) fn layer(state: &AppState, store: &Sessions) -> SessionManagerLayer<Sessions> {
    let secure = state.config.is_secure();
    SessionManagerLayer::new(store.clone())
        .with_name(cookie(secure).name())
        .with_secure(secure)
        .with_http_only(true)
        // With `Strict`, the crate's default, a visitor who comes by an ad would arrive without their session and get a new
        // session.
        .with_same_site(SameSite::Lax)
        .with_expiry(expiry())
}

/// Looks up the user who is signed in with the request's session. axum-login's own layer has one backend for all requests, so a
/// request could not tell a failed look-up from a user who is gone.
pub(super) async fn look_up_user(State(backend): State<Backend>, request: Request, next: Next) -> Response {
    let Ok(response) = AuthManager::new(next, backend.of_request(), SIGNED_IN).oneshot(request).await;
    response
}

/// Returns a session that begins if something is stored in it.
pub(super) fn new_session(store: &Arc<Sessions>) -> Session {
    Session::new(None, store.clone(), Some(expiry()))
}

fn expiry() -> Expiry {
    Expiry::OnInactivity(Duration::seconds(LIFETIME.as_secs().cast_signed()))
}

/// Ends sessions that are over, and marks the responses to signed-in users. Stands inside the session layer.
pub(super) async fn enforce(State(db): State<Db>, mut request: Request, next: Next) -> Response {
    let signed_in = session_lifetime::enforce(&db, &mut request).await;
    let mut response = next.run(request).await;
    if signed_in {
        cache_control::mark_personal(&mut response);
    }
    response
}
