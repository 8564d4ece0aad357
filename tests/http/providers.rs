//! Signing in with GitHub and Google.

use reqwest::{Response, StatusCode};
use waymark::db::sql;

use crate::{
    provider_server::{MARIA, ProviderServer, Somebody},
    support::{Browser, PASSWORD, TestApp, each_app_with, header},
};

pub const PROVIDERS: [&str; 2] = ["github", "google"];

/// Runs a test for each provider, on both databases.
pub async fn each_provider(test: impl AsyncFn(&TestApp, &ProviderServer, &str)) {
    for word in PROVIDERS {
        let server = ProviderServer::start().await;
        each_app_with(|| server.setup(), async |app| test(&app, &server, word).await).await;
    }
}

/// Follows the link to a provider. Returns the address at the provider.
pub async fn depart(browser: &Browser, word: &str) -> String {
    let response = browser.get(&format!("/login/{word}?next=%2Faccount%3Ftab%3D1")).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(header(&response, "cache-control"), "no-store");
    header(&response, "location").to_owned()
}

pub async fn come_back(browser: &Browser, path: &str) -> Response {
    browser.get(path).send().await.expect("an answer")
}

/// Goes to the provider as somebody, and back.
pub async fn sign_in(browser: &Browser, server: &ProviderServer, word: &str, who: Somebody) -> Response {
    let departure = depart(browser, word).await;
    come_back(browser, &server.lets_through(&departure, who)).await
}

pub fn leads_to(response: &Response) -> (StatusCode, &str) {
    (response.status(), header(response, "location"))
}

pub const INSIDE: (StatusCode, &str) = (StatusCode::SEE_OTHER, "/account?tab=1");
pub const REFUSED: (StatusCode, &str) = (StatusCode::SEE_OTHER, "/login");

pub async fn verify(app: &TestApp, email: &'static str) {
    app.execute(sql("update users set email_verified_at = 1 where email_lower = $1").bind(email)).await;
}

#[tokio::test]
async fn a_stranger_gets_an_account_and_what_brought_them_is_theirs_once() {
    each_provider(async |app, server, word| {
        let browser = app.browser();
        browser.open("/?utm_source=newsletter&utm_medium=email&utm_campaign=spring").await;
        assert_eq!(leads_to(&sign_in(&browser, server, word, MARIA).await), INSIDE);
        assert!(browser.is_signed_in().await);
        let leads = "select count(*) from lead_sources l join users u on u.id = l.user_id
            where u.email = 'maria@example.com' and u.email_verified_at is not null and source = 'newsletter'";
        assert_eq!(app.count(leads).await, 1);
        assert_eq!(app.count("select count(*) from conversions where kind = 'signup'").await, 1);
        // Later, from another browser that another campaign led here.
        let other = app.browser();
        other.open("/?utm_source=ad&utm_medium=cpc").await;
        assert_eq!(leads_to(&sign_in(&other, server, word, MARIA).await), INSIDE);
        assert_eq!(app.count("select count(*) from users").await, 1);
        assert_eq!(app.count("select count(*) from lead_sources where user_id is not null").await, 2);
        // The number counts, not the address.
        let moved = Somebody { email: "maria@elsewhere.example", ..MARIA };
        assert_eq!(leads_to(&sign_in(&app.browser(), server, word, moved).await), INSIDE);
        assert_eq!(app.count("select count(*) from users").await, 1);
    })
    .await;
}

#[tokio::test]
async fn an_account_is_joined_only_if_both_sides_have_verified_the_address() {
    each_provider(async |app, server, word| {
        app.member(MARIA.email).await;
        let browser = app.browser();
        assert_eq!(leads_to(&sign_in(&browser, server, word, MARIA).await), REFUSED);
        assert!(browser.text("/login").await.contains("An account has your e-mail address already."));
        verify(app, MARIA.email).await;
        let doubtful = Somebody { verified: false, ..MARIA };
        assert_eq!(leads_to(&sign_in(&browser, server, word, doubtful).await), REFUSED);
        assert!(browser.text("/login").await.contains("has not verified an e-mail address"));
        assert!(!browser.is_signed_in().await);
        assert_eq!(leads_to(&sign_in(&browser, server, word, MARIA).await), INSIDE);
        assert!(browser.is_signed_in().await);
        assert_eq!(app.count("select count(*) from users").await, 1);
    })
    .await;
}

#[tokio::test]
async fn an_answer_counts_once_and_only_in_the_browser_that_asked() {
    each_provider(async |app, server, word| {
        let (browser, other) = (app.browser(), app.browser());
        let answer = server.lets_through(&depart(&browser, word).await, MARIA);
        // An attacker's answer in another browser, and with another state in this one.
        assert_eq!(leads_to(&come_back(&other, &answer).await), REFUSED);
        let (path, _) = answer.split_once("&state=").expect("a state");
        assert_eq!(leads_to(&come_back(&browser, &format!("{path}&state=guessed")).await), REFUSED);
        // The wrong answer has used up the sign-in.
        assert_eq!(leads_to(&come_back(&browser, &answer).await), REFUSED);
        assert!(
            browser.text("/login").await.contains("This sign-in took too long, or it was begun in another browser.")
        );

        let answer = server.lets_through(&depart(&browser, word).await, MARIA);
        assert_eq!(leads_to(&come_back(&browser, &answer).await), INSIDE);
        browser.logout().await;
        assert_eq!(leads_to(&come_back(&browser, &answer).await), REFUSED);
        // An answer for the other provider, and one that comes too late.
        let elsewhere = if word == "github" { "google" } else { "github" };
        let answer = server.lets_through(&depart(&browser, word).await, MARIA);
        assert_eq!(leads_to(&come_back(&browser, &answer.replace(word, elsewhere)).await), REFUSED);
        let answer = server.lets_through(&depart(&browser, word).await, MARIA);
        app.edit_sessions(|record| {
            if let Some(pending) = record.data.get_mut("waymark.provider_sign_in") {
                pending["begun"] = 1.into();
            }
        })
        .await;
        assert_eq!(leads_to(&come_back(&browser, &answer).await), REFUSED);
        assert!(!browser.is_signed_in().await);
        assert_eq!(app.count("select count(*) from users").await, 1);
    })
    .await;
}

#[tokio::test]
async fn who_says_no_at_the_provider_or_comes_with_a_wrong_code_is_told_so() {
    each_provider(async |app, server, word| {
        let browser = app.browser();
        let answer = server.lets_through(&depart(&browser, word).await, MARIA);
        let (_, state) = answer.split_once("&state=").expect("a state");
        let back = format!("/login/{word}/callback?error=access_denied&state={state}");
        assert_eq!(leads_to(&come_back(&browser, &back).await), REFUSED);
        assert!(browser.text("/login").await.contains("You did not finish signing in with"));
        // A code that the provider does not know.
        let departure = depart(&browser, word).await;
        let answer = server.lets_through(&departure, MARIA).replace("code=code-", "code=x");
        assert_eq!(leads_to(&come_back(&browser, &answer).await), REFUSED);
        assert!(browser.text("/login").await.contains("did not answer as expected"));
        assert_eq!(app.count("select count(*) from users").await, 0);
        assert_eq!(leads_to(&sign_in(&browser, server, word, MARIA).await), INSIDE);
    })
    .await;
}

#[tokio::test]
async fn a_user_connects_and_disconnects_a_provider() {
    each_provider(async |app, server, word| {
        let browser = app.member("somebody@example.com").await;
        let back = sign_in(&browser, server, word, MARIA).await;
        assert_eq!(leads_to(&back), (StatusCode::SEE_OTHER, "/account"));
        assert!(browser.text("/account").await.contains("Confirm your e-mail address first"));
        verify(app, "somebody@example.com").await;
        sign_in(&browser, server, word, MARIA).await;
        assert!(browser.text("/account").await.contains("is connected to your account."));
        // The person opens this account now, whatever its address is, and no other.
        let elsewhere = app.browser();
        assert_eq!(leads_to(&sign_in(&elsewhere, server, word, MARIA).await), INSIDE);
        assert!(elsewhere.text("/account").await.contains("somebody@example.com"));
        let other = app.member("other@example.com").await;
        verify(app, "other@example.com").await;
        sign_in(&other, server, word, MARIA).await;
        assert!(other.text("/account").await.contains("is connected to another account of this site."));
        // A member cannot disconnect what is another's.
        other.post("/api/disconnect", &[("provider", word)]).send().await.expect("an answer");
        assert_eq!(app.count("select count(*) from user_identities").await, 1);
        browser.post("/api/disconnect", &[("provider", word)]).send().await.expect("an answer");
        assert!(browser.text("/account").await.contains("is disconnected from your account."));
        assert_eq!(app.count("select count(*) from user_identities").await, 0);
        assert_eq!(
            leads_to(&browser.login("somebody@example.com", PASSWORD).await),
            (StatusCode::SEE_OTHER, "/account")
        );
    })
    .await;
}

#[tokio::test]
async fn the_only_way_in_stays_and_no_password_opens_an_account_without_one() {
    each_provider(async |app, server, word| {
        let browser = app.browser();
        sign_in(&browser, server, word, MARIA).await;
        browser.post("/api/disconnect", &[("provider", word)]).send().await.expect("an answer");
        assert!(browser.text("/account").await.contains("This is your only way to sign in."));
        assert_eq!(app.count("select count(*) from user_identities").await, 1);
        // A sign-in of a moment ago stands for the password that the user does not have. An older one does not.
        app.edit_sessions(|record| {
            if let Some(signed_in) = record.data.get_mut("waymark.signed_in") {
                signed_in["since"] = (signed_in["since"].as_i64().expect("a time") - 16 * 60_000).into();
            }
        })
        .await;
        let first = [("current_password", ""), ("new_password", "a new horse battery")];
        browser.post("/api/password", &first).send().await.expect("an answer");
        assert!(browser.text("/account").await.contains("You signed in too long ago."));
        for password in ["!", "", PASSWORD, "a new horse battery"] {
            let stranger = app.browser();
            stranger.login(MARIA.email, password).await;
            assert!(!stranger.is_signed_in().await);
        }
        let again = app.browser();
        sign_in(&again, server, word, MARIA).await;
        assert!(again.text("/account").await.contains("Your account has no password yet."));
        again.post("/api/password", &first).send().await.expect("an answer");
        let home = app.browser();
        home.login(MARIA.email, "a new horse battery").await;
        assert!(home.is_signed_in().await);
    })
    .await;
}

#[tokio::test]
async fn two_answers_at_once_make_one_account() {
    each_provider(async |app, server, word| {
        let (one, two) = (app.browser(), app.browser());
        for browser in [&one, &two] {
            browser.open("/?utm_source=newsletter&utm_medium=email").await;
        }
        let first = server.lets_through(&depart(&one, word).await, MARIA);
        let second = server.lets_through(&depart(&two, word).await, MARIA);
        let (first, second) = tokio::join!(come_back(&one, &first), come_back(&two, &second));
        assert_eq!((leads_to(&first), leads_to(&second)), (INSIDE, INSIDE));
        assert_eq!(app.count("select count(*) from users").await, 1);
        assert_eq!(app.count("select count(*) from user_identities").await, 1);
        assert_eq!(app.count("select count(*) from lead_sources where user_id is not null").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_disabled_user_stays_out_and_a_provider_that_is_not_set_up_is_not_there() {
    each_provider(async |app, server, word| {
        sign_in(&app.browser(), server, word, MARIA).await;
        app.execute(sql("update users set disabled_at = 1")).await;
        let browser = app.browser();
        assert_eq!(leads_to(&sign_in(&browser, server, word, MARIA).await), REFUSED);
        assert!(browser.text("/login").await.contains("This account is disabled."));
    })
    .await;
    crate::support::each_app(async |app| {
        let browser = app.browser();
        for word in PROVIDERS {
            assert_eq!(browser.open(&format!("/login/{word}")).await, StatusCode::NOT_FOUND);
            assert_eq!(browser.open(&format!("/login/{word}/callback?code=a&state=b")).await, StatusCode::NOT_FOUND);
        }
        assert!(!browser.text("/login").await.contains("Continue with"));
    })
    .await;
}
