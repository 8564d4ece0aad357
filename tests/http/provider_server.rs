//! A server that plays GitHub and Google: it lets everybody through whom a test names.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use openidconnect::{
    JsonWebKeyId, PrivateSigningKey,
    core::{CoreEdDsaPrivateSigningKey, CoreIdToken, CoreIdTokenClaims, CoreJsonWebKeySet, CoreJwsSigningAlgorithm},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use crate::support::Setup;

/// Who comes back from the provider.
#[derive(Clone, Debug)]
pub struct Somebody {
    pub number: u64,
    pub email: &'static str,
    pub verified: bool,
}

pub const MARIA: Somebody = Somebody { number: 7, email: "maria@example.com", verified: true };

/// How the provider misbehaves when a code is exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trick {
    /// The token is for another sign-in.
    OtherNonce,
    NoNonce,
    /// The token is for another site.
    OtherAudience,
    /// The token is for this site and for another one.
    SecondAudience,
    OtherIssuer,
    Expired,
    /// The token is signed with a key that the provider has not published.
    OtherKey,
    NoIdToken,
    /// The provider responds with a 500.
    Fails,
    /// The provider responds with a page of HTML.
    Nonsense,
    Hangs,
}

/// What the provider keeps for a code until the code is exchanged.
struct Grant {
    who: Somebody,
    challenge: String,
    nonce: Option<String>,
    redirect: String,
}

#[derive(Default)]
struct Inner {
    grants: Mutex<HashMap<String, Grant>>,
    /// Access tokens of GitHub.
    tokens: Mutex<HashMap<String, Somebody>>,
    url: Mutex<String>,
    trick: Mutex<Option<Trick>>,
}

/// The running server. Clones share it.
#[derive(Clone, Default)]
pub struct ProviderServer(Arc<Inner>);

impl ProviderServer {
    pub async fn start() -> Self {
        let server = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        *server.0.url.lock().expect("a lock") = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(|| async { Json(CoreJsonWebKeySet::new(vec![key(1).as_verification_key()])) }))
            .route("/token", post(id_token))
            .route("/login/oauth/access_token", post(access_token))
            .route("/api/v3/user", get(user))
            .route("/api/v3/user/emails", get(emails))
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    pub fn url(&self) -> String {
        self.0.url.lock().expect("a lock").clone()
    }

    /// Returns the settings of a site that knows this server by both names.
    pub fn setup(&self) -> Setup {
        let variables = [
            ("OAUTH_GITHUB_ID", "id".to_owned()),
            ("OAUTH_GITHUB_SECRET", "secret".to_owned()),
            ("OAUTH_GITHUB_BASE", self.url()),
            ("OAUTH_GOOGLE_ID", "id".to_owned()),
            ("OAUTH_GOOGLE_SECRET", "secret".to_owned()),
            ("OAUTH_GOOGLE_BASE", self.url()),
        ];
        Setup { variables: variables.into(), ..Setup::default() }
    }

    /// Misbehaves from now on, or behaves again.
    pub fn plays(&self, trick: Option<Trick>) {
        *self.0.trick.lock().expect("a lock") = trick;
    }

    fn trick(&self) -> Option<Trick> {
        *self.0.trick.lock().expect("a lock")
    }

    /// Returns what both exchanges of codes respond with under a trick.
    async fn misbehaves(&self) -> Option<Response> {
        match self.trick()? {
            Trick::Fails => Some(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
            Trick::Nonsense => Some(Html("<h1>We will be back soon</h1>").into_response()),
            Trick::Hangs => std::future::pending().await,
            _ => None,
        }
    }

    /// Lets somebody through who was sent to `departure`. Returns the path and query to which the browser is sent back.
    pub fn lets_through(&self, departure: &str, who: Somebody) -> String {
        let query = departure.split_once('?').expect("a query").1;
        let asked: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        assert!(departure.starts_with(&self.url()));
        assert_eq!((&*asked["response_type"], &*asked["client_id"]), ("code", "id"));
        assert_eq!(asked["code_challenge_method"], "S256");
        let code = format!("code-{}", uuid::Uuid::new_v4().simple());
        let grant = Grant {
            who,
            challenge: asked["code_challenge"].clone(),
            nonce: asked.get("nonce").cloned(),
            redirect: asked["redirect_uri"].clone(),
        };
        let path = grant.redirect.splitn(4, '/').last().expect("a path").to_owned();
        self.0.grants.lock().expect("a lock").insert(code.clone(), grant);
        format!("/{path}?code={code}&state={}", asked["state"])
    }

    /// Exchanges a code, once, for the one who asked for it.
    fn exchange(&self, headers: &HeaderMap, form: &HashMap<String, String>) -> Result<Grant, Box<Response>> {
        let refused = |why: &str| Box::new((StatusCode::BAD_REQUEST, Json(json!({ "error": why }))).into_response());
        let authorized = headers.get("authorization").and_then(|value| value.to_str().ok());
        if authorized != Some("Basic aWQ6c2VjcmV0") {
            return Err(refused("invalid_client"));
        }
        let grant = self.0.grants.lock().expect("a lock").remove(form.get("code").map_or("", String::as_str));
        let grant = grant.ok_or_else(|| refused("invalid_grant"))?;
        let verifier =
            form.get("code_verifier").map(|verifier| BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
        if verifier.as_ref() != Some(&grant.challenge) || form.get("redirect_uri") != Some(&grant.redirect) {
            return Err(refused("invalid_grant"));
        }
        Ok(grant)
    }
}

/// Returns a key with which tokens are signed: Ed25519 with this byte as its seed, in the form of RFC 8410.
fn key(seed: u8) -> CoreEdDsaPrivateSigningKey {
    let mut der = vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    der.extend([seed; 32]);
    let text = base64::prelude::BASE64_STANDARD.encode(der);
    let kind = "PRIVATE KEY";
    let pem = format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n");
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pem, Some(JsonWebKeyId::new("one".into()))).expect("a key")
}

async fn metadata(State(server): State<ProviderServer>) -> Json<Value> {
    let url = server.url();
    Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
    }))
}

async fn id_token(
    State(server): State<ProviderServer>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    if let Some(response) = server.misbehaves().await {
        return response;
    }
    let grant = match server.exchange(&headers, &form) {
        Ok(grant) => grant,
        Err(refused) => return *refused,
    };
    let trick = server.trick();
    let is = |other: Trick| trick == Some(other);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let nonce = match trick {
        Some(Trick::OtherNonce) => Some("another".to_owned()),
        Some(Trick::NoNonce) => None,
        _ => grant.nonce,
    };
    let audiences: &[&str] = match trick {
        Some(Trick::OtherAudience) => &["another"],
        Some(Trick::SecondAudience) => &["id", "another"],
        _ => &["id"],
    };
    let claims: CoreIdTokenClaims = serde_json::from_value(json!({
        "iss": if is(Trick::OtherIssuer) { "https://accounts.example".to_owned() } else { server.url() },
        "aud": audiences,
        "exp": if is(Trick::Expired) { now - 300 } else { now + 300 },
        "iat": now - 400,
        "sub": format!("person-{}", grant.who.number),
        "email": grant.who.email,
        "email_verified": grant.who.verified,
        "nonce": nonce,
    }))
    .expect("claims");
    let key = key(if is(Trick::OtherKey) { 2 } else { 1 });
    let token = CoreIdToken::new(claims, &key, CoreJwsSigningAlgorithm::EdDsa, None, None).expect("a token");
    let mut tokens = json!({ "access_token": "unused", "token_type": "bearer" });
    if !is(Trick::NoIdToken) {
        tokens["id_token"] = json!(token);
    }
    Json(tokens).into_response()
}

async fn access_token(
    State(server): State<ProviderServer>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    if let Some(response) = server.misbehaves().await {
        return response;
    }
    match server.exchange(&headers, &form) {
        Ok(grant) => {
            let token = format!("token-{}", grant.who.number);
            server.0.tokens.lock().expect("a lock").insert(format!("Bearer {token}"), grant.who);
            Json(json!({ "access_token": token, "token_type": "bearer", "scope": "read:user,user:email" }))
                .into_response()
        }
        Err(refused) => *refused,
    }
}

fn bearer(server: &ProviderServer, headers: &HeaderMap) -> Result<Somebody, StatusCode> {
    let token = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    server.0.tokens.lock().expect("a lock").get(token).cloned().ok_or(StatusCode::UNAUTHORIZED)
}

async fn user(State(server): State<ProviderServer>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let who = bearer(&server, &headers)?;
    Ok(Json(json!({ "id": who.number, "login": "somebody" })))
}

async fn emails(State(server): State<ProviderServer>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let who = bearer(&server, &headers)?;
    Ok(Json(json!([
        { "email": "other@example.com", "primary": false, "verified": false, "visibility": null },
        { "email": who.email, "primary": true, "verified": who.verified, "visibility": "private" },
    ])))
}
