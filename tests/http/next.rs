//! The page after signing in: the path of this site in `next`, or the account page.

use reqwest::StatusCode;

use crate::support::{PASSWORD, each_app, header};

const FOLLOWED: [&str; 6] =
    ["/", "/account", "/admin/leads?from=2026-01-01&q=a%20b", "/a//b", "/x?to=https://evil.example/", "/r/abc#top"];

const NOT_FOLLOWED: [&str; 40] = [
    "",
    "evil",
    "evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\/evil.example",
    "/a\\b",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nSet-Cookie: a=b",
    "/\u{0}/evil",
    " /account",
    "/ account",
    "/account ",
    "\u{a0}/account",
    "/a\u{7f}",
    "/a\u{85}b",
    "/ä",
    "/a\u{2028}b",
    "/a\u{200b}b",
    "\u{feff}/account",
    "https://evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "https:evil.example",
    "http:/evil.example",
    "http:\\\\evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "@evil.example",
    "?next=/",
    "#x",
    "../admin",
    "/api/logout",
    "/login?next=/",
    "/register",
];

#[tokio::test]
async fn sign_in_and_sign_up_lead_to_paths_of_this_site_only() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let long = format!("/{}", "a".repeat(2048));
        let expected = FOLLOWED.map(|next| (next, next)).into_iter();
        let expected = expected.chain(NOT_FOLLOWED.map(|next| (next, "/account"))).chain([(long.as_str(), "/account")]);
        for (number, (next, expected)) in expected.enumerate() {
            let form = [("email", "maria@example.com"), ("password", PASSWORD), ("next", next)];
            let response = app.browser().post("/api/login", &form).send().await.expect("an answer");
            assert_eq!(
                (response.status(), header(&response, "location")),
                (StatusCode::SEE_OTHER, expected),
                "{next:?}"
            );
            let email = format!("user{number}@example.com");
            let form = [("email", email.as_str()), ("password", PASSWORD), ("next", next)];
            let response = app.browser().post("/api/register", &form).send().await.expect("an answer");
            assert_eq!(
                (response.status(), header(&response, "location")),
                (StatusCode::SEE_OTHER, expected),
                "{next:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_closed_door_leads_back_to_it_also_after_a_failed_try() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let browser = app.browser();
        let door = browser.get("/account?tab=1&x=%26").send().await.expect("an answer");
        let login = "/login?next=%2Faccount%3Ftab%3D1%26x%3D%2526";
        assert_eq!((door.status(), header(&door, "location")), (StatusCode::SEE_OTHER, login));
        let page = browser.text(login).await;
        let hidden = r#"value="/account?tab=1&amp;x=%26""#;
        assert!(page.contains(r#"name="next""#) && page.contains(hidden), "{page}");
        assert!(page.contains("/register?next=%2Faccount%3Ftab%3D1%26"), "the other form knows it too: {page}");
        let next = ("next", "/account?tab=1&x=%26");
        let wrong = [("email", "maria@example.com"), ("password", "wrong"), next];
        let response = browser.post("/api/login", &wrong).send().await.expect("an answer");
        assert_eq!(header(&response, "location"), login);
        let page = browser.text(login).await;
        assert!(page.contains(hidden) && page.contains("is wrong."), "{page}");
        let right = [("email", "maria@example.com"), ("password", PASSWORD), next];
        let response = browser.post("/api/login", &right).send().await.expect("an answer");
        assert_eq!(header(&response, "location"), next.1);
        // An unsafe `next` is not carried along.
        let wrong = [("email", "x"), ("password", "x"), ("next", "//evil.example")];
        let response = app.browser().post("/api/register", &wrong).send().await.expect("an answer");
        assert_eq!(header(&response, "location"), "/register");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_page_is_not_come_back_to() {
    each_app(async |app| {
        for path in ["/account", "/admin", "/admin/leads"] {
            let response = app.browser().post(path, &[("a", "b")]).send().await.expect("an answer");
            assert_eq!((response.status(), header(&response, "location")), (StatusCode::UNAUTHORIZED, ""), "{path}");
        }
        // A request target in absolute form has its own host, which is ignored.
        let answer = crate::support::raw_request(&app.url, "GET", "http://evil.example/account?a=1", "").await;
        assert!(
            answer.starts_with("HTTP/1.1 303") && answer.contains("/login?next=%2Faccount%3Fa%3D1\r\n"),
            "{answer}"
        );
    })
    .await;
}
