//! Lets only admins open admin pages, and only signed-in users account pages. The layer decides before any page renders.
//! To an unknown user, it responds with 503.
//!
//! Pages and server functions check the role again, so that no page depends on where it is mounted.

use axum::{
    extract::Request,
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    address_limit::ClientAddress,
    attribution::capture::{
        consent_handoff::{PARAMETER, without_parameter},
        session_layer::UndecidedLanding,
    },
    auth::{AuthSession, UnknownUser, audit},
};

/// Lets only admins to `/admin` and everything below it, and only signed-in users to `/account`.
pub(super) async fn require_role(auth: AuthSession, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let admin = path == "/admin" || path.starts_with("/admin/");
    let account = path == "/account" || path.starts_with("/account/");
    match &auth.user {
        Some(user) if admin && !user.is_admin() => {
            let address = request.extensions().get::<ClientAddress>().map(|ClientAddress(address)| *address);
            audit::note("admin_page", "forbidden", Some(user.id), address);
            StatusCode::FORBIDDEN.into_response()
        }
        None if (admin || account) && request.extensions().get::<UnknownUser>().is_some() => {
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response()
        }
        None if admin || account => sign_in_first(&request),
        _ => next.run(request).await,
    }
}

/// Redirects to the sign-in page, which leads back: `/account?tab=1` → `/login?next=%2Faccount%3Ftab%3D1`. Other methods than GET
/// and HEAD get 401, because a redirect cannot lead back to a POST.
fn sign_in_first(request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    // Path and query only: a target in absolute form could name another site.
    let mut target = request.uri().path().to_owned();
    if let Some(query) = request.uri().query().map(without_parameter).filter(|query| !query.is_empty()) {
        target = format!("{target}?{query}");
    }
    let mut query: String = form_urlencoded::Serializer::new(String::new()).append_pair("next", &target).finish();
    // A landing that waits for consent travels in the address.
    if let Some(landing) = request.extensions().get::<UndecidedLanding>() {
        query = format!("{query}&{PARAMETER}={}", landing.encoded());
    }
    (StatusCode::SEE_OTHER, [(header::LOCATION, format!("/login?{query}"))]).into_response()
}
