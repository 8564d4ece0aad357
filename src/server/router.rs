//! The whole application in one place: routes, layers, and why each layer stands where it does.

use axum::{
    Router,
    error_handling::HandleErrorLayer,
    extract::{FromRef, Request},
    http::{HeaderValue, StatusCode, header},
    middleware::{from_fn, from_fn_with_state},
    response::IntoResponse,
    routing::{any, get, post},
};
use axum_login::AuthManagerLayerBuilder;
use leptos::{
    nonce::{provide_nonce, use_nonce},
    prelude::{expect_context, provide_context},
};
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list};
use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer, load_shed::LoadShedLayer};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    csrf::CsrfLayer,
    limit::RequestBodyLimitLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    timeout::TimeoutLayer,
    trace::{DefaultOnFailure, DefaultOnResponse, TraceLayer},
};
use tower_sessions::{
    Expiry, SessionManagerLayer,
    cookie::{SameSite, time::Duration},
};
use tracing::Level;

use super::{
    client_address, conversions, error_pages, headers,
    health::{self, Stopping},
    logging, overload, request_target, require_role, server_fns, session_cookie,
    session_store::Sessions,
    static_files, well_known,
};
use crate::{
    admin,
    app::{App, shell},
    attribution::{
        Attribution,
        capture::{beacon, consent_form, lead_source_layer::LeadSourceLayer, session_layer::UtmSessionLayer},
        referral,
    },
    auth::{self, Backend},
    local_path::LocalPath,
    privacy,
    state::AppState,
};

/// A request that takes longer is ended: nothing here is slow by design.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(30);

/// The application: everything that is served.
pub fn router(state: AppState, stopping: Stopping) -> Router {
    router_with(state, stopping, Router::new())
}

/// The application with further routes, which stand where the pages stand: inside sessions, authentication and attribution.
pub fn router_with(state: AppState, stopping: Stopping, more: Router<AppState>) -> Router {
    outer(&state, stopping, with_sessions(&state, pages(&state).merge(more)))
}

/// The pages without sessions, authentication and attribution: what the benchmark compares with.
pub fn router_without_sessions(state: AppState, stopping: Stopping) -> Router {
    outer(&state, stopping, pages(&state))
}

/// Pages, server functions, referral links and exports.
fn pages(state: &AppState) -> Router<AppState> {
    let context = {
        let state = state.clone();
        move || provide(&state)
    };
    let document = {
        let options = state.options.clone();
        move || shell(options.clone())
    };
    let not_found = leptos_axum::render_app_async_with_context(context.clone(), document.clone());
    Router::new()
        .route("/r/{token}", get(referral::follow))
        .route("/admin/leads.csv", get(admin::csv::leads_csv))
        .route("/admin/campaigns.csv", get(admin::csv::campaigns_csv))
        .route("/admin/models.csv", get(admin::csv::models_csv))
        .route("/admin/conversions.csv", get(admin::csv::conversions_csv))
        .route("/account/export.json", get(privacy::export_json))
        .leptos_routes_with_context(state, generate_route_list(App), context, document)
        .route("/api/touch", post(beacon::receive))
        .route("/api/consent", post(consent_form::decide))
        .route("/api/{*rest}", any(server_fns::not_found))
        .fallback(move |request: Request| async move {
            match without_slash(&request) {
                Some(target) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, target)]).into_response(),
                None => not_found(request).await,
            }
        })
}

/// What pages and server functions find in their context, and the policy that names this page's nonce.
fn provide(state: &AppState) {
    provide_context(state.clone());
    provide_nonce();
    let policy = headers::policy(use_nonce().as_ref(), &state.options);
    expect_context::<ResponseOptions>().insert_header(header::CONTENT_SECURITY_POLICY, policy);
}

/// The address without its slash at the end, and with its query: `/login/?next=…` is `/login?next=…`.
fn without_slash(request: &Request) -> Option<HeaderValue> {
    let path = request.uri().path();
    let short = path.trim_end_matches('/');
    // `//evil.example/` must not become a redirect to another site.
    let short = LocalPath::parse(short).filter(|_| short.len() < path.len())?.as_str();
    let target = match request.uri().query() {
        Some(query) => format!("{short}?{query}"),
        None => short.to_owned(),
    };
    HeaderValue::from_str(&target).ok()
}

/// Layers around everything that may know a visitor. Listed from the outside in.
fn with_sessions(state: &AppState, pages: Router<AppState>) -> Router<AppState> {
    let sessions = SessionManagerLayer::new(Sessions::new(state.db.clone()))
        .with_name(session_cookie::session_cookie(&state.config).name())
        .with_secure(state.config.is_secure())
        .with_http_only(true)
        // Not the default, Strict: a visitor who comes by an ad would arrive without their session, and get a new one.
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(Duration::days(session_cookie::MAX_AGE_DAYS)));
    let backend = Backend::new(state.db.clone(), state.hasher.clone());
    let attribution = Attribution::from_ref(state);
    pages.layer(
        ServiceBuilder::new()
            // Session and user of the request. Without a cookie it asks the database nothing.
            .layer(AuthManagerLayerBuilder::new(backend, sessions).build())
            // Ends sessions that are over, and tells attribution who is signed in.
            .layer(from_fn_with_state(state.clone(), auth::session_lifetime::keep))
            // Nobody's page goes into a cache.
            .layer(from_fn(headers::mark_personal))
            // Before the handler: an arrival becomes a touch. Outside the guard, so that an arrival at a closed door counts.
            .layer(UtmSessionLayer::new(attribution.clone()))
            // Around the handler: links, and lead sources that handlers seed.
            .layer(LeadSourceLayer::new(attribution))
            // Last, where the user is known.
            .layer(from_fn(require_role::check))
            .layer(from_fn(server_fns::tame))
            // A page that panics is an answer to all of the above: the visitor of an arrival gets the cookie all the same.
            .layer(CatchPanicLayer::custom(error_pages::panicked)),
    )
}

/// Layers around everything, and what stands outside sessions.
fn outer(state: &AppState, stopping: Stopping, pages: Router<AppState>) -> Router {
    let routes = Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready).with_state((state.db.clone(), stopping)))
        .route("/.well-known/gpc.json", get(well_known::gpc))
        .merge(static_files::routes(&state.options))
        // A webhook has no session, and must get none: a token says who it is. The layers below stand around it all the same.
        .route(conversions::PATH, post(conversions::record))
        .merge(pages);
    // The inner half, listed from the outside in.
    let inner = ServiceBuilder::new()
        // Before routers that read a path in different ways.
        .layer(from_fn(request_target::check))
        // Whatever another site's page sends is refused, before anything reads it.
        .layer(CsrfLayer::new())
        // For the limits by address.
        .layer(from_fn_with_state(state.clone(), client_address::find))
        // Around the session layer, which reads and writes cookies.
        .layer(from_fn_with_state(state.clone(), session_cookie::clean));
    // The outer half, listed from the outside in.
    let outer = ServiceBuilder::new()
        // Outermost: every response gets these headers, also those that layers below make.
        .layer(from_fn_with_state(state.clone(), headers::secure))
        // An id for the log and the error page. One from outside is not believed: it would be anyone's text.
        .map_request(|mut request: Request| {
            request.headers_mut().remove("x-request-id");
            request
        })
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(PropagateRequestIdLayer::x_request_id())
        // Method and path, never the query.
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(logging::span)
                .on_request(())
                .on_response(DefaultOnResponse::new().level(Level::DEBUG))
                .on_failure(DefaultOnFailure::new().level(Level::ERROR)),
        )
        // Pages and answers; files come compressed.
        .layer(CompressionLayer::new())
        // Inside compression: it replaces bodies.
        .layer(from_fn(error_pages::render))
        // A panic is a 500 of this one request, also where a layer panics.
        .layer(CatchPanicLayer::custom(error_pages::panicked))
        // Too much at once is refused before it costs anything. Global: one limit for all routes.
        .layer(HandleErrorLayer::new(overload::refuse))
        .layer(LoadShedLayer::new())
        .layer(GlobalConcurrencyLimitLayer::new(overload::CONCURRENT))
        // A handler that hangs, or a body that trickles.
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, DEADLINE));
    routes
        .layer(inner)
        // Between the two, because it changes the request's type.
        .layer(RequestBodyLimitLayer::new(server_fns::BODY_BYTES))
        .layer(outer)
        .with_state(state.clone())
}
