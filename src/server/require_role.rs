//! Lets only admins open admin pages, and only signed-in users their own pages. The layer decides before any page renders.
//! To an unknown user, it responds with 503.
//!
//! Pages and server functions check the role again, so that no page depends on where it is mounted.

use axum::{
    extract::Request,
    http::{Method, StatusCode, header},
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

/// The areas of signed-in users: a path, and everything below it.
const FOR_USERS: &[&str] = &[
    // and only admins
    ADMIN,
    "/account",
    "/projects",
];
const ADMIN: &str = "/admin";
/// Where an admin is led who needs a second factor and has none.
const SECOND_FACTOR: &str = "/account/second-factor";

/// Lets only admins to `/admin` and everything below it, and only signed-in users to their areas. Returns the response to anybody
/// else.
pub(super) fn refusal(request: &Request, admins_need_second_factor: bool) -> Option<Response> {
    let path = request.uri().path();
    if !is_for_users(path) {
        return None;
    }
    match request.extensions().get::<AuthSession>().and_then(|auth| auth.user.as_ref()) {
        Some(user) if is_in(path, ADMIN) && !user.is_admin() => {
            let address = request.extensions().get::<ClientAddress>().map(|ClientAddress(address)| *address);
            audit::note("admin_page", "forbidden", Some(user.id), address);
            Some(StatusCode::FORBIDDEN.into_response())
        }
        Some(user) if is_in(path, ADMIN) && admins_need_second_factor && !user.second_factor => {
            Some((StatusCode::SEE_OTHER, [(header::LOCATION, SECOND_FACTOR)]).into_response())
        }
        Some(_) => None,
        None if request.extensions().get::<UnknownUser>().is_some() => {
            Some((StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response())
        }
        None => Some(sign_in_first(request)),
    }
}

/// Returns whether only signed-in users may open a path.
pub(super) fn is_for_users(path: &str) -> bool {
    FOR_USERS.iter().any(|area| is_in(path, area))
}

fn is_in(path: &str, area: &str) -> bool {
    path.strip_prefix(area).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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
