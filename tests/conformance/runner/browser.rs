//! Browsers that visit a site over HTTP: cookies, tabs and the headers that browsers send.

use std::{
    collections::{BTreeMap, HashMap},
    error::Error,
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use reqwest::{
    Method, RequestBuilder, Response, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};

use super::file::{Cookies, Step};

const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
const FORM: &str = "application/x-www-form-urlencoded";
/// How many redirects a browser follows.
const REDIRECTS: usize = 10;

/// A site under test.
pub struct Site {
    client: reqwest::Client,
    /// Where the server listens, without a slash at the end.
    url: String,
    /// Scheme and host under which visitors know the site.
    origin: String,
    /// What makes the accounts of this run different from those of other runs.
    pub run: String,
    addresses: AtomicU32,
}

impl Site {
    /// `site_url` is the server's `SITE_URL`, where it is not the address on which the server listens.
    pub fn new(url: &str, site_url: Option<&str>) -> Result<Self, String> {
        let client = reqwest::Client::builder().redirect(Policy::none()).build().map_err(|error| error.to_string())?;
        let url = url.trim_end_matches('/').to_owned();
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            client,
            origin: site_url.map_or_else(|| url.clone(), str::to_owned),
            url,
            run: format!("{:x}", since.as_micros()),
            addresses: AtomicU32::new(since.subsec_micros()),
        })
    }

    /// Replaces `{site}` by scheme and host of the site.
    pub fn fill(&self, text: &str) -> String {
        text.replace("{site}", &self.origin)
    }

    pub fn host(&self) -> &str {
        host_of(&self.origin)
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).header("host", self.host())
    }

    /// Returns the request of a form on one of the site's pages.
    pub fn form<'a>(&self, path: &str, form: impl IntoIterator<Item = (&'a str, &'a str)>) -> RequestBuilder {
        let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.request(Method::POST, path).body(body);
        request.header("content-type", FORM).header("origin", &self.origin).header("sec-fetch-site", "same-origin")
    }

    /// Returns an e-mail address for an account of this run.
    pub fn new_email(&self) -> String {
        format!("conformance-{}-{}@example.com", self.run, self.addresses.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns an address of 198.18.0.0/15, the network for tests. Servers limit what one address may do.
    fn address(&self) -> String {
        let [_, second, third, fourth] = self.addresses.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        format!("198.{}.{third}.{fourth}", 18 + second % 2)
    }

    /// Returns the path, if an address is one of the site.
    fn path_of<'a>(&self, address: &'a str) -> Option<&'a str> {
        let path = address.strip_prefix(&self.origin).unwrap_or(address);
        path.starts_with('/').then_some(path)
    }
}

fn host_of(origin: &str) -> &str {
    let rest = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// The cookies of a browser.
#[derive(Debug, Default)]
pub struct Jar {
    cookies: BTreeMap<String, String>,
    /// The e-mail address of the account that is signed in.
    pub email: Option<String>,
}

impl Jar {
    pub fn is_empty(&self) -> bool {
        self.cookies.is_empty()
    }

    /// Returns the `Cookie` header. Attributes do not count: the site may be one that browsers reach over TLS.
    fn header(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn keep(&mut self, response: &Response) {
        for set in response.headers().get_all("set-cookie") {
            let mut parts = set.to_str().unwrap_or_default().split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            if parts.any(|attribute| attribute.eq_ignore_ascii_case("max-age=0")) {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// What a tab shows.
#[derive(Clone, Debug)]
pub struct Page {
    /// Path, query and fragment.
    pub address: String,
    /// What the page's script reads as `document.referrer`.
    pub referrer: String,
    pub html: String,
}

impl Page {
    /// Returns what the document says about the arrival of its request.
    pub fn arrival(&self) -> &str {
        let html = self.html.split_once("<html").and_then(|(_, rest)| rest.split_once('>')).map(|(html, _)| html);
        let value = html.and_then(|html| html.split_once("data-arrival=\"")).map(|(_, rest)| rest);
        value.and_then(|value| value.split_once('"')).map(|(value, _)| value).unwrap_or_default()
    }
}

/// A browser of a case.
#[derive(Debug)]
pub struct Browser {
    address: String,
    pub jar: Jar,
    /// Cookies that the browser got and does not send any more. The runner keeps them, to see whose visitor they name.
    pub lost: Vec<Jar>,
    tabs: HashMap<String, Page>,
}

impl Browser {
    pub fn new(site: &Site) -> Self {
        Self { address: site.address(), jar: Jar::default(), lost: Vec::new(), tabs: HashMap::new() }
    }

    pub fn page(&self, tab: &str) -> Result<&Page, String> {
        self.tabs.get(tab).ok_or_else(|| "no page is open there".to_owned())
    }

    /// Opens a page in the step's tab, and follows redirects within the site.
    pub async fn open(&mut self, site: &Site, step: &Step, method: Method, address: &str) -> Result<(), String> {
        let mut referrer = site.fill(&step.referrer);
        let mut headers = headers(site, step, &referrer)?;
        if step.cookies == Cookies::Unsent {
            self.lose_cookies();
        }
        let (address, fragment) = address.split_once('#').map_or((address, None), |(at, rest)| (at, Some(rest)));
        let mut at = address.to_owned();
        for _ in 0..REDIRECTS {
            let response = self.send(site.request(method.clone(), &at).headers(headers.clone()), step.cookies).await?;
            let next = response.headers().get("location").and_then(|location| site.path_of(location.to_str().ok()?));
            if response.status().is_redirection()
                && let Some(next) = next
            {
                if response.headers().get("referrer-policy").is_some_and(|policy| policy == "no-referrer") {
                    headers.remove("referer");
                    referrer.clear();
                }
                at = next.to_owned();
                continue;
            }
            let html = response.text().await.map_err(|error| error.to_string())?;
            let address = fragment.map_or_else(|| at.clone(), |fragment| format!("{at}#{fragment}"));
            self.tabs.insert(step.tab.clone(), Page { address, referrer, html });
            return Ok(());
        }
        Err(format!("{address} redirects for ever"))
    }

    /// Returns the text of a page that the browser opens besides.
    pub async fn text(&mut self, site: &Site, path: &str) -> Result<String, String> {
        let request = site.request(Method::GET, path).header("user-agent", CHROME).header("accept", "text/html");
        let response = self.send(request, Cookies::Kept).await?;
        response.text().await.map_err(|error| error.to_string())
    }

    /// Sends a form of the tab's page, or a beacon.
    pub async fn post(
        &mut self,
        site: &Site,
        step: &Step,
        path: &str,
        form: &BTreeMap<String, String>,
    ) -> Result<Response, String> {
        let form = form.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let agent = step.agent.as_deref().unwrap_or(CHROME);
        let mut request = site.form(path, form).header("user-agent", agent).header("accept", "text/html,*/*;q=0.8");
        if let Ok(page) = self.page(&step.tab) {
            let page = page.address.split('#').next().unwrap_or_default();
            request = request.header("referer", format!("{}{page}", site.origin));
        }
        let own = step.headers.iter().map(|(name, value)| header(name, value)).collect::<Result<HeaderMap, _>>()?;
        self.send(request.headers(own), step.cookies).await
    }

    /// Makes an account, or signs in to one.
    pub async fn sign(&mut self, site: &Site, path: &str, email: &str) -> Result<(), String> {
        let address = self.address.clone();
        sign(site, &mut self.jar, &address, path, email, PASSWORD).await
    }

    /// Makes an account with cookies that the browser has lost.
    pub async fn sign_lost(&mut self, site: &Site, lost: usize, email: &str) -> Result<(), String> {
        let address = self.address.clone();
        sign(site, &mut self.lost[lost], &address, "/api/register", email, PASSWORD).await
    }

    async fn send(&mut self, request: RequestBuilder, cookies: Cookies) -> Result<Response, String> {
        let mut blocked = Jar::default();
        let is_blocked = cookies == Cookies::Blocked;
        let jar = if is_blocked { &mut blocked } else { &mut self.jar };
        let response = send(request, jar, &self.address).await?;
        if !blocked.is_empty() {
            self.lost.push(blocked);
        }
        Ok(response)
    }

    fn lose_cookies(&mut self) {
        let jar = std::mem::take(&mut self.jar);
        if !jar.is_empty() {
            self.lost.push(jar);
        }
    }
}

/// The password of every account that the runner makes.
const PASSWORD: &str = "correct horse battery";

async fn send(request: RequestBuilder, jar: &mut Jar, address: &str) -> Result<Response, String> {
    let mut request = request.header("x-forwarded-for", address);
    if !jar.is_empty() {
        request = request.header("cookie", jar.header());
    }
    let response = request.send().await.map_err(|error| format!("the server does not answer: {}", in_words(&error)))?;
    jar.keep(&response);
    Ok(response)
}

async fn sign(
    site: &Site,
    jar: &mut Jar,
    address: &str,
    path: &str,
    email: &str,
    password: &str,
) -> Result<(), String> {
    let request = site.form(path, [("email", email), ("password", password)]);
    let response = send(request.header("user-agent", CHROME).header("accept", "text/html"), jar, address).await?;
    let location = response.headers().get("location").and_then(|location| location.to_str().ok()).unwrap_or_default();
    if response.status() != StatusCode::SEE_OTHER || location != "/account" {
        // The page of the form says why in its alert, once.
        let path_of_form = site.path_of(location).unwrap_or("/");
        let page = site.request(Method::GET, path_of_form).header("user-agent", CHROME).header("accept", "text/html");
        let page = send(page, jar, address).await?.text().await.unwrap_or_default();
        return Err(format!("{path} refused {email} with {}. {}", response.status().as_u16(), alert(&page)));
    }
    jar.email = Some(email.to_owned());
    Ok(())
}

/// Returns the text of the first alert on a page, or nothing.
fn alert(html: &str) -> &str {
    let alert = html.split_once(r#"role="alert""#).and_then(|(_, rest)| rest.split_once("</p>"));
    alert.and_then(|(alert, _)| alert.rsplit('>').next()).unwrap_or_default()
}

/// Returns an error with its causes.
pub fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

/// Signs an account of the server in, and returns its cookies.
pub async fn sign_in(site: &Site, email: &str, password: &str) -> Result<String, String> {
    let mut jar = Jar::default();
    sign(site, &mut jar, &site.address(), "/api/login", email, password).await?;
    Ok(jar.header())
}

/// Returns the headers with which a browser opens a page, with the step's own in place of them.
fn headers(site: &Site, step: &Step, referrer: &str) -> Result<HeaderMap, String> {
    let sent = [
        ("user-agent", step.agent.as_deref().unwrap_or(CHROME)),
        ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
        ("referer", referrer),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-site", fetch_site(site.host(), referrer)),
    ];
    let own = |name: &str| step.headers.keys().any(|own| own.eq_ignore_ascii_case(name));
    let sent = sent.into_iter().filter(|(name, _)| !own(name));
    let own = step.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    sent.chain(own).filter(|(_, value)| !value.is_empty()).map(|(name, value)| header(name, value)).collect()
}

/// Returns what a browser says about the page that links to `host`.
fn fetch_site(host: &str, referrer: &str) -> &'static str {
    let from = host_of(referrer);
    let is_below = |upper: &str, lower: &str| lower.strip_suffix(upper).is_some_and(|rest| rest.ends_with('.'));
    match from {
        "" => "none",
        from if from == host => "same-origin",
        from if is_below(host, from) || is_below(from, host) => "same-site",
        _ => "cross-site",
    }
}

/// A header's value may hold any bytes.
fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let name = name.parse().map_err(|_| format!("“{name}” is no header"))?;
    let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| format!("“{value}” cannot be sent"))?;
    Ok((name, value))
}
