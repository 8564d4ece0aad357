//! The headers that every response has.

use axum::{Router, routing::get};
use base64::{Engine, engine::general_purpose::STANDARD};
use leptos::server_fn::axum::server_fn_paths;
use reqwest::{Method, Response, StatusCode};

use crate::support::{PASSWORD, Setup, TestApp, each_app, each_app_with, header, raw_request, set_cookies};

fn setup() -> Setup {
    let routes = Router::new().route("/panics", get(async || -> String { panic!("the secret reason") }));
    Setup { routes, ..Setup::default() }
}

fn secure() -> Setup {
    Setup { variables: vec![("SITE_URL", "https://waymark.example".into())], ..setup() }
}

/// Returns one response of every kind, with the kind's name.
async fn every_kind(app: &TestApp) -> Vec<(&'static str, Response)> {
    let (anonymous, member, admin) = (app.browser(), app.member("maria@example.com").await, app.admin().await);
    let huge = "x".repeat(20_000);
    let put = anonymous.client.request(Method::PUT, format!("{}/", app.url));
    let requests = [
        ("a page", 200, anonymous.get("/")),
        ("a landing", 200, anonymous.get("/?utm_source=a")),
        ("a personal page", 200, member.get("/account")),
        ("an admin page", 200, admin.get("/admin")),
        ("a file of leads", 200, admin.get("/admin/leads.csv")),
        ("no page", 404, anonymous.get("/nowhere")),
        ("no page of an admin", 404, admin.get("/admin/nothing")),
        ("a closed page", 403, member.get("/admin")),
        ("a redirect", 303, anonymous.get("/account")),
        ("a referral link", 303, anonymous.get("/r/abcdefghijkm")),
        ("a redirect from a slash", 308, anonymous.get("/login/")),
        ("a wrong method", 405, put),
        ("a panic", 500, anonymous.get("/panics")),
        ("a refused form", 303, anonymous.post("/api/login", &[])),
        ("a refused script", 422, anonymous.post_json("/api/login", &[])),
        ("a form from elsewhere", 403, anonymous.post("/api/login", &[]).header("sec-fetch-site", "cross-site")),
        ("too large a form", 413, anonymous.post("/api/login", &[("email", &huge)])),
        ("too large a script's form", 413, anonymous.post_json("/api/login", &[("email", &huge)])),
        ("no server function", 404, anonymous.get("/api/nope")),
        ("a missing file", 404, anonymous.get("/pkg/nothing.js")),
        ("health", 200, anonymous.get("/healthz")),
        ("readiness", 200, anonymous.get("/readyz")),
        ("signing out", 303, admin.post("/api/logout", &[])),
    ];
    let mut answers = Vec::new();
    for (kind, status, request) in requests {
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), status, "{kind}");
        answers.push((kind, response));
    }
    answers
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    each_app_with(secure, async |app| {
        let anonymous = app.browser();
        for path in ["/", "/nowhere", "/panics", "/healthz", "/pkg/nothing.js", "/account"] {
            let response = anonymous.get(path).send().await.expect("an answer");
            assert_eq!(header(&response, "strict-transport-security"), "max-age=63072000; includeSubDomains", "{path}");
        }
    })
    .await;
    each_app_with(setup, async |app| {
        for (kind, response) in every_kind(&app).await {
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "strict-origin-when-cross-origin"),
                ("x-frame-options", "DENY"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
                ("strict-transport-security", ""),
            ] {
                assert_eq!(header(&response, name), value, "{kind}");
            }
            assert!(header(&response, "permissions-policy").contains("camera=()"), "{kind}");
            let policy = header(&response, "content-security-policy");
            for directive in [
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "form-action 'self'",
                "frame-ancestors 'none'",
                "base-uri 'none'",
                "object-src 'none'",
            ] {
                assert!(policy.contains(directive), "{kind}: {policy}");
            }
            assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{kind}: {policy}");
            assert_eq!(response.headers().get_all("content-security-policy").iter().count(), 1, "{kind}");
            for name in ["server", "x-powered-by", "serverfnerror"] {
                assert_eq!(header(&response, name), "", "{kind}");
            }
            assert!(!header(&response, "x-request-id").is_empty(), "{kind}");
        }
    })
    .await;
}

#[tokio::test]
async fn hsts_covers_what_the_owner_says() {
    for (hsts, expected) in [("host", "max-age=63072000"), ("off", "")] {
        let variables = [("SITE_URL", "https://waymark.example"), ("HSTS", hsts)];
        let setup = || Setup { variables: variables.map(|(name, value)| (name, value.to_owned())).into(), ..setup() };
        each_app_with(setup, async |app| {
            let response = app.browser().get("/").send().await.expect("an answer");
            assert_eq!(header(&response, "strict-transport-security"), expected);
        })
        .await;
    }
}

#[tokio::test]
async fn text_says_its_encoding_and_what_is_personal_is_not_kept() {
    each_app_with(setup, async |app| {
        for (kind, response) in every_kind(&app).await {
            let content = header(&response, "content-type");
            let text = content.starts_with("text/") || content.starts_with("application/json");
            assert!(!text || content.contains("charset=utf-8"), "{kind}: {content}");
            let personal = kind.contains("personal")
                || kind.contains("admin")
                || kind.contains("leads")
                || kind.contains("closed")
                || kind.contains("signing out");
            if personal || !set_cookies(&response).is_empty() {
                assert_eq!(header(&response, "cache-control"), "no-store", "{kind}");
            }
            assert_ne!(header(&response, "cache-control"), "", "{kind}");
            let clears = if kind == "signing out" { "\"cache\", \"storage\"" } else { "" };
            assert_eq!(header(&response, "clear-site-data"), clears, "{kind}");
            if response.status().is_client_error() || response.status().is_server_error() {
                assert!(text, "{kind}: {content}");
                let body = response.text().await.expect("text");
                for inside in
                    ["secret reason", "panicked", "src/", "sqlx", "Deserialization", "erver function", "limit exceeded"]
                {
                    assert!(!body.contains(inside), "{kind}: {body}");
                }
            }
        }
        let first = app.browser().get("/?utm_source=a").send().await.expect("an answer");
        assert_eq!(set_cookies(&first).len(), 1, "there is a cookie to be careful with");
    })
    .await;
}

#[tokio::test]
async fn each_page_has_a_nonce_of_its_own_on_all_its_scripts() {
    each_app(async |app| {
        let admin = app.admin().await;
        let mut seen = Vec::new();
        for path in ["/", "/", "/login", "/nowhere", "/account", "/admin", "/admin/leads", "/admin"] {
            let response = admin.get(path).send().await.expect("an answer");
            let policy = header(&response, "content-security-policy").to_owned();
            let (_, rest) = policy.split_once("'nonce-").expect("a nonce");
            let (nonce, _) = rest.split_once('\'').expect("its end");
            assert!(nonce.len() >= 20, "{nonce}");
            assert!(!seen.contains(&nonce.to_owned()), "{path} has the nonce of another");
            seen.push(nonce.to_owned());
            let page = response.text().await.expect("text");
            let scripts: Vec<&str> =
                page.split("<script").skip(1).map(|rest| rest.split('>').next().unwrap_or("")).collect();
            assert!(!scripts.is_empty());
            for script in scripts {
                assert!(script.contains(&format!(r#"nonce="{nonce}""#)), "{path}: <script{script}>");
            }
            for forbidden in [" style=\"", "<style", " onclick=", " onload=", "javascript:"] {
                assert!(!page.contains(forbidden), "{path} has {forbidden}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_unknown_server_function_is_just_not_found() {
    each_app(async |app| {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            for path in ["/api/nope", "/api/login/x", "/api/login2", "/api/"] {
                let request = app.browser().client.request(method.clone(), format!("{}{path}", app.url));
                let response = request.header("accept", "*/*").send().await.expect("an answer");
                // The slash at the end is redirected, as for any path.
                if path == "/api/" {
                    assert!(
                        response.status().is_redirection() || response.status().is_client_error(),
                        "{method} {path}"
                    );
                    continue;
                }
                assert_eq!(response.status(), StatusCode::NOT_FOUND, "{method} {path}");
                assert_eq!(header(&response, "content-type"), "text/plain; charset=utf-8");
                assert_eq!(response.text().await.expect("text"), "Not Found\n", "{method} {path}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_error_in_the_address_shows_nothing() {
    each_app(async |app| {
        let forged = STANDARD.encode("ServerError|Call 555-1234 to unlock your account");
        for path in ["/login", "/register", "/"] {
            let page = app.browser().text(&format!("{path}?__path=%2Fapi%2Flogin&__err={forged}")).await;
            assert!(!page.contains("555-1234") && !page.contains("ServerError"), "{path}");
            assert!(!page.contains(r#"role="alert""#), "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_foreign_referer_is_never_led_back_to() {
    each_app(async |app| {
        let (anonymous, member) = (app.browser(), app.member("maria@example.com").await);
        for (path, _) in server_fn_paths() {
            for browser in [&anonymous, &member] {
                for form in [&[][..], &[("email", "x"), ("password", PASSWORD)], &[("email", "%")]] {
                    let request = browser.post(path, form).header("referer", "https://evil.example/?a=b");
                    let response = request.send().await.expect("an answer");
                    assert_own_path(path, &response);
                }
                // A form in which every field stands twice.
                let fields = ["email", "password", "current_password", "campaign", "token"];
                let twice: String = fields.map(|field| format!("{field}=a&{field}=b&")).concat();
                let request = browser.client.post(format!("{}{path}", app.url)).body(twice);
                let request = request.header("content-type", "application/x-www-form-urlencoded");
                let request = request.header("referer", "https://evil.example/?a=b");
                assert_own_path(path, &request.send().await.expect("an answer"));
            }
        }
    })
    .await;
}

fn assert_own_path(what: &str, response: &Response) {
    let location = header(response, "location");
    let own = location.is_empty() || (location.starts_with('/') && !location.starts_with("//"));
    assert!(own && !location.contains("__err"), "{what}: {location}");
}

#[tokio::test]
async fn a_malformed_form_is_an_error_page_without_insides() {
    const FORM: &str = "application/x-www-form-urlencoded";
    each_app(async |app| {
        let bodies: [(&str, &[u8]); 9] = [
            (FORM, b"email=%FF%FE&password=%C0%80"),
            (FORM, b"email=a&email=b"),
            (FORM, b"email[]=a&email[0]=b"),
            (FORM, b"\xff\xfe\x00"),
            (FORM, b"&&&===%%%"),
            (FORM, b"{\"email\":\"a\"}"),
            ("application/json", b"{\"email\":\"a\"}"),
            ("multipart/form-data; boundary=x", b"--x\r\n\r\n--x--"),
            ("text/plain", b""),
        ];
        for (path, _) in server_fn_paths() {
            for (kind, body) in bodies {
                let request = app.browser().client.post(format!("{}{path}", app.url)).body(body.to_vec());
                let request = request.header("content-type", kind).header("accept", "text/html");
                let response = request.header("referer", format!("{}/login", app.url)).send().await.expect("an answer");
                let what = format!("{path} {kind} {}", String::from_utf8_lossy(body));
                assert_own_path(&what, &response);
                assert_ne!(response.status(), StatusCode::FOUND, "{what}");
                assert!(!response.status().is_success(), "{what}");
                assert!(!response.status().is_server_error(), "{what}: {}", response.status());
                if response.status().is_redirection() {
                    // The server reads the body as a form without the required fields.
                    continue;
                }
                let text = response.text().await.expect("text");
                for inside in ["Deserialization", "Args|", "missing field", "duplicate", "invalid", "serde", "ServerFn"]
                {
                    assert!(!text.contains(inside), "{what}: {text}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_trace_is_no_echo() {
    each_app(async |app| {
        for path in ["/", "/api/login", "/healthz"] {
            let request =
                app.browser().client.request(Method::TRACE, format!("{}{path}", app.url)).header("x-secret", "echoed");
            let response = request.send().await.expect("an answer");
            let status = response.status();
            assert!(status == StatusCode::METHOD_NOT_ALLOWED || status == StatusCode::NOT_FOUND, "{path} {status}");
            assert!(!response.text().await.expect("text").contains("echoed"));
        }
    })
    .await;
}

#[tokio::test]
async fn what_only_proxies_are_asked_and_paths_with_dots_are_refused() {
    each_app(async |app| {
        app.admin().await;
        for (method, target, status) in [
            ("CONNECT", "evil.example:443", "405"),
            ("OPTIONS", "*", "400"),
            ("GET", "/x/../admin", "404"),
            ("GET", "/x/%2e%2E/admin/leads", "404"),
            ("GET", "/r/%2e%2e/admin", "404"),
        ] {
            let answer = raw_request(&app.url, method, target, "").await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")),
                "{method} {target}: {}",
                &answer[..60.min(answer.len())]
            );
        }
    })
    .await;
}
