use std::time::Duration;

use axum::{
    extract::{Extension, Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use openidconnect::PkceCodeVerifier;
use serde::Deserialize;

use super::{
    Provider, Providers,
    identity::{self, Arrival, Refusal},
    pending::Pending,
    settings::ProviderSettings,
};
use crate::{
    address_limit::{AddressLimit, ClientAddress, Limited, too_many},
    audit::Origin,
    auth::{
        accounts::Accounts,
        backend::AuthSession,
        forms::{FormState, form_page},
        next::safe_next,
        sign_in::{Client, SignInRefusal},
    },
    local_path::LocalPath,
};

/// The page to open after signing in.
#[derive(Debug, Default, Deserialize)]
pub struct Departing {
    #[serde(default)]
    next: String,
}

/// What a provider says in the address to which it sends the browser back.
#[derive(Debug, Default, Deserialize)]
pub struct Answered {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    /// Why there is no code: `access_denied`, if the person said no.
    error: Option<String>,
    /// Which provider answers (RFC 9207).
    iss: Option<String>,
}

/// Departures of one address. Each notes something in a session, and may begin one.
#[derive(Clone, Copy, Debug)]
pub struct Departures;

impl Limited for Departures {
    const MOST: u32 = 60;
    const WINDOW: Duration = Duration::from_mins(10);
}

/// What the handlers need of the application.
#[derive(Clone, Debug)]
pub struct Desk {
    pub providers: Providers,
    pub accounts: Accounts,
    /// Limits the departures of each address.
    pub departures: AddressLimit<Departures>,
}

/// Sends the browser to the provider. A user who is signed in connects the provider to their account.
pub async fn depart(
    provider: Provider,
    State(desk): State<Desk>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    Query(Departing { next }): Query<Departing>,
    auth: AuthSession,
    headers: HeaderMap,
) -> Response {
    let Some(settings) = desk.providers.settings(provider) else { return StatusCode::NOT_FOUND.into_response() };
    // Another site must not sign its visitors in here, or connect a provider to their accounts.
    if headers.get("sec-fetch-site").is_some_and(|from| from != "same-origin" && from != "none") {
        return redirect("/login");
    }
    if let Some(wait) = desk.departures.wait_or_count(address) {
        return too_many("provider", wait);
    }
    let user = auth.user.as_ref().map(|user| user.id);
    let departure = match desk.providers.departure(settings).await {
        Ok(departure) => departure,
        Err(error) => {
            tracing::warn!(%error, "nobody can be sent to a provider");
            return desk.back(user.is_some(), &failed(provider));
        }
    };
    let url = departure.url.clone();
    let pending = Pending::new(provider, departure, next, user, desk.accounts.db.now());
    // The session layer saves the session with the response.
    match (pending.note(&auth.session).await, HeaderValue::from_str(&url)) {
        (Ok(()), Ok(url)) => {
            let no_store = HeaderValue::from_static("no-store");
            (StatusCode::SEE_OTHER, [(header::LOCATION, url), (header::CACHE_CONTROL, no_store)]).into_response()
        }
        (noted, _) => {
            tracing::error!(error = ?noted.err(), "a sign-in with a provider could not be noted");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// Takes up the answer of a provider: signs in, signs up, or connects the provider to the user's account.
pub async fn arrive(
    provider: Provider,
    State(desk): State<Desk>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    Query(answer): Query<Answered>,
    mut auth: AuthSession,
    request: Request,
) -> Response {
    let Some(settings) = desk.providers.settings(provider) else { return StatusCode::NOT_FOUND.into_response() };
    let pending = match Pending::take(&auth.session, provider, &answer.state, desk.accounts.db.now()).await {
        Ok(Some(pending)) => pending,
        Ok(None) => return desk.back(auth.user.is_some(), STRAY),
        Err(error) => {
            tracing::error!(%error, "a sign-in with a provider could not be read");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let connects = pending.connects.is_some();
    if answer.error.is_some() || answer.code.is_empty() {
        return desk
            .back(connects, &format!("You did not finish signing in with {}. Nothing has changed.", provider.name()));
    }
    if answer.iss.as_ref().is_some_and(|issuer| !settings.may_be_issuer(issuer)) {
        tracing::warn!(provider = provider.name(), "the answer names another issuer");
        return desk.back(connects, &failed(provider));
    }
    let next = pending.next.clone();
    let origin = Origin::of(request.extensions());
    let client = Client::of(address, request.headers(), origin, desk.accounts.secure);
    match desk.enter(settings, &mut auth, client, pending, answer.code).await {
        Ok(Arrival::SignedIn(devices)) => {
            let mut response = redirect(safe_next(&next).map_or("/account", LocalPath::as_str));
            append_cookie(&mut response, &devices.set_cookie(desk.accounts.secure));
            response
        }
        Ok(Arrival::CodeNeeded) => redirect(&form_page("/login/code", &next)),
        Ok(Arrival::Connected) => {
            desk.shown(FormState::notice_of("providers", format!("{} is connected to your account.", provider.name())))
        }
        Err(refusal) => desk.refused(provider, connects, refusal),
    }
}

/// The answer belongs to no sign-in of this browser.
const STRAY: &str = "This sign-in took too long, or it was begun in another browser. Please try again.";

fn failed(provider: Provider) -> String {
    format!("{} did not answer as expected. Please try again in a minute.", provider.name())
}

fn redirect(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

fn append_cookie(response: &mut Response, cookie: &str) {
    // Cookies of this site are visible ASCII, so this is always a header.
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

impl Desk {
    async fn enter(
        &self,
        settings: &ProviderSettings,
        auth: &mut AuthSession,
        client: Client,
        pending: Pending,
        code: String,
    ) -> Result<Arrival, Refusal> {
        // Another user signed in meanwhile, or the user signed out.
        if pending.connects != auth.user.as_ref().map(|user| user.id) {
            return Err(Refusal::Stray);
        }
        let verifier = PkceCodeVerifier::new(pending.verifier);
        let person = self.providers.person(settings, code, verifier, pending.nonce).await?;
        match &auth.user {
            Some(user) => identity::connect(&self.accounts, user, &client.origin, settings.provider, person).await,
            None => identity::sign_in(&self.accounts, auth, client, settings.provider, person).await,
        }
    }

    /// Leads back to the form where the way began, with what was wrong.
    fn back(&self, connects: bool, message: &str) -> Response {
        self.shown(FormState::error_of(if connects { "providers" } else { "login" }, message.to_owned()))
    }

    /// Shows the state of a form on the form's page.
    fn shown(&self, state: FormState) -> Response {
        let mut response = redirect(if state.is_of("login") { "/login" } else { "/account" });
        if let Some(cookie) = state.set_cookie(self.accounts.secure) {
            append_cookie(&mut response, &cookie);
        }
        response
    }

    fn refused(&self, provider: Provider, connects: bool, refusal: Refusal) -> Response {
        let name = provider.name();
        let message = match refusal {
            Refusal::Stray => STRAY.to_owned(),
            Refusal::NoVerifiedAddress => {
                format!(
                    "{name} has not verified an e-mail address of yours. Verify it there, or sign up with a password."
                )
            }
            Refusal::NotJoined => format!(
                "An account has your e-mail address already. Sign in to it, then connect {name} under Your account."
            ),
            Refusal::OfAnother => format!("This {name} account is connected to another account of this site."),
            Refusal::HasAnother => format!("Your account is connected to another {name} account. Disconnect it first."),
            Refusal::ConfirmFirst => format!("Confirm your e-mail address first, then connect {name}."),
            Refusal::Disabled => "This account is disabled.".to_owned(),
            Refusal::ByInvitation => format!(
                "No account is connected to this {name} account, and new accounts are by invitation only. If you have an account, \
                 sign in to it, then connect {name} under Your account."
            ),
            Refusal::SiteFull => "Too many sign-ups right now. Please try again later.".to_owned(),
            Refusal::Provider(error) => {
                tracing::warn!(%error, "a provider did not say who a person is");
                failed(provider)
            }
            Refusal::Other(SignInRefusal::Busy) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Refusal::Other(error) => {
                tracing::error!(%error, "a sign-in with a provider could not be stored");
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
        };
        self.back(connects, &message)
    }
}
