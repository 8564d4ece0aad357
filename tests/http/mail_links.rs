//! Links in mails: what they open, how they end, and what they tell about accounts. Without mail there are none.

use reqwest::StatusCode;
use waymark::{
    attribution::channel::rules::Rules,
    db::sql,
    import::{self, Options},
};

use crate::support::{Browser, PASSWORD, Setup, TestApp, each_app_with, header, set_cookies, with_mail};

const MARIA: &str = "maria@example.com";
const NEW: &str = "a new horse battery";

fn token_of(link: &str) -> &str {
    link.rsplit('/').next().expect("a token")
}

/// Makes a user with a confirmed address.
async fn user(app: &TestApp, email: &str) -> Browser {
    let browser = app.browser();
    browser.submit("/api/register", &[("email", email), ("password", PASSWORD)]).await;
    let link = app.link(email, "/verify/").await;
    browser.submit("/api/verify", &[("token", token_of(&link))]).await;
    browser.login(email, PASSWORD).await;
    assert!(browser.is_signed_in().await);
    browser
}

#[tokio::test]
async fn a_user_signs_up_looks_around_and_confirms_the_address() {
    each_app_with(with_mail, async |app| {
        let browser = app.browser();
        let form = [("email", MARIA), ("password", PASSWORD)];
        assert_eq!(browser.submit("/api/register", &form).await, "/login");
        let page = browser.text("/login").await;
        assert!(page.contains("Check your e-mail") && page.contains(r#"value="maria@example.com""#), "{page}");
        browser.login(MARIA, PASSWORD).await;
        let page = browser.text("/account").await;
        assert!(page.contains("Not confirmed") && page.contains("Send the message"), "{page}");
        assert_eq!(app.mails(MARIA).await.len(), 1);
        assert_eq!(browser.submit("/api/verify/send", &[]).await, "/account");
        assert_eq!(app.mails(MARIA).await.len(), 2);
        let link = app.link(MARIA, "/verify/").await;
        let response = browser.get(&link).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, "referrer-policy"), "same-origin");
        assert_eq!(header(&response, "cache-control"), "no-store");
        let page = response.text().await.expect("text");
        assert!(
            page.contains("Confirm the address") && page.contains(MARIA) && !page.contains("data-component=\"Beacon_"),
            "{page}"
        );
        assert_eq!(browser.submit("/api/verify", &[("token", token_of(&link))]).await, "/account");
        let page = browser.text("/account").await;
        assert!(page.contains("Your e-mail address is confirmed.") && !page.contains("Not confirmed"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn a_reset_ends_all_sessions_and_tells_the_address() {
    each_app_with(with_mail, async |app| {
        let signed_in = user(&app, MARIA).await;
        let browser = app.browser();
        browser.submit("/api/forgot", &[("email", " Maria@Example.com ")]).await;
        let link = app.link(MARIA, "/reset/").await;
        let weak = browser.submit("/api/reset", &[("token", token_of(&link)), ("new_password", "password")]).await;
        assert_eq!(weak, link, "the link still works");
        assert!(browser.text(&link).await.contains("field-error"));
        let form = [("token", token_of(&link)), ("new_password", NEW)];
        assert_eq!(browser.submit("/api/reset", &form).await, "/login");
        assert!(!signed_in.is_signed_in().await && !browser.is_signed_in().await);
        assert_eq!(browser.login(MARIA, PASSWORD).await.headers()["location"], "/login");
        assert_eq!(browser.login(MARIA, NEW).await.headers()["location"], "/account");
        assert_eq!(app.mails(MARIA).await[0].subject, "Your password was changed");
    })
    .await;
}

#[tokio::test]
async fn an_address_changes_when_the_new_one_is_confirmed() {
    each_app_with(with_mail, async |app| {
        let browser = user(&app, MARIA).await;
        user(&app, "taken@example.com").await;
        let ask = async |email: &str, password: &str| {
            browser.status_of("/api/email", &[("email", email), ("current_password", password)]).await
        };
        assert_eq!(ask("new@example.com", "wrong horse").await, 422);
        assert_eq!(ask(MARIA, PASSWORD).await, 422, "the account has it");
        let mails = app.mails("taken@example.com").await.len();
        assert_eq!(ask("taken@example.com", PASSWORD).await, 200, "nobody learns whether an account has it");
        assert_eq!(app.mails("taken@example.com").await.len(), mails);
        assert_eq!(ask("New@Example.com", PASSWORD).await, 200);
        browser.submit("/api/forgot", &[("email", MARIA)]).await;
        let old = app.link(MARIA, "/reset/").await;
        let link = app.link("New@Example.com", "/email/").await;
        assert!(browser.text("/account").await.contains(MARIA), "not before it is confirmed");
        // A person who is asked whether an address is theirs must not give it to another person's account.
        let to = app.browser().submit("/api/email/confirm", &[("token", token_of(&link))]).await;
        assert!(to.starts_with("/login?next=%2Femail%2F"), "{to}");
        assert!(browser.text("/account").await.contains(MARIA), "not in another person's browser");
        assert_eq!(browser.submit("/api/email/confirm", &[("token", token_of(&link))]).await, "/account");
        let page = browser.text("/account").await;
        assert!(page.contains("New@Example.com") && !page.contains(MARIA), "{page}");
        assert_eq!(app.browser().open(&old).await, StatusCode::GONE, "what the old address got");
        assert_eq!(app.mails(MARIA).await[0].subject, "Your e-mail address was changed");
        assert_eq!(app.browser().login("new@example.com", PASSWORD).await.headers()["location"], "/account");
    })
    .await;
}

#[tokio::test]
async fn a_link_is_for_one_purpose_and_ends() {
    each_app_with(with_mail, async |app| {
        let browser = user(&app, MARIA).await;
        let stranger = app.browser();
        let links = async || {
            stranger.submit("/api/forgot", &[("email", MARIA)]).await;
            stranger.submit("/api/login/link", &[("email", MARIA)]).await;
            app.execute(sql("update queued_jobs set created_at = created_at - 7200000 where state = 'done'")).await;
            (app.link(MARIA, "/reset/").await, app.link(MARIA, "/login/").await)
        };
        let dead = async |(reset, login): &(String, String), why: &str| {
            let form = [("token", token_of(reset)), ("new_password", NEW)];
            assert_eq!(app.browser().status_of("/api/reset", &form).await, 422, "{why}");
            assert_eq!(app.browser().status_of("/api/login/token", &[("token", token_of(login))]).await, 422, "{why}");
            for link in [reset, login] {
                assert_eq!(app.browser().open(link).await, StatusCode::GONE, "{why}");
            }
        };
        let (reset, login) = links().await;
        dead(&(login.replace("/login/", "/reset/"), reset.replace("/reset/", "/login/")), "the other's purpose").await;
        app.execute(sql("update one_time_tokens set expires_at = 1")).await;
        dead(&(reset, login), "expired").await;
        let both = links().await;
        let form = [("current_password", PASSWORD), ("new_password", NEW)];
        assert_eq!(browser.status_of("/api/password", &form).await, 200);
        dead(&both, "the password was changed").await;
        let both = links().await;
        app.execute(sql("update users set disabled_at = 1")).await;
        dead(&both, "the account is disabled").await;
        app.execute(sql("update users set disabled_at = null")).await;
        for wrong in ["", "x", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAA'"] {
            assert!([410, 422].contains(&browser.status_of("/api/login/token", &[("token", wrong)]).await), "{wrong}");
        }
        let texts: Vec<(String,)> =
            sql("select payload from queued_jobs").fetch_all(&mut app.conn().await).await.expect("rows");
        assert!(texts.iter().all(|(text,)| text.is_empty()), "what was sent is forgotten: {texts:?}");
    })
    .await;
}

#[tokio::test]
async fn known_and_unknown_addresses_get_the_same_response() {
    each_app_with(with_mail, async |app| {
        user(&app, MARIA).await;
        for (path, password, unknown) in [
            ("/api/register", PASSWORD, "nora@example.com"),
            ("/api/forgot", "", "nobody@example.com"),
            ("/api/login/link", "", "nobody@example.com"),
        ] {
            let mut answers = Vec::new();
            for email in [MARIA, unknown] {
                let browser = app.browser();
                let response =
                    browser.post(path, &[("email", email), ("password", password)]).send().await.expect("an answer");
                let names: Vec<String> = set_cookies(&response)
                    .iter()
                    .map(|cookie| cookie.split('=').next().unwrap_or_default().to_owned())
                    .collect();
                let next = header(&response, "location").to_owned();
                let page = browser.text(&next).await.replace(email, "");
                // The nonce and the number of the request differ.
                let page: String =
                    page.split("nonce=\"").map(|part| part.split_once('"').map_or(part, |(_, rest)| rest)).collect();
                answers.push((response.status(), next, names, page));
            }
            assert_eq!(answers[0], answers[1], "{path}");
        }
        let subjects: Vec<String> = app.mails(MARIA).await.into_iter().map(|mail| mail.subject).collect();
        assert!(subjects.contains(&"You already have an account".to_owned()), "{subjects:?}");
        assert_eq!(app.mails("nora@example.com").await.len(), 1, "an account was made, and gets one mail");
        assert_eq!(app.mails("nobody@example.com").await.len(), 0);
    })
    .await;
}

#[tokio::test]
async fn an_address_gets_few_mails_and_a_network_asks_for_few() {
    let setup = || {
        let mut setup = with_mail();
        setup.variables.push(("TRUSTED_PROXIES", "none".into()));
        setup
    };
    each_app_with(setup, async |app| {
        user(&app, MARIA).await;
        app.execute(sql("update queued_jobs set created_at = 0")).await;
        let before = app.mails(MARIA).await.len();
        let browser = app.browser();
        for n in 0..20 {
            assert_eq!(browser.status_of("/api/forgot", &[("email", MARIA)]).await, 200, "{n}");
        }
        assert_eq!(app.mails(MARIA).await.len(), before + 5);
        for path in ["/api/forgot", "/api/login/link"] {
            assert_eq!(browser.status_of(path, &[("email", "other@example.com")]).await, 429, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_password_of_a_stranger_ends_when_the_owner_of_the_address_comes() {
    each_app_with(with_mail, async |app| {
        let stranger = app.browser();
        stranger.submit("/api/register", &[("email", MARIA), ("password", PASSWORD)]).await;
        stranger.login(MARIA, PASSWORD).await;
        let owner = app.browser();
        owner.submit("/api/login/link", &[("email", MARIA)]).await;
        let link = app.link(MARIA, "/login/").await;
        assert_eq!(owner.submit("/api/login/token", &[("token", token_of(&link))]).await, "/account");
        assert!(owner.is_signed_in().await && !stranger.is_signed_in().await);
        assert_eq!(stranger.login(MARIA, PASSWORD).await.headers()["location"], "/login");
        // In the browser that made the account, the password stays.
        let own = app.browser();
        own.submit("/api/register", &[("email", "own@example.com"), ("password", PASSWORD)]).await;
        own.submit("/api/login/link", &[("email", "own@example.com")]).await;
        let link = app.link("own@example.com", "/login/").await;
        own.submit("/api/login/token", &[("token", token_of(&link))]).await;
        assert!(own.is_signed_in().await);
        assert_eq!(app.browser().login("own@example.com", PASSWORD).await.headers()["location"], "/account");
    })
    .await;
}

#[tokio::test]
async fn imported_leads_of_an_address_wait_for_the_one_who_confirms_it() {
    each_app_with(with_mail, async |app| {
        let stranger = app.browser();
        stranger.submit("/api/register", &[("email", MARIA), ("password", PASSWORD)]).await;
        let file = std::env::temp_dir().join(format!("waymark-leads-{}.csv", waymark::id::JobId::new()));
        let rows =
            "id,user_email,timestamp,medium,source,campaign\n1,maria@example.com,2023-05-04T12:34:56Z,cpc,google,old\n";
        std::fs::write(&file, rows).expect("written");
        let options = Options { wait_for_confirmation: true, ..Options::default() };
        let report =
            import::django_utm_tracker(&app.db, &Rules::parse("").expect("no rules"), &file, &options, |_, _| {}).await;
        assert_eq!(report.expect("imported").imported, 1);
        let leads = "select count(*) from lead_sources where campaign = 'old'";
        assert_eq!(app.count(leads).await, 0, "nobody has confirmed the address");
        // Maria, who reads the mail, knows no password of the stranger's account.
        let (maria, link) = (app.browser(), app.link(MARIA, "/verify/").await);
        let to = maria.submit("/api/verify", &[("token", token_of(&link))]).await;
        assert!(to.starts_with("/login?next=%2Fverify%2F"), "{to}");
        assert_eq!(app.count(leads).await, 0);
        maria.submit("/api/forgot", &[("email", MARIA)]).await;
        let link = app.link(MARIA, "/reset/").await;
        maria.submit("/api/reset", &[("token", token_of(&link)), ("new_password", "a new horse battery")]).await;
        assert_eq!(app.count(leads).await, 1);
        assert!(
            !app.browser().login(MARIA, PASSWORD).await.headers()["location"].to_str().unwrap().starts_with("/account")
        );
        std::fs::remove_file(file).expect("removed");
    })
    .await;
}

#[tokio::test]
async fn without_mail_the_doors_are_closed() {
    let setup = || Setup { variables: vec![("LEPTOS_ENV", "PROD".into())], ..Setup::default() };
    each_app_with(setup, async |app| {
        let browser = app.browser();
        let page = browser.text("/login").await;
        assert!(!page.contains("/forgot") && !page.contains("/login/link"), "{page}");
        for path in ["/forgot", "/login/link", "/reset/AAAAAAAAAAAAAAAAAAAAAA", "/dev/mail"] {
            assert_eq!(browser.open(path).await, StatusCode::NOT_FOUND, "{path}");
        }
        for path in ["/api/forgot", "/api/login/link", "/api/reset", "/api/verify", "/api/login/token"] {
            assert_eq!(browser.status_of(path, &[("email", MARIA)]).await, 404, "{path}");
        }
        browser.register(MARIA).await;
        assert!(browser.is_signed_in().await);
        assert!(!browser.text("/account").await.contains("Your e-mail address"));
        assert_eq!(app.count("select count(*) from queued_jobs").await, 0);
    })
    .await;
}
