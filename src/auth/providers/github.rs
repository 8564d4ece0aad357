use openidconnect::{
    AuthUrl, AuthorizationCode, ClientId, CsrfToken, EndpointNotSet, EndpointSet, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenUrl, reqwest,
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    provider::{Departure, Person, Provider, ProviderError, http},
    settings::ProviderSettings,
};

type Client = oauth2::basic::BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// For the person's number and e-mail addresses.
const SCOPES: [&str; 2] = ["read:user", "user:email"];

fn error(what: impl std::fmt::Display) -> ProviderError {
    ProviderError(Provider::GitHub, what.to_string())
}

fn client(settings: &ProviderSettings, redirect: RedirectUrl) -> Result<Client, ProviderError> {
    let authorize = AuthUrl::new(format!("{}/login/oauth/authorize", settings.base)).map_err(error)?;
    let token = TokenUrl::new(format!("{}/login/oauth/access_token", settings.base)).map_err(error)?;
    Ok(oauth2::basic::BasicClient::new(ClientId::new(settings.client_id.clone()))
        .set_client_secret(settings.secret.clone())
        .set_auth_uri(authorize)
        .set_token_uri(token)
        .set_redirect_uri(redirect))
}

pub(super) fn departure(settings: &ProviderSettings, redirect: RedirectUrl) -> Result<Departure, ProviderError> {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let client = client(settings, redirect)?;
    let scopes = SCOPES.map(|scope| Scope::new(scope.into()));
    let (url, state) =
        client.authorize_url(CsrfToken::new_random).add_scopes(scopes).set_pkce_challenge(challenge).url();
    Ok(Departure { url: url.into(), state: state.into_secret(), verifier, nonce: None })
}

#[derive(Deserialize)]
struct GitHubUser {
    id: u64,
}

#[derive(Deserialize)]
struct GitHubEmail {
    email: String,
    primary: bool,
    verified: bool,
}

pub(super) async fn person(
    settings: &ProviderSettings,
    redirect: RedirectUrl,
    code: String,
    verifier: PkceCodeVerifier,
) -> Result<Person, ProviderError> {
    let http = http(Provider::GitHub)?;
    let client = client(settings, redirect)?;
    let exchange = client.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(verifier);
    let tokens = exchange.request_async(&http).await;
    let tokens = tokens.map_err(|why| error(format!("did not exchange the code: {}", super::open_id::plain(&why))))?;
    let token = tokens.access_token().secret();
    let api = match settings.base.as_str() {
        "https://github.com" => "https://api.github.com".to_owned(),
        other => format!("{other}/api/v3"),
    };
    let user: GitHubUser = get(&http, format!("{api}/user"), token).await?;
    let emails: Vec<GitHubEmail> = get(&http, format!("{api}/user/emails"), token).await?;
    Ok(Person { subject: user.id.to_string(), verified_email: chosen(emails) })
}

async fn get<T: DeserializeOwned>(http: &reqwest::Client, url: String, token: &str) -> Result<T, ProviderError> {
    let request = http.get(url).bearer_auth(token).header("Accept", "application/vnd.github+json");
    let response = request.send().await.and_then(reqwest::Response::error_for_status).map_err(error)?;
    serde_json::from_slice(&response.bytes().await.map_err(error)?).map_err(error)
}

/// Returns the address that the person reads: the primary one before others. Addresses that GitHub did not verify do not count.
fn chosen(emails: Vec<GitHubEmail>) -> Option<String> {
    let mut verified: Vec<GitHubEmail> = emails.into_iter().filter(|email| email.verified).collect();
    verified.sort_by_key(|email| !email.primary);
    verified.into_iter().next().map(|email| email.email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primary_address_comes_first_and_only_verified_ones_count() {
        let email = |email: &str, primary, verified| GitHubEmail { email: email.into(), primary, verified };
        let of = |emails| chosen(emails);
        assert_eq!(of(vec![email("a@x", false, true), email("b@x", true, true)]).as_deref(), Some("b@x"));
        assert_eq!(of(vec![email("a@x", true, false), email("b@x", false, true)]).as_deref(), Some("b@x"));
        assert_eq!(of(vec![email("a@x", true, false)]), None);
        assert_eq!(of(vec![]), None);
    }
}
