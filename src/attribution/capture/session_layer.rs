//! `UtmSessionLayer` stores an arrival as a touch under the session's visitor, before the handler runs.
//!
//! The layer does not look at the response, so redirects, missing pages and failing pages count like any other arrival. The touch
//! is in the database before the page renders, and the page says so to its own beacon. A request with nothing to store passes
//! through untouched.

use std::task::{Context, Poll};

use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use futures::future::{BoxFuture, Either};
use tower::{Layer, Service};
use tower_sessions::Session;

use super::{
    Attribution,
    deferred::DeferredTouch,
    page_arrival::PageArrival,
    plan::{Plan, Planned, SessionState},
};

pub use super::plan::Recording;

/// Stores arrivals as touches. This layer goes inside the session layer.
#[derive(Clone, Debug)]
pub struct UtmSessionLayer {
    attribution: Attribution,
}

impl UtmSessionLayer {
    pub fn new(attribution: Attribution) -> Self {
        Self { attribution }
    }
}

impl<S> Layer<S> for UtmSessionLayer {
    type Service = UtmSession<S>;

    fn layer(&self, inner: S) -> Self::Service {
        UtmSession { inner, attribution: self.attribution.clone() }
    }
}

/// The service that [`UtmSessionLayer`] makes.
#[derive(Clone, Debug)]
pub struct UtmSession<S> {
    inner: S,
    attribution: Attribution,
}

impl<S, B, R> Service<Request<B>> for UtmSession<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Send + 'static,
    R: Default + Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    // With `Either`, a request without a signal costs no allocation.
    type Future = Either<S::Future, BoxFuture<'static, Result<S::Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let session = request.extensions().get::<Session>().cloned();
        let planned = request.extensions_mut().remove();
        let planned = planned.unwrap_or_else(|| self.attribution.plan(&request, SessionState::of(session.as_ref())));
        if planned.is_loaded_ahead() {
            request.extensions_mut().insert(PageArrival::LoadedAhead);
        }
        match (planned.plan, session) {
            (Plan::Record(recording), Some(session)) => {
                // The service that was polled ready is the one to call.
                let fresh = self.inner.clone();
                let mut inner = std::mem::replace(&mut self.inner, fresh);
                let attribution = self.attribution.clone();
                Either::Right(Box::pin(async move {
                    record_then_serve(&attribution, &session, recording, request, |request| inner.call(request)).await
                }))
            }
            (Plan::AskForConsent(touch), _) => {
                request.extensions_mut().insert(UndecidedLanding(touch));
                let page = self.inner.call(request);
                Either::Right(Box::pin(async move { page.await.map(uncached) }))
            }
            (Plan::Return, _) => Either::Right(Box::pin(without_referrer(self.inner.call(request)))),
            (Plan::AskAgainAt(address), _) => Either::Right(Box::pin(async { Ok(see_other(address)) })),
            (Plan::PassThrough | Plan::Record(_), _) => Either::Left(self.inner.call(request)),
        }
    }
}

/// Stores the touches of a request under the session's visitor, then serves the page, which says so to its own beacon.
pub async fn record_then_serve<B, R, E, F: Future<Output = Result<Response<R>, E>>>(
    attribution: &Attribution,
    session: &Session,
    recording: Box<Recording>,
    mut request: Request<B>,
    serve: impl FnOnce(Request<B>) -> F,
) -> Result<Response<R>, E> {
    let mut recorded = attribution.record(session, recording).await;
    let page = recorded.page(request.headers());
    let is_personal = page.is_some();
    page.map(|page| request.extensions_mut().insert(page));
    recorded.own.take().map(|own| request.extensions_mut().insert(own));
    let mut response = serve(request).await?;
    recorded.apply(&mut response, attribution.settings.secure);
    Ok(if is_personal { uncached(response) } else { response })
}

/// What to do with a request that brings no session.
#[derive(Debug)]
pub enum FirstLook {
    /// Serve the page. There is nothing to store, to ask, or to say on the page.
    Serve,
    /// Store the touches under a new visitor, then serve the page.
    Record(Box<Recording>),
    /// Let [`UtmSessionLayer`] carry out the plan, which waits in the request.
    Other,
}

/// Plans a request that brings no session, before the session layer.
pub fn first_look<B>(attribution: &Attribution, request: &mut Request<B>) -> FirstLook {
    let planned = attribution.plan(request, SessionState::New);
    let is_loaded_ahead = planned.is_loaded_ahead();
    match planned.plan {
        Plan::PassThrough if !is_loaded_ahead => FirstLook::Serve,
        Plan::Record(recording) if !is_loaded_ahead => FirstLook::Record(recording),
        plan => {
            request.extensions_mut().insert(Planned { plan, ..planned });
            FirstLook::Other
        }
    }
}

/// A request extension: the landing of a visitor who has yet to decide about consent. Its touch waits in the page.
#[derive(Clone, Debug)]
pub struct UndecidedLanding(Box<DeferredTouch>);

impl UndecidedLanding {
    /// Returns the touch as text, for the consent form's hidden field or for the address of the next page.
    pub fn encoded(&self) -> String {
        self.0.encoded()
    }
}

/// Keeps a page out of caches. The page holds a visitor's touch or its token, so it must not be served to another visitor.
fn uncached<R>(mut page: Response<R>) -> Response<R> {
    page.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    page
}

/// Sets `Referrer-Policy: no-referrer` on a redirect. A browser obeys the policy in the request that follows:
/// <https://www.w3.org/TR/referrer-policy/#set-requests-referrer-policy-on-redirect>. Otherwise the browser would send the page
/// before the redirect as `Referer` again, and the next page would count as an arrival from there.
async fn without_referrer<R, E>(page: impl Future<Output = Result<Response<R>, E>>) -> Result<Response<R>, E> {
    let mut response = page.await?;
    if response.status().is_redirection() {
        response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
    Ok(response)
}

fn see_other<R: Default>(location: HeaderValue) -> Response<R> {
    let mut response = Response::new(R::default());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, location);
    response
}
