use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use openidconnect::{
    AuthorizationCode, ClientId, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
    core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata},
};
use tokio::sync::Mutex;

use super::{
    provider::{Departure, Person, Provider, ProviderError, http},
    settings::ProviderSettings,
};

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// How long the addresses and keys of a provider are kept. Providers publish new keys well before they use them.
const KEPT: Duration = Duration::from_hours(1);

/// How long nobody asks again after a provider did not answer.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// The addresses and keys that the provider published, or why it published none.
#[derive(Debug, Default)]
pub(super) struct KnownMetadata(Mutex<Option<(Instant, Asked)>>);

type Asked = Result<Arc<CoreProviderMetadata>, String>;

impl KnownMetadata {
    async fn of(&self, settings: &ProviderSettings) -> Result<Arc<CoreProviderMetadata>, ProviderError> {
        let mut known = self.0.lock().await;
        let found = match &*known {
            Some((since, Ok(metadata))) if since.elapsed() < KEPT => Ok(metadata.clone()),
            Some((since, Err(why))) if since.elapsed() < AFTER_FAILURE => Err(why.clone()),
            _ => {
                let issuer = IssuerUrl::new(settings.base.clone()).map_err(|why| error(&why))?;
                let http = http(settings.provider)?;
                let asked = CoreProviderMetadata::discover_async(issuer, &http).await;
                let found = asked.map(Arc::new).map_err(|why| plain(&why));
                *known = Some((Instant::now(), found.clone()));
                found
            }
        };
        found.map_err(|why| ProviderError(settings.provider, why))
    }

    /// Forgets what was published, after a token that the known keys do not fit.
    async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

fn error(why: &dyn Error) -> ProviderError {
    ProviderError(Provider::Google, plain(why))
}

/// Returns the texts of an error and of its causes. The errors of the crate hold no code and no token.
pub(super) fn plain(why: &dyn Error) -> String {
    let mut text = why.to_string();
    let mut cause = why.source();
    while let Some(why) = cause {
        text += &format!(": {why}");
        cause = why.source();
    }
    text
}

fn client(settings: &ProviderSettings, redirect: RedirectUrl, metadata: &CoreProviderMetadata) -> Client {
    let (id, secret) = (ClientId::new(settings.client_id.clone()), settings.secret.clone());
    CoreClient::from_provider_metadata(metadata.clone(), id, Some(secret)).set_redirect_uri(redirect)
}

pub(super) async fn departure(
    settings: &ProviderSettings,
    redirect: RedirectUrl,
    known: &KnownMetadata,
) -> Result<Departure, ProviderError> {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let client = client(settings, redirect, &*known.of(settings).await?);
    let (url, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scope(Scope::new("email".into()))
        .set_pkce_challenge(challenge)
        .url();
    Ok(Departure { url: url.into(), state: state.into_secret(), verifier, nonce: Some(nonce.secret().clone()) })
}

/// Exchanges the code for a token that says who the person is. The provider has signed the token for this site and this sign-in.
pub(super) async fn person(
    settings: &ProviderSettings,
    redirect: RedirectUrl,
    known: &KnownMetadata,
    (code, verifier, nonce): (String, PkceCodeVerifier, String),
) -> Result<Person, ProviderError> {
    let client = client(settings, redirect, &*known.of(settings).await?);
    let exchange = client.exchange_code(AuthorizationCode::new(code)).map_err(|why| error(&why))?;
    let http = http(settings.provider)?;
    let tokens = exchange.set_pkce_verifier(verifier).request_async(&http).await.map_err(|why| error(&why))?;
    let missing = || ProviderError(settings.provider, "sent no token that says who the person is".into());
    let token = tokens.id_token().ok_or_else(missing)?;
    let claims = match token.claims(&client.id_token_verifier(), &Nonce::new(nonce)) {
        Ok(claims) => claims,
        Err(why) => {
            known.forget().await;
            return Err(error(&why));
        }
    };
    let verified = claims.email_verified() == Some(true);
    let email = claims.email().map(|email| email.to_string());
    Ok(Person { subject: claims.subject().to_string(), verified_email: email.filter(|_| verified) })
}
