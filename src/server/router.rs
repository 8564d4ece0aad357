//! The whole application in one place: the routes, and the order of all layers with the reason for it.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRef, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{Route, any, get, post},
};
use leptos::{
    nonce::{provide_nonce, use_nonce},
    prelude::{expect_context, provide_context},
};
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list};
use tower::{ServiceBuilder, layer::layer_fn};
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer, csrf::CsrfLayer, timeout::TimeoutLayer};

use super::{
    conversions, csp, error_pages,
    front::{self, Front},
    health::{self, Readiness, Stopping},
    logging, reports,
    request_target::refuse_odd_targets,
    require_role, server_fns, sessions,
    shared::SharedLayer,
    short_way::{LongWay, ShortWayLayer},
    static_files, well_known,
    workarounds::{session_set_cookie, session_store::Sessions},
};
use crate::{
    admin,
    app::{App, shell},
    attribution::{
        Attribution,
        capture::{beacon, consent_form, lead_source_layer::LeadSourceLayer, session_layer::UtmSessionLayer},
        referral,
    },
    auth::{
        Accounts, Backend,
        providers::{Provider, handlers as providers},
    },
    local_path::LocalPath,
    privacy,
    state::AppState,
};

/// A request that takes longer is ended with 503.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(30);

/// Returns the whole application.
pub fn router(state: AppState, stopping: Stopping) -> Router {
    router_with(state, stopping, Router::new())
}

/// Returns the application with further routes beside the pages: inside sessions, authentication and attribution.
pub fn router_with(state: AppState, stopping: Stopping, more: Router<AppState>) -> Router {
    let sessions = Sessions::new(state.db.clone());
    let long_way = {
        let (state, sessions) = (state.clone(), sessions.clone());
        layer_fn(move |route| for_visitor(&state, &sessions, route))
    };
    let short_way = ShortWayLayer {
        attribution: Attribution::from_ref(&state),
        cookie: sessions::cookie(state.config.is_secure()),
        sessions: Arc::new(sessions),
        long_way: long_way.clone(),
    };
    let visited = handlers().merge(more).layer(long_way).merge(pages(&state).layer(short_way));
    with_layers(&state, without_visitor(&state, stopping).merge(visited))
}

/// Returns the pages without sessions, authentication and attribution, with which the benchmark compares the application.
pub fn router_without_sessions(state: AppState, stopping: Stopping) -> Router {
    with_layers(&state, without_visitor(&state, stopping).merge(handlers()).merge(pages(&state)))
}

/// Returns the routes that know no visitor: files, health, and what programs call.
fn without_visitor(state: &AppState, stopping: Stopping) -> Router<AppState> {
    let routes = Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready).with_state(Readiness::new(state.db.clone(), stopping)))
        .route("/.well-known/gpc.json", get(well_known::gpc))
        .merge(static_files::routes(&state.options))
        // A token identifies the caller. If a session identified the caller, a page of another site could report in the name of
        // its visitor.
        .route(conversions::PATH, post(conversions::receive))
        .route(reports::PATH, get(reports::campaigns));
    #[cfg(debug_assertions)]
    let routes = if state.config.is_development() { routes.merge(super::dev_mail::routes()) } else { routes };
    routes
}

/// Returns the routes that always need the session: referral links, exports, the beacon and the consent form.
fn handlers() -> Router<AppState> {
    let providers = Provider::ALL.into_iter().fold(Router::new(), |router, provider| {
        let path = format!("/login/{}", provider.word());
        router
            .route(
                &format!("{path}/callback"),
                get(async move |desk, address, answer, auth, request| {
                    providers::arrive(provider, desk, address, answer, auth, request).await
                }),
            )
            .route(
                &path,
                get(async move |desk, address, next, auth, headers| {
                    providers::depart(provider, desk, address, next, auth, headers).await
                }),
            )
    });
    providers
        .route("/r/{token}", get(referral::follow))
        .route("/admin/leads.csv", get(admin::csv::leads_csv))
        .route("/admin/campaigns.csv", get(admin::csv::campaigns_csv))
        .route("/admin/models.csv", get(admin::csv::models_csv))
        .route("/admin/conversions.csv", get(admin::csv::conversions_csv))
        .route("/account/export.json", get(privacy::export_json))
        .route("/api/touch", post(beacon::receive))
        .route("/api/consent", post(consent_form::submit))
        .route("/api/{*rest}", any(server_fns::not_found))
}

/// Returns the routes of pages and server functions.
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
    Router::new().leptos_routes_with_context(state, generate_route_list(App), context, document).fallback(
        move |request: Request| async move {
            match without_slash(&request) {
                Some(target) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, target)]).into_response(),
                None => not_found(request).await,
            }
        },
    )
}

/// Provides what pages and server functions find in their context, and sets the policy that names this page's nonce.
fn provide(state: &AppState) {
    provide_context(state.clone());
    provide_context(Accounts::from_ref(state));
    // Leptos provides pages with a nonce, and server functions with none.
    if use_nonce().is_none() {
        provide_nonce();
    }
    let policy = csp::policy(use_nonce().as_deref(), &state.options);
    expect_context::<ResponseOptions>().insert_header(header::CONTENT_SECURITY_POLICY, policy);
}

/// Returns the address without the slash at its end: `/login/?next=…` → `/login?next=…`. Returns `None` without such a slash.
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

/// Refuses what a page of another site sends. The site's own address is named, because a proxy may replace `Host`, with which the
/// layer compares the origin.
fn cross_origin(site_url: &str) -> CsrfLayer {
    CsrfLayer::new().add_trusted_origin(site_url).unwrap_or_else(|error| {
        tracing::warn!(%error, "SITE_URL is no origin that a browser sends");
        CsrfLayer::new()
    })
}

/// Puts the layers that know a visitor around a route, from the outside in: the first layer sees a request first and its response
/// last. Pages that need none of them take the [short way](super::short_way).
fn for_visitor(state: &AppState, store: &Sessions, route: Route) -> LongWay {
    let cookie = sessions::cookie(state.config.is_secure());
    let backend = Backend::new(state.db.clone(), state.accounts.hasher.clone());
    let layers = ServiceBuilder::new()
        // Around the session layer, which reads and sets cookies.
        .layer(from_fn_with_state(cookie, session_set_cookie::correct))
        .layer(SharedLayer)
        // Before everything that asks for the session or the user.
        .layer(sessions::layer(state, store))
        .layer(SharedLayer)
        .layer(from_fn_with_state(backend, sessions::look_up_user))
        .layer(SharedLayer)
        // Before attribution, because this layer tells attribution the user; and before everything that trusts a session.
        .layer(from_fn_with_state(state.db.clone(), sessions::enforce))
        .layer(SharedLayer)
        // Before the handler: a landing becomes a touch. Outside the guard, so that a landing on a closed page counts.
        .layer(UtmSessionLayer::new(Attribution::from_ref(state)))
        .layer(SharedLayer)
        // Around the handler, which may sign in or seed a lead source.
        .layer(LeadSourceLayer::new(Attribution::from_ref(state)))
        .layer(SharedLayer)
        // Inside authentication, which knows the user. Around the server functions, whose errors it makes plain.
        .layer(from_fn_with_state(state.accounts.admins_need_second_factor, guard))
        // Inside all of the above, so that the visitor of a landing gets a cookie even if the page panics.
        .layer(CatchPanicLayer::custom(error_pages::panicked));
    LongWay::new(layers.service(route))
}

/// Lets a request to its route if the user may open it.
async fn guard(State(admins_need_second_factor): State<bool>, request: Request, next: Next) -> Response {
    match require_role::refusal(&request, admins_need_second_factor) {
        Some(refusal) => refusal,
        None => server_fns::normalize_errors(request, next).await,
    }
}

/// Returns the application with the layers that all requests pass, from the outside in.
fn with_layers(state: &AppState, routes: Router<AppState>) -> Router {
    let around_all = ServiceBuilder::new()
        // The steps that every request and every response takes, refused ones too.
        .layer(from_fn_with_state(Arc::new(Front::new(state.clone())), front::serve))
        // Inside the request's id, which it logs.
        .layer(logging::requests())
        // Outside the error pages, so that they are compressed too. The files of `/pkg` are compressed already, and left alone.
        .layer(CompressionLayer::new())
        // Inside compression, because it replaces bodies.
        .layer(from_fn(error_pages::render))
        // Outside all that may panic: a panic ends one request with 500.
        .layer(CatchPanicLayer::custom(error_pages::panicked))
        // Outside all that may wait, such as a handler that hangs.
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, DEADLINE));
    let around_routes = ServiceBuilder::new()
        // Before any handler runs, because the routers of axum and of the pages read a path in different ways.
        .layer(from_fn(refuse_odd_targets))
        // Before anything acts on a request that another site's page sends.
        .layer(cross_origin(&state.config.site_url));
    routes.layer(around_routes).layer(around_all).with_state(state.clone())
}
