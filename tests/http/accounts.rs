//! Signing up, in and out through the plain forms.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use waymark::db::sql;

use crate::support::{PASSWORD, TestApp, each_app, header, set_cookies};

const SECRET: &str = "my secret pass phrase";

#[tokio::test]
async fn a_member_registers_signs_out_and_signs_in_again() {
    each_app(async |app| {
        let browser = app.browser();
        assert!(!browser.is_signed_in().await);
        browser.register("Maria@Example.com").await;
        assert!(browser.text("/account").await.contains("Maria@Example.com"), "as it was typed");
        let response = browser.logout().await;
        assert_eq!((response.status(), header(&response, "location")), (StatusCode::SEE_OTHER, "/"));
        assert!(!browser.is_signed_in().await);
        let response = browser.login("maria@example.com", PASSWORD).await;
        assert_eq!((response.status(), header(&response, "location")), (StatusCode::SEE_OTHER, "/account"));
        assert!(browser.is_signed_in().await);
        assert_eq!(app.count("select count(*) from users where role = 'member'").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_wrong_password_is_told_once_and_the_address_stays_typed() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let browser = app.browser();
        let response = browser.login("maria@example.com", SECRET).await;
        assert_eq!((response.status(), header(&response, "location")), (StatusCode::SEE_OTHER, "/login"));
        assert_keeps_no_secret(&response);
        let page = browser.text("/login").await;
        assert!(page.contains("The e-mail address or the password is wrong."), "{page}");
        assert!(page.contains(r#"value="maria@example.com""#), "{page}");
        assert!(!page.contains(SECRET));
        let again = browser.text("/login").await;
        assert!(!again.contains("is wrong.") && !again.contains("maria@"), "{again}");
    })
    .await;
}

#[tokio::test]
async fn every_wrong_field_has_its_message_beside_it() {
    each_app(async |app| {
        let browser = app.browser();
        let response = browser.post("/api/register", &[("email", "\"><b>maria"), ("password", "secret7")]).send().await;
        let response = response.expect("an answer");
        assert_eq!((response.status(), header(&response, "location")), (StatusCode::SEE_OTHER, "/register"));
        let page = browser.text("/register").await;
        assert!(page.contains("Enter an e-mail address") && page.contains("Use at least 8 characters."), "{page}");
        for field in ["email", "password"] {
            assert!(page.contains(&format!(r#"id="{field}-error""#)), "{field}: {page}");
            assert!(page.contains(&format!(r#"aria-describedby="{field}-error"#)), "{field}: {page}");
        }
        // The address is shown as text, escaped in either way.
        assert!(page.contains("maria") && !page.contains("<b>maria") && !page.contains("secret7"), "{page}");
        assert!(!browser.text("/register").await.contains("-error"));
        // The page of another form neither shows the message nor removes it.
        browser.login("nobody@example.com", "x").await;
        assert!(!browser.text("/register").await.contains("is wrong."));
        assert!(browser.text("/login").await.contains("is wrong."));
        assert_eq!(app.count("select count(*) from users").await, 0);
    })
    .await;
}

#[tokio::test]
async fn missing_fields_are_named() {
    each_app(async |app| {
        for (path, form, wrong) in [
            ("/api/login", &[][..], &["email"][..]),
            ("/api/login", &[("email", "a@b.c")], &["password"]),
            ("/api/login", &[("email", "  "), ("password", "x")], &["email"]),
            ("/api/register", &[], &["email", "password"]),
            ("/api/register", &[("email", "a@b.c")], &["password"]),
            ("/api/register", &[("password", PASSWORD)], &["email"]),
        ] {
            let response = app.browser().post_json(path, form).send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{path} {form:?}");
            let outcome: Value = response.json().await.expect("JSON");
            let errors = outcome["errors"].as_object().expect("errors");
            assert_eq!(errors.keys().collect::<Vec<_>>(), wrong, "{path} {form:?}");
            let plain = app.browser().post(path, form).send().await.expect("an answer");
            assert_eq!(header(&plain, "location"), path.replace("/api", ""));
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_has_one_account_in_whatever_case() {
    each_app(async |app| {
        app.member("Maria@Example.com").await;
        let browser = app.browser();
        let form = [("email", " maria@EXAMPLE.com "), ("password", SECRET)];
        let response = browser.post("/api/register", &form).send().await.expect("an answer");
        assert_eq!(header(&response, "location"), "/register");
        assert!(browser.text("/register").await.contains("There is an account with this e-mail address."));
        assert!(!browser.is_signed_in().await);
        // Of many sign-ups at once, one gets the address.
        let at_once = (0..8)
            .map(|_| app.browser().post("/api/register", &[("email", "b@b.example"), ("password", SECRET)]).send());
        let answers = futures::future::join_all(at_once).await;
        let made = answers.iter().flatten().filter(|response| header(response, "location") == "/account");
        assert_eq!(made.count(), 1);
        assert_eq!(app.count("select count(*) from users").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_script_gets_the_outcome_as_json() {
    each_app(async |app| {
        app.member("maria@example.com").await;
        let browser = app.browser();
        let wrong = [("email", "maria@example.com"), ("password", SECRET)];
        let response = browser.post_json("/api/login", &wrong).send().await.expect("an answer");
        let message = "The e-mail address or the password is wrong.";
        assert_outcome(response, 422, json!({ "outcome": "invalid", "errors": { "": message } })).await;
        let response = browser.post_json("/api/password", &[]).send().await.expect("an answer");
        assert_outcome(response, 401, json!({ "outcome": "signed_out" })).await;
        let right = [("email", "maria@example.com"), ("password", PASSWORD), ("next", "/register")];
        let response = browser.post_json("/api/login", &right).send().await.expect("an answer");
        assert_outcome(response, 200, json!({ "outcome": "done", "next": "/account" })).await;
        let response = browser.post_json("/api/referral-tokens", &[("campaign", "x")]).send().await.expect("an answer");
        assert_outcome(response, 403, json!({ "outcome": "forbidden" })).await;
        let response = browser.post_json("/api/logout", &[]).send().await.expect("an answer");
        assert_outcome(response, 200, json!({ "outcome": "done", "next": "/" })).await;
        assert!(!browser.is_signed_in().await);
    })
    .await;
}

#[tokio::test]
async fn unknown_wrong_and_disabled_get_one_answer() {
    each_app(async |app| {
        app.member("known@example.com").await;
        let wrong = sign_in_fails(&app, "known@example.com", SECRET).await;
        let unknown = sign_in_fails(&app, "other@example.com", PASSWORD).await;
        app.execute(sql("update users set disabled_at = 1")).await;
        let disabled = sign_in_fails(&app, "known@example.com", PASSWORD).await;
        assert_eq!(wrong, unknown);
        assert_eq!(wrong, disabled);
    })
    .await;
}

/// Returns status, headers, cookies and pages of a failed sign-in, without the parts that differ from request to request.
async fn sign_in_fails(app: &TestApp, email: &str, password: &str) -> Vec<String> {
    let browser = app.browser();
    let mut seen = Vec::new();
    let plain = browser.login(email, password).await;
    let script = browser.post_json("/api/login", &[("email", email), ("password", password)]).send().await;
    let page = browser.get("/login").send().await;
    for response in [plain, script.expect("an answer"), page.expect("an answer")] {
        seen.push(response.status().to_string());
        for (name, value) in response.headers() {
            let value = match name.as_str() {
                "date" | "x-request-id" | "content-security-policy" => String::new(),
                "set-cookie" => flash(value.to_str().expect("ASCII")).replace(email, "E"),
                _ => value.to_str().expect("ASCII").to_owned(),
            };
            seen.push(format!("{name}: {value}"));
        }
        let body = response.text().await.expect("text").replace(email, "E");
        seen.push(without_nonces(&body));
    }
    seen
}

fn without_nonces(page: &str) -> String {
    let mut parts = page.split("nonce=\"");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.split_once('"').map_or("", |(_, rest)| rest))
}

/// Returns a cookie; the value of the flash cookie is decoded.
fn flash(cookie: &str) -> String {
    let (pair, attributes) = cookie.split_once(';').expect("attributes");
    let (name, value) = pair.split_once('=').expect("a value");
    let value =
        URL_SAFE_NO_PAD.decode(value).map_or(value.to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned());
    format!("{name}={value};{attributes}")
}

fn assert_keeps_no_secret(response: &Response) {
    let cookies = set_cookies(response);
    assert_eq!(cookies.len(), 1, "a failed sign-in begins no session: {cookies:?}");
    assert!(cookies[0].starts_with("flash=") && cookies[0].contains("HttpOnly") && cookies[0].contains("SameSite=Lax"));
    let plain = flash(&cookies[0]);
    assert!(plain.contains("maria@example.com") && !plain.contains(SECRET), "{plain}");
}

async fn assert_outcome(response: Response, status: u16, outcome: Value) {
    assert_eq!(response.status(), status, "{outcome}");
    assert_eq!(header(&response, "location"), "");
    assert!(header(&response, "content-type").starts_with("application/json"));
    assert!(!set_cookies(&response).iter().any(|cookie| cookie.starts_with("flash=")));
    assert_eq!(response.json::<Value>().await.expect("JSON"), outcome);
}
