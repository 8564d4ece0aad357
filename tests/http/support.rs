//! A running application, and browsers that visit the application.

use std::{borrow::Cow, net::SocketAddr, sync::Arc};

use axum::Router;
use reqwest::{
    RequestBuilder, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT},
    redirect::Policy,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tower_sessions::session::Record;
use waymark::{
    auth::operator::create_admin,
    config::Config,
    db::{Conn, Db, Dialect, Query, sql, testing::TestDatabase},
    jobs::worker::run_due,
    mail::{
        Route,
        deliver::kept::{self, KeptMail},
    },
    server::{
        background,
        connections::{self, Limits},
        health::Stopping,
        logging, router, run,
    },
    state::AppState,
};

pub const PASSWORD: &str = "correct horse battery";
pub const ADMIN: &str = "admin@example.com";
pub const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

use crate::tcp_proxy::TcpProxy;

/// An application on a free port, with its own database.
pub struct TestApp {
    pub url: String,
    pub db: Db,
    pub database: TestDatabase,
    state: AppState,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<()>,
}

/// How a test's application differs from the default one.
#[derive(Default)]
pub struct Setup {
    /// Environment variables.
    pub variables: Vec<(&'static str, String)>,
    /// Further routes, inside the application's sessions.
    pub routes: Router<AppState>,
    /// Deadlines and numbers of connections.
    pub limits: Limits,
}

/// Runs a test against an application on SQLite and against one on PostgreSQL.
pub async fn each_app<F: Future<Output = ()>>(test: impl Fn(Arc<TestApp>) -> F) {
    each_app_with(Setup::default, test).await;
}

pub async fn each_app_with<F: Future<Output = ()>>(setup: impl Fn() -> Setup, test: impl Fn(Arc<TestApp>) -> F) {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        eprintln!("on {dialect:?}");
        let app = Arc::new(TestApp::spawn(dialect, setup()).await);
        test(app.clone()).await;
        app.finish().await;
    }
}

impl TestApp {
    pub async fn spawn(dialect: Dialect, setup: Setup) -> Self {
        // With TEST_LOG the test prints the application's log.
        if std::env::var_os("TEST_LOG").is_some() {
            drop(logging::start(false));
        }
        let database = TestDatabase::create(dialect).await;
        let (served, stop, url, state) = serve_on(&database.url, setup).await;
        Self { url, db: state.db.clone(), state, database, stop, served }
    }

    /// Starts an application whose connections to PostgreSQL go through a proxy.
    pub async fn spawn_behind_proxy() -> (Self, TcpProxy) {
        let database = TestDatabase::create(Dialect::Postgres).await;
        let (proxy, through) = TcpProxy::before(&database.url).await;
        let (served, stop, url, state) = serve_on(&through, Setup::default()).await;
        (Self { url, db: state.db.clone(), state, database, stop, served }, proxy)
    }

    /// Ends the server and removes its database.
    pub async fn finish(self: Arc<Self>) {
        let Ok(app) = Arc::try_unwrap(self).map_err(drop) else { return };
        app.remove().await;
    }

    pub async fn remove(self) {
        let _ = self.stop.send(());
        let _ = self.served.await;
        self.db.close().await;
        self.database.remove().await;
    }

    /// Runs the jobs of a database that this server takes. Returns how many there were.
    pub async fn run_jobs_of(&self, db: &Db) -> usize {
        run_due(db, &background::handlers(&self.state)).await.expect("the queue")
    }

    /// Sends the mails that wait, and returns all mails to an address, the newest first. The setup has [`with_mail`].
    pub async fn mails(&self, to: &str) -> Vec<KeptMail> {
        self.run_jobs_of(&self.db).await;
        let Some(Route::Folder(folder)) = &self.state.config.mail.route else { panic!("mail goes into a folder") };
        kept::all(folder).into_iter().filter(|mail| mail.to == to).collect()
    }

    /// Sends the mails that wait, and returns the path of the newest link to an address that begins with `prefix`.
    pub async fn link(&self, to: &str, prefix: &str) -> String {
        let mails = self.mails(to).await;
        let links = mails.iter().filter_map(|mail| Some(&mail.text[mail.text.find(prefix)?..]));
        let link = links.map(|text| text.split_whitespace().next().expect("a path").to_owned()).next();
        link.unwrap_or_else(|| panic!("no {prefix} in {mails:?}"))
    }

    /// Returns a browser without cookies.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.url)
    }

    /// Returns a browser that has signed up.
    pub async fn member(&self, email: &str) -> Browser {
        let browser = self.browser();
        browser.register(email).await;
        browser
    }

    /// Makes the account of an admin.
    pub async fn make_admin(&self) {
        create_admin(&self.db, ADMIN, PASSWORD.to_owned()).await.expect("an admin");
    }

    /// Returns a browser in which an admin is signed in.
    pub async fn admin(&self) -> Browser {
        self.make_admin().await;
        let browser = self.browser();
        let response = browser.login(ADMIN, PASSWORD).await;
        assert_eq!(response.headers()["location"], "/account");
        browser
    }

    pub async fn conn(&self) -> Conn {
        self.db.read().await.expect("a connection")
    }

    /// Changes the database directly, and returns the number of changed rows.
    pub async fn execute(&self, query: Query) -> u64 {
        self.db.transaction(|conn| Box::pin(query.execute(conn))).await.expect("the statement is fine")
    }

    /// Changes the records of all stored sessions.
    pub async fn edit_sessions(&self, edit: impl Fn(&mut Record)) {
        let rows: Vec<(String, Vec<u8>)> =
            sql("select id, data from tower_sessions").fetch_all(&mut self.conn().await).await.expect("rows");
        assert!(!rows.is_empty(), "there is a session");
        for (id, data) in rows {
            let mut record: Record = rmp_serde::from_slice(&data).expect("a record");
            edit(&mut record);
            let data = rmp_serde::to_vec(&record).expect("bytes");
            self.execute(sql("update tower_sessions set data = $2 where id = $1").bind(id).bind(data)).await;
        }
    }

    /// Returns one number from the database.
    pub async fn count(&self, query: impl Into<Cow<'static, str>>) -> i64 {
        sql(query).fetch_scalar(&mut self.conn().await).await.expect("a number")
    }

    /// Returns the rows of `leads.csv`, without the header.
    pub async fn leads_csv(&self, admin: &Browser) -> Vec<csv::StringRecord> {
        let response = admin.get("/admin/leads.csv").send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        let text = response.text().await.expect("text");
        csv::Reader::from_reader(text.as_bytes()).records().map(|record| record.expect("a record")).collect()
    }

    /// Starts another replica: a second server on the same database.
    pub async fn replica(&self) -> (String, oneshot::Sender<()>) {
        self.replica_with(Setup::default()).await
    }

    pub async fn replica_with(&self, setup: Setup) -> (String, oneshot::Sender<()>) {
        let (_, stop, url, _) = serve_on(&self.database.url, setup).await;
        (url, stop)
    }
}

async fn serve_on(url: &str, setup: Setup) -> (tokio::task::JoinHandle<()>, oneshot::Sender<()>, String, AppState) {
    let variables = setup.variables;
    let (config, mistakes) = Config::read(|name| match name {
        "DATABASE_URL" => Some(url.to_owned()),
        "LEPTOS_SITE_ADDR" => Some("127.0.0.1:0".into()),
        name => variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()),
    });
    assert_eq!(mistakes, []);
    let db = run::open_database(&config).await.expect("a database");
    let listener = TcpListener::bind(config.site_addr).await.expect("a free port");
    let address: SocketAddr = listener.local_addr().expect("an address");
    let mut limits = setup.limits;
    limits.proxies = config.trusted_proxies.clone().unwrap_or_default();
    let state = run::state(config, db);
    let router = router::router_with(state.clone(), Stopping::default(), setup.routes);
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(connections::serve(listener, router, limits, async { drop(stopped.await) }));
    (served, stop, format!("http://{address}"), state)
}

/// Returns a setup whose mail goes into a folder of its own.
pub fn with_mail() -> Setup {
    let folder = std::env::temp_dir().join(format!("waymark-mail-{}", waymark::id::JobId::new()));
    Setup { variables: vec![("MAIL_URL", format!("file:{}", folder.display()))], ..Setup::default() }
}

/// A browser that keeps cookies, follows no redirect, and sends the headers with which browsers open a page.
#[derive(Clone)]
pub struct Browser {
    pub client: reqwest::Client,
    pub url: String,
}

impl Browser {
    pub fn new(url: &str) -> Self {
        Self::named(url, CHROME)
    }

    /// Returns a browser with this user agent.
    pub fn named(url: &str, user_agent: &'static str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(user_agent));
        headers.insert(ACCEPT, HeaderValue::from_static("text/html,application/xhtml+xml,*/*;q=0.8"));
        let client = reqwest::Client::builder()
            .cookie_store(true)
            .redirect(Policy::none())
            .default_headers(headers)
            .build()
            .expect("a client");
        Self { client, url: url.to_owned() }
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.client.post(format!("{}{path}", self.url));
        request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
    }

    /// Makes the request of `post` as a script does that asks for JSON.
    pub fn post_json(&self, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        self.post(path, form).headers(headers)
    }

    /// Posts a form as a page without scripts does, and returns where the answer leads.
    pub async fn submit(&self, path: &str, form: &[(&str, &str)]) -> String {
        let response = self.post(path, form).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}");
        header(&response, "location").to_owned()
    }

    /// Posts a form as a script does, and returns the status.
    pub async fn status_of(&self, path: &str, form: &[(&str, &str)]) -> u16 {
        self.post_json(path, form).send().await.expect("an answer").status().as_u16()
    }

    /// Opens a page and returns the status.
    pub async fn open(&self, path: &str) -> StatusCode {
        self.get(path).send().await.expect("an answer").status()
    }

    /// Opens a page and returns its text.
    pub async fn text(&self, path: &str) -> String {
        self.get(path).send().await.expect("an answer").text().await.expect("text")
    }

    pub async fn login(&self, email: &str, password: &str) -> Response {
        self.post("/api/login", &[("email", email), ("password", password)]).send().await.expect("an answer")
    }

    pub async fn register(&self, email: &str) -> Response {
        let response =
            self.post("/api/register", &[("email", email), ("password", PASSWORD)]).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers()["location"], "/account", "signed up as {email}");
        response
    }

    pub async fn logout(&self) -> Response {
        self.post("/api/logout", &[]).send().await.expect("an answer")
    }

    /// Whether a user is signed in.
    pub async fn is_signed_in(&self) -> bool {
        self.open("/account").await == StatusCode::OK
    }
}

/// Returns all cookies that a response sets, with their attributes.
pub fn set_cookies(response: &Response) -> Vec<String> {
    let cookies = response.headers().get_all("set-cookie").iter();
    cookies.map(|value| value.to_str().expect("cookies are ASCII").to_owned()).collect()
}

/// Returns the session's cookie in a response, as `name=value`.
pub fn session_cookie(response: &Response) -> Option<String> {
    let cookie = set_cookies(response).into_iter().find(|cookie| cookie.starts_with("waymark="))?;
    cookie.split(';').next().map(str::to_owned)
}

/// Returns a header of a response, or an empty text.
pub fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Sends bytes unchanged, and returns everything that comes until the server closes the connection.
pub async fn raw(url: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends a browser's request with this target and further header lines, each ending in CRLF, and returns the response.
pub async fn raw_request(url: &str, method: &str, target: &str, headers: &str) -> String {
    let host = url.trim_start_matches("http://");
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {CHROME}\r\nAccept: text/html\r\n{headers}Connection: close\r\n\r\n"
    );
    raw(url, &request).await
}

/// Returns a client that always sends exactly this cookie, whatever the server sets.
pub fn with_cookie(url: &str, cookie: &str) -> Browser {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(CHROME));
    headers.insert(ACCEPT, HeaderValue::from_static("text/html"));
    headers.insert("cookie", HeaderValue::from_str(cookie).expect("a header value"));
    let client =
        reqwest::Client::builder().redirect(Policy::none()).default_headers(headers).build().expect("a client");
    Browser { client, url: url.to_owned() }
}
