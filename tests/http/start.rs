//! How the program starts and stops, and what its commands print.

use std::net::TcpListener;

use waymark::db::{Dialect, testing::TestDatabase};

use crate::{
    process::{Process, command, run},
    support::{Browser, PASSWORD, each_app, header, session_cookie, with_cookie},
};

#[test]
fn a_start_with_mistakes_names_all_of_them_and_no_secret() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    for (url, what) in [
        ("mysql://root:hunter2@db/x", "DATABASE_URL names the database \"mysql\""),
        ("postgres://waymark:hunter2@127.0.0.1:1/waymark", "DATABASE_URL names a database that cannot be opened"),
        ("postgres://waymark:hunter2@127.0.0.1:notaport/x", "DATABASE_URL is no valid PostgreSQL address"),
        ("sqlite:///proc/hunter2/waymark.db", "DATABASE_URL names a database that cannot be opened"),
        ("sqlite::memory:", "DATABASE_URL names a database that cannot be opened"),
        ("hunter2", "DATABASE_URL must begin with sqlite:// or postgres://"),
    ] {
        let mut command = command(url);
        command
            .env("LEPTOS_SITE_ADDR", &address)
            .env("ATTRIBUTION_CUSTOM_TAGS", "partner,gclid")
            .env("ATTRIBUTION_WINDOW", "90 fortnights");
        let ended = run(command, "");
        assert!(!ended.success, "{url}");
        assert_eq!(ended.text.matches("\n  - ").count(), 4, "{url}: {}", ended.text);
        for words in
            [what, "LEPTOS_SITE_ADDR is", "that port is in use", "gclid", "90 fortnights", "Waymark cannot start:"]
        {
            assert!(ended.text.contains(words), "{words} in {}", ended.text);
        }
        assert!(!ended.text.contains("hunter2") && !ended.text.contains("panicked"), "{}", ended.text);
    }
}

#[tokio::test]
async fn it_stops_when_it_is_told_to_although_clients_are_stuck() {
    let database = TestDatabase::create(Dialect::Sqlite).await;
    let mut server = Process::serve(&database.url, &[]);
    let mut half_a_head = server.connect();
    half_a_head.send("GET / HTTP/1.1\r\nHost: x\r\nAccep");
    let mut idle = server.connect();
    idle.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(idle.receive().starts_with("HTTP/1.1 200"), "and the connection stays open");
    let body = "email=maria%40example.com&password=correct+horse+battery";
    let mut slow = server.connect();
    slow.send(&format!(
        "POST /api/register HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    ));
    assert!(slow.receive().starts_with("HTTP/1.1 100"), "it is in the handler");
    slow.send(&body[..10]);

    server.terminate();
    server.wait_for("stopping");
    slow.send(&body[10..]);
    let answer = slow.receive();
    assert!(
        answer.starts_with("HTTP/1.1 303") && answer.contains("location: /account"),
        "what had begun is finished: {answer}"
    );
    let ended = server.wait();
    assert!(ended.success, "{}", ended.text);
    assert!(ended.text.contains("\"message\":\"stopped\""), "{}", ended.text);
    // A request whose head is incomplete has its own deadline of 15 seconds.
    assert!(ended.seconds < 20, "{} s", ended.seconds);
    database.remove().await;
}

#[test]
fn a_server_does_not_read_the_file_that_is_for_development() {
    let folder = std::env::temp_dir().join(format!("waymark-env-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(".env"), "ATTRIBUTION_WINDOW=nonsense\nLEPTOS_ENV=DEV\n").expect("a file");
    for (environment, reads) in [("PROD", false), ("DEV", true)] {
        let mut command = command(&format!("sqlite://{}", folder.join("waymark.db").display()));
        command.current_dir(&folder).env("LEPTOS_ENV", environment).arg("migrate");
        let ended = run(command, "");
        assert_eq!(ended.text.contains("ATTRIBUTION_WINDOW"), reads, "{environment}: {}", ended.text);
        assert_eq!(ended.success, !reads, "{environment}");
    }
    std::fs::remove_dir_all(folder).expect("removed");
}

#[tokio::test]
async fn a_public_server_that_was_not_told_of_its_proxy_says_so() {
    let database = TestDatabase::create(Dialect::Sqlite).await;
    let public = [("LEPTOS_ENV", "PROD"), ("SITE_URL", "https://waymark.example"), ("SHUTDOWN_DELAY", "0s")];
    for (proxies, warns) in [("", true), ("none", false), ("10.0.0.0/8", false)] {
        let mut server = Process::serve(&database.url, &[&public[..], &[("TRUSTED_PROXIES", proxies)]].concat());
        // The proxy of this request is not named in any of them.
        let request = Browser::new(&server.url).get("/").header("x-forwarded-for", "203.0.113.9").send().await;
        assert_eq!(request.expect("an answer").status(), 200);
        server.terminate();
        let text = server.wait().text;
        assert_eq!(text.contains("so a proxy stands before the server"), warns, "{proxies}: {text}");
        assert_eq!(text.contains("a proxy sends X-Forwarded-For"), proxies != "none", "{proxies}: {text}");
        assert!(!text.contains("203.0.113.9"), "{text}");
    }
    database.remove().await;
}

async fn two_start_at_once(dialect: Dialect) {
    for _ in 0..5 {
        let database = TestDatabase::create(dialect).await;
        let mut both = [Process::begin(&database.url, &[]), Process::begin(&database.url, &[])];
        for server in &mut both {
            server.wait_for("ready");
            assert_eq!(Browser::new(&server.url).open("/readyz").await, 200);
        }
        let [first, second] = both.map(|mut server| {
            server.terminate();
            server.wait()
        });
        assert!(first.success && second.success, "{}{}", first.text, second.text);
        database.remove().await;
    }
}

#[tokio::test]
async fn two_that_start_at_once_on_an_empty_file_both_come_up() {
    two_start_at_once(Dialect::Sqlite).await;
}

#[tokio::test]
async fn two_that_start_at_once_on_an_empty_postgresql_both_come_up() {
    two_start_at_once(Dialect::Postgres).await;
}

#[tokio::test]
async fn a_command_says_whether_the_server_is_ready() {
    let database = TestDatabase::create(Dialect::Sqlite).await;
    let mut server = Process::serve(&database.url, &[]);
    let address = server.url.trim_start_matches("http://").to_owned();
    let ask = || {
        // The command needs no database.
        let mut command = command("sqlite:///proc/none/waymark.db");
        command.env("LEPTOS_SITE_ADDR", &address).arg("health");
        run(command, "")
    };
    let ended = ask();
    assert!(ended.success && ended.text.contains("ready"), "{}", ended.text);
    server.terminate();
    server.wait();
    let ended = ask();
    assert!(!ended.success && ended.text.contains("No server responds"), "{}", ended.text);
    database.remove().await;
}

#[tokio::test]
async fn a_database_is_brought_up_to_date_by_a_command() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let database = TestDatabase::create(dialect).await;
        for _ in 0..2 {
            let mut command = command(&database.url);
            command.arg("migrate");
            let ended = run(command, "");
            assert!(ended.success && ended.text.contains("The database is up to date."), "{}", ended.text);
        }
        database.remove().await;
    }
}

#[tokio::test]
async fn an_admin_is_made_on_the_command_line() {
    each_app(async |app| {
        let admin = |email: &str, password: &str| {
            let mut command = command(&app.database.url);
            command.args(["admin", "create", "--email", email, "--password-stdin"]);
            run(command, &format!("{password}\n"))
        };
        let made = admin("Chief@Example.com", PASSWORD);
        assert!(made.success && made.text.contains("can sign in and open /admin"), "{}", made.text);
        assert!(!made.text.contains(PASSWORD));
        let browser = app.browser();
        let cookie = session_cookie(&browser.login("chief@example.com", PASSWORD).await).expect("a cookie");
        assert_eq!(browser.open("/admin").await, 200);

        // A second call sets a new password and ends the sessions of the old one.
        assert!(admin("chief@example.com", "another good phrase").success);
        assert_eq!(app.count("select count(*) from users").await, 1);
        assert!(!with_cookie(&app.url, &cookie).is_signed_in().await);
        assert_eq!(header(&browser.login("chief@example.com", PASSWORD).await, "location"), "/login");
        assert_eq!(header(&browser.login("chief@example.com", "another good phrase").await, "location"), "/account");

        // A member becomes an admin.
        app.member("maria@example.com").await;
        assert!(admin("maria@example.com", "a third good phrase").success);
        assert_eq!(app.count("select count(*) from users where role = 'admin'").await, 2);

        for (email, password, words) in [
            ("weak@example.com", "password123", "Password: This password is easy to guess."),
            ("weak@example.com", "short", "Password: Use at least 8 characters."),
            ("weak@example.com", "", "Password: Choose a password."),
            ("nobody", PASSWORD, "E-mail: Enter an e-mail address"),
        ] {
            let refused = admin(email, password);
            assert!(!refused.success && refused.text.contains(words), "{words}: {}", refused.text);
        }
        let mut without_password = command(&app.database.url);
        without_password.args(["admin", "create", "--email", "x@example.com"]);
        let refused = run(without_password, "");
        assert!(!refused.success && refused.text.contains("--password-stdin"), "{}", refused.text);
        assert_eq!(app.count("select count(*) from users").await, 2);
    })
    .await;
}

#[tokio::test]
async fn logs_are_json_and_hold_no_secret_at_any_level() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let database = TestDatabase::create(dialect).await;
        // Without a proxy, an address is that of one client, whose network the events of accounts name.
        // The second directive asks for everything within a request's span.
        let everything = ("RUST_LOG", "trace,[request]=trace");
        let mut server = Process::serve(&database.url, &[everything, ("TRUSTED_PROXIES", "none")]);
        let mut secrets: Vec<String> = [
            "s3cretquery",
            "s3cretcampaign",
            "s3cretreferer",
            "s3cretagent",
            "very-private",
            "s3cret pass phrase",
            "s3cretcookie",
            "s3cret-path",
            "argon2",
            "waymark-device=",
        ]
        .map(str::to_owned)
        .into();
        let browser = Browser::new(&server.url);
        let landing = browser.get("/nowhere?q=s3cretquery%0d%0a%1b[31m&utm_source=a&utm_campaign=s3cretcampaign%0a{}");
        let landing = landing.header("referer", "https://x.example/s3cretreferer").send().await.expect("an answer");
        secrets.push(session_cookie(&landing).expect("a cookie").replace("waymark=", ""));
        let credentials = [("email", "very-private@example.com"), ("password", "s3cret pass phrase")];
        browser.post("/api/login", &credentials).send().await.expect("an answer");
        for path in ["/api/register", "/api/register", "/api/login"] {
            let response = browser.post(path, &credentials).send().await.expect("an answer");
            secrets.extend(session_cookie(&response).map(|cookie| cookie.replace("waymark=", "")));
        }
        let page = browser.text("/account").await;
        let (_, token) = page.split_once("/r/").expect("a referral link");
        let token: String = token.chars().take_while(char::is_ascii_alphanumeric).collect();
        assert_eq!(Browser::new(&server.url).open(&format!("/r/{token}")).await, 303);
        secrets.push(token);
        let form = [("current_password", "s3cret pass phrase"), ("new_password", "s3cret pass phrase two")];
        browser.post("/api/password", &form).send().await.expect("an answer");
        for path in [
            "/%0a%1b[31mforged",
            "/api/login?q=s3cretquery",
            "/admin?q=s3cretquery",
            "/r/%ff?s3cretquery",
            "//x/?s3cretquery",
            "/unsub/s3cret-path@example.com",
            "/s3cret-path@example.com",
        ] {
            let request = with_cookie(&server.url, "waymark=s3cretcookie; x=s3cretcookie").get(path);
            request.header("user-agent", "s3cretagent").send().await.expect("an answer");
        }
        browser.client.post(format!("{}/api/login", server.url)).body("s3cretquery=%").send().await.expect("an answer");
        browser.logout().await;
        server.terminate();
        let ended = server.wait();
        assert!(ended.success);
        assert!(ended.text.lines().count() > 30, "trace says much: {}", ended.text);
        for line in ended.text.lines() {
            let object: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(line);
            assert!(object.is_ok(), "no JSON object: {line}");
            assert!(!line.contains('\u{1b}'), "{line}");
        }
        for (event, outcome) in [("sign_in", "wrong"), ("sign_up", "done"), ("sign_in", "right"), ("sign_out", "done")]
        {
            let fields = format!(r#""event":"{event}","outcome":"{outcome}""#);
            let line = ended.text.lines().find(|line| line.contains(&fields)).unwrap_or_else(|| panic!("{fields}"));
            let names = [r#""timestamp":""#, r#""target":"waymark::auth""#, "\"user\":", "127.0.0.0/24"];
            let told = names.map(|name| line.contains(name));
            let expected = [true, true, outcome != "wrong", event != "sign_out"];
            assert_eq!(told, expected, "{line}");
        }
        for secret in secrets {
            let told = ended.text.lines().find(|line| line.contains(&secret));
            assert_eq!(told, None, "{secret}");
        }
        database.remove().await;
    }
}
