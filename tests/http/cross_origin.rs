//! Another site's page can make a browser send requests here. The server refuses them.

use leptos::server_fn::axum::server_fn_paths;
use reqwest::{Method, RequestBuilder, StatusCode};

use crate::support::{Browser, PASSWORD, Setup, each_app, each_app_with, header};

/// Returns what browsers say about where a request comes from, and whether the request may pass.
fn origins(own: &str) -> Vec<(Option<String>, Option<&'static str>, bool)> {
    let host = own.trim_start_matches("http://");
    let foreign = ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "file://", "nonsense"];
    let foreign =
        foreign.map(str::to_owned).into_iter().chain([format!("{own}.evil.example"), format!("http://x@{host}")]);
    let mut origins = vec![
        (None, None, true),
        (Some(own.to_owned()), None, true),
        (None, Some("same-origin"), true),
        (None, Some("none"), true),
        (Some(own.to_owned()), Some("same-origin"), true),
        // Another host of the same site counts as another site.
        (None, Some("same-site"), false),
        (None, Some("cross-site"), false),
        (Some(own.to_owned()), Some("same-site"), false),
        (Some(own.to_owned()), Some("cross-site"), false),
        (None, Some("Same-Origin"), false),
    ];
    for origin in foreign {
        origins.push((Some(origin.clone()), None, false));
        origins.push((Some(origin.clone()), Some("same-site"), false));
        origins.push((Some(origin), Some("cross-site"), false));
    }
    origins
}

fn from(request: RequestBuilder, origin: &Option<String>, site: Option<&str>) -> RequestBuilder {
    let request = match origin {
        Some(origin) => request.header("origin", origin),
        None => request,
    };
    match site {
        Some(site) => request.header("sec-fetch-site", site),
        None => request,
    }
}

#[tokio::test]
async fn posts_from_elsewhere_are_refused_before_any_work() {
    each_app(async |app| {
        let (anonymous, member) = (app.browser(), app.member("maria@example.com").await);
        let admin = app.admin().await;
        let paths: Vec<&str> =
            server_fn_paths().map(|(path, _)| path).chain(["/", "/login", "/admin", "/nowhere"]).collect();
        let before = app.db.operations();
        let form = [("email", "eve@example.com"), ("password", PASSWORD), ("campaign", "c"), ("token", "abcdefghijkm")];
        for path in &paths {
            for (origin, site, _) in origins(&app.url).iter().filter(|(_, _, may_pass)| !may_pass) {
                for (who, browser) in [("anonymous", &anonymous), ("a member", &member), ("an admin", &admin)] {
                    let response = from(browser.post(path, &form), origin, *site).send().await.expect("an answer");
                    assert_eq!(response.status(), StatusCode::FORBIDDEN, "{who} {path} {origin:?} {site:?}");
                    assert!(!response.headers().contains_key("set-cookie"));
                }
            }
        }
        assert_eq!(app.db.operations(), before, "no query");
        assert!(member.is_signed_in().await && admin.is_signed_in().await, "nobody is signed out");
    })
    .await;
}

#[tokio::test]
async fn every_method_that_can_change_something_is_checked() {
    each_app(async |app| {
        let browser = app.browser();
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::TRACE] {
            let request = browser.client.request(method.clone(), format!("{}/api/logout", app.url));
            let response = request.header("sec-fetch-site", "cross-site").send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{method}");
        }
    })
    .await;
}

#[tokio::test]
async fn our_own_forms_and_every_link_pass() {
    each_app(async |app| {
        for (number, (origin, site, may_pass)) in origins(&app.url).iter().enumerate() {
            let browser = app.browser();
            if *may_pass {
                let email = format!("user{number}@example.com");
                let form = [("email", email.as_str()), ("password", PASSWORD)];
                let response =
                    from(browser.post("/api/register", &form), origin, *site).send().await.expect("an answer");
                assert_eq!(header(&response, "location"), "/account", "{origin:?} {site:?}");
            }
            let response = from(browser.get("/login"), origin, *site).send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::OK, "{origin:?} {site:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn our_own_forms_pass_behind_a_proxy_that_replaces_the_host() {
    let setup = || Setup { variables: vec![("SITE_URL", "https://waymark.example".into())], ..Setup::default() };
    each_app_with(setup, async |app| {
        for (origin, status) in [
            ("https://waymark.example", StatusCode::SEE_OTHER),
            ("http://waymark.example", StatusCode::FORBIDDEN),
            ("https://evil.example", StatusCode::FORBIDDEN),
        ] {
            // A browser that sends no Sec-Fetch-Site. The host in the request is the server's own address.
            let request = app.browser().post("/api/logout", &[]).header("origin", origin);
            assert_eq!(request.send().await.expect("an answer").status(), status, "{origin}");
        }
    })
    .await;
}

#[tokio::test]
async fn no_other_site_may_read_an_answer() {
    each_app(async |app| {
        let browser: Browser = app.member("maria@example.com").await;
        for path in ["/", "/account", "/healthz", "/api/login"] {
            let response = browser.get(path).header("origin", "https://evil.example").send().await.expect("an answer");
            let allows = response.headers().keys().any(|name| name.as_str().starts_with("access-control-"));
            assert!(!allows, "{path}");
        }
    })
    .await;
}
