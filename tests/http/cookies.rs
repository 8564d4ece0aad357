//! The session's cookie: its name, its attributes, and which cookies are read as it.

use reqwest::StatusCode;

use crate::support::{
    PASSWORD, Setup, each_app, each_app_with, header, raw_request, session_cookie, set_cookies, with_cookie,
};

fn secure() -> Setup {
    Setup { variables: vec![("SITE_URL", "https://waymark.example".into())], ..Setup::default() }
}

fn attributes(cookie: &str) -> Vec<&str> {
    let mut attributes: Vec<&str> = cookie.split("; ").skip(1).filter(|part| !part.starts_with("Max-Age")).collect();
    attributes.sort_unstable();
    attributes
}

#[tokio::test]
async fn over_tls_all_cookies_are_bound_to_this_very_host() {
    each_app_with(secure, async |app| {
        let all = ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"];
        let form = [("email", "maria@example.com"), ("password", PASSWORD)];
        let register = app.browser().post("/api/register", &form).send().await.expect("an answer");
        let landing = app.browser().get("/?utm_source=a").send().await.expect("an answer");
        let wrong = app.browser().login("maria@example.com", "wrong").await;
        let mut pairs = Vec::new();
        for (names, response) in [
            (&["__Host-waymark-device", "__Host-waymark"][..], &register),
            (&["__Host-waymark"], &landing),
            (&["__Host-flash"], &wrong),
        ] {
            let cookies = set_cookies(response);
            assert_eq!(cookies.len(), names.len(), "{cookies:?}");
            for (cookie, name) in cookies.iter().zip(names) {
                assert!(cookie.starts_with(&format!("{name}=")), "{cookies:?}");
                assert_eq!(attributes(cookie), all);
                assert!(!cookie.to_lowercase().contains("domain"));
            }
            pairs.push(cookies.last().and_then(|cookie| cookie.split(';').next()).expect("a pair").to_owned());
        }
        let signed_in = with_cookie(&app.url, &pairs[0]);
        assert!(signed_in.is_signed_in().await);
        assert!(!with_cookie(&app.url, &pairs[0].replace("__Host-", "")).is_signed_in().await, "not by the plain name");
        let page = with_cookie(&app.url, &pairs[2]).get("/login").send().await.expect("an answer");
        assert_eq!(set_cookies(&page).len(), 1, "shown, and taken away");
        assert_eq!(attributes(&set_cookies(&page)[0]), all);
        assert!(page.text().await.expect("text").contains("is wrong."));
        // The cookie is removed with the attributes with which it was set.
        let response = signed_in.logout().await;
        let cookies = set_cookies(&response);
        assert_eq!(cookies.len(), 1, "{cookies:?}");
        assert!(cookies[0].starts_with("__Host-waymark=;") && cookies[0].contains("Max-Age=0"), "{cookies:?}");
        assert_eq!(attributes(&cookies[0]), all);
    })
    .await;
}

#[tokio::test]
async fn without_tls_the_cookies_differ_only_in_what_tls_gives() {
    each_app(async |app| {
        let browser = app.browser();
        let cookies = set_cookies(&browser.register("maria@example.com").await);
        assert_eq!(cookies.len(), 2);
        for (cookie, name) in cookies.iter().zip(["waymark-device=", "waymark="]) {
            assert!(cookie.starts_with(name), "{cookies:?}");
            assert_eq!(attributes(cookie), ["HttpOnly", "Path=/", "SameSite=Lax"]);
        }
        let removal = set_cookies(&browser.logout().await);
        assert_eq!(attributes(&removal[0]), ["HttpOnly", "Path=/", "SameSite=Lax"]);
    })
    .await;
}

#[tokio::test]
async fn only_the_exact_name_counts_and_two_of_it_are_none() {
    each_app_with(secure, async |app| {
        let form = [("email", "maria@example.com"), ("password", PASSWORD)];
        let response = app.browser().post("/api/register", &form).send().await.expect("an answer");
        let cookie = set_cookies(&response)[1].split(';').next().expect("a pair").to_owned();
        let value = cookie.trim_start_matches("__Host-waymark=");
        let other = "AAAAAAAAAAAAAAAAAAAAAA";
        let cases = [
            (format!("Cookie: a=b; {cookie}; c=d\r\n"), true),
            (format!("Cookie: a=b\r\nCookie: {cookie}\r\n"), true),
            (format!("Cookie: %5F%5FHost-waymark={other}; {cookie}\r\n"), true),
            (format!("Cookie: {cookie}; %5F%5FHost-waymark={other}\r\n"), true),
            (format!("Cookie: {cookie}; __Host-waymark%20={other}\r\n"), true),
            (format!("Cookie: {cookie}; \u{2000}__Host-waymark={other}\r\n"), true),
            (format!("Cookie: {cookie}\r\nCookie: \u{a0}__Host-waymark={other}\r\n"), true),
            (format!("Cookie: __host-waymark={value}\r\n"), false),
            (format!("Cookie: %5F%5FHost-waymark={value}\r\n"), false),
            (format!("Cookie: __Host%2Dwaymark={value}\r\n"), false),
            (format!("Cookie: \u{2000}__Host-waymark={value}\r\n"), false),
            (format!("Cookie: waymark={value}\r\n"), false),
            (format!("Cookie: {cookie}; __Host-waymark={other}\r\n"), false),
            (format!("Cookie: __Host-waymark={other}; {cookie}\r\n"), false),
            (format!("Cookie: {cookie}\r\nCookie: {cookie}\r\n"), false),
        ];
        for (header, signed_in) in cases {
            let answer = raw_request(&app.url, "GET", "/account", &header).await;
            let status = if signed_in { "HTTP/1.1 200" } else { "HTTP/1.1 303" };
            assert!(answer.starts_with(status), "{header}: {}", &answer[..60]);
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_but_signing_out_takes_the_cookie_away() {
    each_app(async |app| {
        // A cookie of an ended session is not removed, because another tab may have the new session's cookie by now.
        let dead = with_cookie(&app.url, "waymark=AAAAAAAAAAAAAAAAAAAAAA");
        for path in ["/", "/account", "/nowhere", "/login"] {
            let response = dead.get(path).send().await.expect("an answer");
            assert_eq!(set_cookies(&response), [""; 0], "{path}");
        }
        let response = dead.login("nobody@example.com", "wrong").await;
        assert_eq!((response.status(), session_cookie(&response)), (StatusCode::SEE_OTHER, None));
        assert_eq!(header(&dead.logout().await, "set-cookie"), "waymark=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");
    })
    .await;
}
