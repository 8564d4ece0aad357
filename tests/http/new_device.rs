//! The mail about a sign-in in a browser that the account does not know.

use reqwest::header::USER_AGENT;
use waymark::db::sql;

use crate::{
    provider_server::{MARIA as MARIA_THERE, ProviderServer},
    second_factor::{STEP, code, turn_on},
    support::{Browser, PASSWORD, TestApp, each_app_with, header, with_mail},
};

const MARIA: &str = "maria@example.com";
const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0";

/// Makes a user, who has signed in once. Returns the browser.
async fn maria(app: &TestApp, confirmed: bool) -> Browser {
    let browser = app.browser();
    browser.submit("/api/register", &[("email", MARIA), ("password", PASSWORD)]).await;
    if confirmed {
        app.execute(sql("update users set email_verified_at = 1")).await;
    }
    browser.login(MARIA, PASSWORD).await;
    browser
}

/// Returns the texts of the notices, the newest first.
async fn notices(app: &TestApp) -> Vec<String> {
    let mails = app.mails(MARIA).await.into_iter();
    mails.filter(|mail| mail.subject.starts_with("New sign-in to ")).map(|mail| mail.text).collect()
}

#[tokio::test]
async fn a_new_browser_is_told_once_and_the_first_one_is_not() {
    each_app_with(with_mail, async |app| {
        let home = maria(&app, true).await;
        home.logout().await;
        home.login(MARIA, PASSWORD).await;
        assert_eq!(notices(&app).await, [""; 0], "the browser of the sign-up");

        let office = app.browser();
        let form = [("email", MARIA), ("password", PASSWORD)];
        let response = office.post("/api/login", &form).header(USER_AGENT, FIREFOX).send().await.expect("an answer");
        assert_eq!(header(&response, "location"), "/account");
        let told = notices(&app).await;
        assert_eq!(told.len(), 1);
        let text = &told[0];
        for part in ["Firefox on Windows, on ", " UTC.", "/account", "/forgot"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("/24"), "{text}");
        office.logout().await;
        office.login(MARIA, PASSWORD).await;
        assert_eq!(notices(&app).await.len(), 1, "the browser is known by now");
        office.login(MARIA, "wrong horse battery").await;
        app.browser().login(MARIA, "wrong horse battery").await;
        assert_eq!(notices(&app).await.len(), 1, "nobody signed in");

        // Ending all sessions forgets the browsers, and so anybody could be the first.
        app.execute(sql("update users set session_epoch = session_epoch + 1")).await;
        app.execute(sql("delete from known_devices")).await;
        app.browser().login(MARIA, PASSWORD).await;
        assert_eq!(notices(&app).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_unconfirmed_address_and_a_link_from_the_mailbox_need_no_notice() {
    each_app_with(with_mail, async |app| {
        maria(&app, false).await;
        app.browser().login(MARIA, PASSWORD).await;
        assert_eq!(notices(&app).await, [""; 0], "the address may be another person's");
        app.execute(sql("update users set email_verified_at = 1")).await;
        let browser = app.browser();
        browser.submit("/api/login/link", &[("email", MARIA)]).await;
        let link = app.link(MARIA, "/login/").await;
        let token = link.rsplit('/').next().expect("a token");
        assert_eq!(browser.submit("/api/login/token", &[("token", token)]).await, "/account");
        assert_eq!(notices(&app).await, [""; 0], "whoever used the link reads the mailbox");
    })
    .await;
}

#[tokio::test]
async fn with_a_second_factor_the_notice_waits_for_the_code() {
    each_app_with(with_mail, async |app| {
        let home = maria(&app, true).await;
        let key = turn_on(&app, &home).await.key;
        let office = app.browser();
        assert_eq!(office.login(MARIA, PASSWORD).await.headers()["location"], "/login/code");
        assert_eq!(notices(&app).await, [""; 0]);
        assert_eq!(office.submit("/api/login/code", &[("code", &code(&key, app.db.now() + STEP))]).await, "/account");
        assert_eq!(notices(&app).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_provider_opens_no_new_browser_in_silence() {
    let server = ProviderServer::start().await;
    let setup = || {
        let mut setup = with_mail();
        setup.variables.extend(server.setup().variables.into_iter().filter(|(name, _)| name.starts_with("OAUTH_")));
        setup
    };
    each_app_with(setup, async |app| {
        let come = async |browser: &Browser| {
            let response = browser.get("/login/github").send().await.expect("an answer");
            let back = server.lets_through(header(&response, "location"), MARIA_THERE);
            browser.get(&back).send().await.expect("an answer");
            assert!(browser.is_signed_in().await);
        };
        come(&app.browser()).await;
        assert_eq!(notices(&app).await, [""; 0], "the account was made just now");
        let other = app.browser();
        come(&other).await;
        assert_eq!(notices(&app).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn many_notices_fill_no_mailbox_and_keep_no_link_away() {
    each_app_with(with_mail, async |app| {
        maria(&app, true).await;
        for _ in 0..12 {
            assert_eq!(app.browser().login(MARIA, PASSWORD).await.headers()["location"], "/account");
        }
        assert_eq!(notices(&app).await.len(), 10);
        app.browser().submit("/api/forgot", &[("email", MARIA)]).await;
        assert!(app.link(MARIA, "/reset/").await.starts_with("/reset/"));
    })
    .await;
}
