//! A page for a request that brings no session needs no layer that loads one. Most requests for pages are such requests, and take
//! the short way: straight to the page. On the way the touches of a landing are stored, and its new session begins.
//!
//! All others take the long way: requests with a session's cookie, forms, pages that only some users may open, and visitors who have
//! yet to decide about consent. The long way gives pages the session and the user as request extensions. On the short way both are
//! absent.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    extract::Request,
    http::Method,
    response::Response,
    routing::{Route, future::RouteFuture},
};
use futures::{
    FutureExt,
    future::{BoxFuture, Either},
};
use tower::{Layer, Service, ServiceExt, util::BoxCloneSyncService};

use super::{error_pages, require_role::is_for_users, sessions, workarounds::session_store::Sessions};
use crate::{
    attribution::{
        Attribution,
        capture::session_layer::{FirstLook, Recording, first_look, record_then_serve},
    },
    auth::{found_user, session_lifetime::LIFETIME},
    cookie::{self, SiteCookie, StartedSession},
};

/// A route with all layers that know a visitor.
pub(super) type LongWay = BoxCloneSyncService<Request, Response, Infallible>;

/// Gives pages both ways.
#[derive(Clone, Debug)]
pub(super) struct ShortWayLayer<L> {
    pub attribution: Attribution,
    /// The session's cookie.
    pub cookie: SiteCookie,
    pub sessions: Arc<Sessions>,
    /// Puts the layers of the long way around a page.
    pub long_way: L,
}

impl<L: Layer<Route, Service = LongWay>> Layer<Route> for ShortWayLayer<L> {
    type Service = ShortWay;

    fn layer(&self, page: Route) -> ShortWay {
        let long = self.long_way.layer(page.clone());
        let (attribution, sessions) = (self.attribution.clone(), self.sessions.clone());
        ShortWay { page, around: Arc::new(Around { attribution, cookie: self.cookie, sessions, long }) }
    }
}

/// The service that [`ShortWayLayer`] makes.
#[derive(Clone)]
pub(super) struct ShortWay {
    page: Route,
    /// Shared, because a router clones its services for each request.
    around: Arc<Around>,
}

struct Around {
    attribution: Attribution,
    cookie: SiteCookie,
    sessions: Arc<Sessions>,
    long: LongWay,
}

impl Around {
    fn first_look(&self, request: &mut Request) -> FirstLook {
        if may_need_user(request, self.cookie) { FirstLook::Other } else { first_look(&self.attribution, request) }
    }

    /// Stores the touches of a landing, then serves the page. The visitor gets the cookie even if the page panics.
    async fn land(&self, recording: Box<Recording>, request: Request, mut page: Route) -> Response {
        let session = sessions::new_session(&self.sessions);
        let serve = |request| {
            let page = AssertUnwindSafe(page.call(request)).catch_unwind();
            page.map(|page| page.unwrap_or_else(|panic| Ok::<_, Infallible>(error_pages::panicked(panic))))
        };
        let landed = record_then_serve(&self.attribution, &session, recording, request, serve).await;
        let mut response = landed.unwrap_or_else(|never| match never {});
        if let Some(StartedSession(id)) = response.extensions_mut().remove() {
            cookie::append(response.headers_mut(), &self.cookie.set(&id, LIFETIME));
        }
        response
    }
}

/// Returns whether a request may need a session or a user: it brings a session's cookie, posts a form, or asks for a page that only
/// users may open.
fn may_need_user(request: &Request, session: SiteCookie) -> bool {
    let path = request.uri().path();
    !matches!(*request.method(), Method::GET | Method::HEAD)
        || path.starts_with("/api/")
        || is_for_users(path)
        || session.values(request.headers()).next().is_some()
}

impl Service<Request> for ShortWay {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<RouteFuture<Infallible>, BoxFuture<'static, Result<Response, Infallible>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Routes are always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        match self.around.first_look(&mut request) {
            FirstLook::Serve => Either::Left(self.page.call(request)),
            FirstLook::Record(recording) => {
                let (around, page) = (self.around.clone(), self.page.clone());
                Either::Right(Box::pin(async move { Ok(around.land(recording, request, page).await) }))
            }
            FirstLook::Other => Either::Right(Box::pin(found_user::within(self.around.long.clone().oneshot(request)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::Body,
        extract::FromRef,
        http::{StatusCode, header},
        routing::get,
    };
    use tower::layer::layer_fn;

    use super::*;
    use crate::{
        config::Config,
        db::{Db, sql, testing::each_database},
        server::run,
    };

    /// Returns a site with one page, which the short way leads to.
    fn site(db: &Db) -> Router {
        async fn page() -> StatusCode {
            panic!("a page that fails")
        }
        let state = run::state(Config::read(|_| None).0, db.clone());
        Router::new().route("/", get(page)).layer(ShortWayLayer {
            attribution: Attribution::from_ref(&state),
            cookie: sessions::cookie(false),
            sessions: Arc::new(Sessions::new(db.clone())),
            long_way: layer_fn(|page: Route| LongWay::new(page)),
        })
    }

    #[tokio::test]
    async fn a_landing_is_stored_and_its_visitor_gets_the_cookie_even_if_the_page_panics() {
        each_database(async |db| {
            let landing = Request::builder()
                .uri("/?utm_source=a")
                .header(header::ACCEPT, "text/html")
                .header(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
                .body(Body::empty())
                .expect("a request");
            let response = site(&db).oneshot(landing).await.expect("a response");
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let cookie = response.headers()[header::SET_COOKIE].to_str().expect("ASCII").to_owned();
            assert!(cookie.starts_with("waymark=") && cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
            let mut conn = db.read().await.expect("a connection");
            let rows: (i64, i64) = sql("select (select count(*) from touches), (select count(*) from tower_sessions)")
                .fetch_one(&mut conn)
                .await
                .expect("a row");
            assert_eq!(rows, (1, 1));
        })
        .await;
    }

    #[test]
    fn only_pages_for_everybody_without_a_session_take_the_short_way() {
        for (method, target, cookie, needs_user) in [
            ("GET", "/", "", false),
            ("HEAD", "/login?next=%2Faccount", "", false),
            ("GET", "/", "theme=dark; not-waymark=x; waymark-waiting=x", false),
            ("GET", "/administration", "", false),
            ("GET", "/", "theme=dark; waymark=x", true),
            ("GET", "/", "waymark=", true),
            ("POST", "/", "", true),
            ("OPTIONS", "/", "", true),
            ("GET", "/api/anything", "", true),
            ("GET", "/admin", "", true),
            ("GET", "/admin/leads/1", "", true),
            ("GET", "/account?tab=1", "", true),
        ] {
            let request = Request::builder().method(method).uri(target).header(header::COOKIE, cookie);
            let request = request.body(Body::empty()).expect("a request");
            let session = SiteCookie::new("__Host-waymark", false);
            assert_eq!(may_need_user(&request, session), needs_user, "{method} {target} {cookie}");
        }
    }
}
