//! A virtual browser: one visitor with cookies, kept connections, an address and an account of its own.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
};

use axum::{
    body::Body,
    http::{Method, Request, header},
};

use crate::{
    Result,
    http::{Answer, Connection},
};

pub const PASSWORD: &str = "correct horse battery";
pub const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
/// The session's cookie. Without TLS the server gives it no prefix.
const SESSION: &str = "waymark";
/// The cookie that holds touches until the database takes them.
const WAITING: &str = "waymark-waiting";

/// What is known about a browser's account. An answer that got lost leaves doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// The browser has no account, or has signed out.
    Out,
    /// The server acknowledged the sign-in.
    In,
    /// A sign-in or sign-out was not answered.
    Unknown,
}

#[derive(Debug)]
pub struct Browser {
    pub number: usize,
    /// How often the browser has tried to sign out. Visits before and after a sign-out may have different visitors.
    pub epoch: u32,
    pub login: Login,
    /// Whether the server acknowledged the account.
    pub has_account: bool,
    address: String,
    cookies: BTreeMap<String, String>,
    connections: HashMap<SocketAddr, Connection>,
}

/// Returns the e-mail address of a browser's user.
pub fn email_of(number: usize) -> String {
    format!("browser-{number}@example.com")
}

/// Returns an address of 198.18.0.0/15, the network for benchmarks. The server limits what one address may do.
pub fn address_of(number: usize) -> String {
    let [_, second, third, fourth] = u32::try_from(number % (1 << 17)).unwrap_or_default().to_be_bytes();
    format!("198.{}.{third}.{fourth}", 18 + second)
}

impl Browser {
    pub fn new(number: usize) -> Self {
        Self {
            number,
            epoch: 0,
            login: Login::Out,
            has_account: false,
            address: address_of(number),
            cookies: BTreeMap::new(),
            connections: HashMap::new(),
        }
    }

    /// Returns a second window: the same browser with its cookies, on connections of its own.
    pub fn window(&self) -> Self {
        Self {
            address: self.address.clone(),
            cookies: self.cookies.clone(),
            connections: HashMap::new(),
            number: self.number,
            epoch: self.epoch,
            login: self.login,
            has_account: self.has_account,
        }
    }

    pub fn email(&self) -> String {
        email_of(self.number)
    }

    /// Returns the value of the session's cookie.
    pub fn session(&self) -> Option<&str> {
        self.cookies.get(SESSION).map(String::as_str)
    }

    pub fn set_session(&mut self, value: &str) {
        self.cookies.insert(SESSION.to_owned(), value.to_owned());
    }

    /// Whether touches wait in the browser for the database.
    pub fn holds_touches(&self) -> bool {
        self.cookies.contains_key(WAITING)
    }

    pub async fn get(&mut self, target: SocketAddr, path: &str) -> Result<Answer> {
        let request = self.head(Method::GET, target, path).body(Body::empty())?;
        self.exchange(target, request).await
    }

    pub async fn post(&mut self, target: SocketAddr, path: &str, form: &[(&str, &str)]) -> Result<Answer> {
        let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self
            .head(Method::POST, target, path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))?;
        self.exchange(target, request).await
    }

    fn head(&self, method: Method, target: SocketAddr, path: &str) -> axum::http::request::Builder {
        let site = if method == Method::GET { "none" } else { "same-origin" };
        let mut head = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, target.to_string())
            .header(header::USER_AGENT, CHROME)
            .header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("sec-fetch-site", site)
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
            .header("x-forwarded-for", &self.address);
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !pairs.is_empty() {
            head = head.header(header::COOKIE, pairs.join("; "));
        }
        head
    }

    /// Sends a request on the kept connection, or on a new one if the server closed the kept one. A connection that breaks is
    /// not used again.
    async fn exchange(&mut self, target: SocketAddr, request: Request<Body>) -> Result<Answer> {
        let mut kept = self.connections.remove(&target);
        if let Some(connection) = &mut kept
            && !connection.is_open().await
        {
            kept = None;
        }
        let mut connection = match kept {
            Some(connection) => connection,
            None => Connection::open(target).await?,
        };
        let answer = connection.exchange(request).await?;
        self.connections.insert(target, connection);
        for set in answer.headers.get_all(header::SET_COOKIE) {
            self.keep_cookie(set.to_str().unwrap_or_default());
        }
        Ok(answer)
    }

    fn keep_cookie(&mut self, set: &str) {
        let mut parts = set.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        if parts.any(|attribute| attribute.eq_ignore_ascii_case("max-age=0")) {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Closes all connections.
    pub fn close(&mut self) {
        self.connections.clear();
    }

    /// Whether the server takes the browser's user as signed in.
    pub async fn is_signed_in(&mut self, target: SocketAddr) -> Result<bool> {
        Ok(self.get(target, "/account").await?.status.is_success())
    }
}
