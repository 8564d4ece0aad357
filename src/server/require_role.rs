//! Who may open what, before any page renders.
//!
//! Pages and server functions check again for themselves: a page's content must not depend on where it is mounted.

use axum::{
    extract::Request,
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    attribution::capture::{consent_form, session_layer::Landing},
    auth::AuthSession,
};

/// Lets only admins to `/admin` and everything under it, and only members to `/account`.
pub(super) async fn check(auth: AuthSession, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let admin = path == "/admin" || path.starts_with("/admin/");
    let account = path == "/account" || path.starts_with("/account/");
    match &auth.user {
        Some(user) if admin && !user.is_admin() => StatusCode::FORBIDDEN.into_response(),
        None if admin || account => sign_in_first(&request),
        _ => next.run(request).await,
    }
}

/// 303 to the sign-in page, which leads back; never for what is no page to come back to.
fn sign_in_first(request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    // path and query only: in absolute form the target could name another site
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let mut query: String = form_urlencoded::Serializer::new(String::new()).append_pair("next", target).finish();
    // What waits for consent goes along.
    if let Some(landing) = request.extensions().get::<Landing>() {
        query.push_str("&landing=");
        query.push_str(&consent_form::field(landing));
    }
    (StatusCode::SEE_OTHER, [(header::LOCATION, format!("/login?{query}"))]).into_response()
}
