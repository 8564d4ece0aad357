//! An account is joined to a provider by its address: what the audit log and the account's owner are told, and the second factor.

use reqwest::StatusCode;
use waymark::db::sql;

use crate::{
    provider_server::{MARIA, ProviderServer},
    providers::{INSIDE, REFUSED, leads_to, sign_in, verify},
    second_factor::{STEP, TurnedOn, code, turn_on},
    support::{Browser, PASSWORD, Setup, TestApp, each_app_with, header, with_mail},
};

const CODE_NEEDED: (StatusCode, &str) = (StatusCode::SEE_OTHER, "/login/code?next=%2Faccount%3Ftab%3D1");

/// Runs a test for each provider on a site with mail, on both databases.
async fn each_provider_with_mail(test: impl AsyncFn(&TestApp, &ProviderServer, &str)) {
    for word in crate::providers::PROVIDERS {
        let server = ProviderServer::start().await;
        let setup = || {
            let mut setup: Setup = with_mail();
            setup.variables.extend(server.setup().variables);
            setup
        };
        each_app_with(setup, async |app| test(&app, &server, word).await).await;
    }
}

/// Returns a browser in which a user is signed in whose address is confirmed.
async fn maria(app: &TestApp) -> Browser {
    let browser = app.browser();
    browser.post("/api/register", &[("email", MARIA.email), ("password", PASSWORD)]).send().await.expect("an answer");
    verify(app, MARIA.email).await;
    assert_eq!(browser.login(MARIA.email, PASSWORD).await.headers()["location"], "/account");
    browser
}

fn name(word: &str) -> &'static str {
    if word == "github" { "GitHub" } else { "Google" }
}

/// Returns how many providers are connected, how often the audit log says so, and how many mails do.
async fn connections(app: &TestApp, word: &str) -> (i64, i64, usize) {
    let subject = format!("{} was connected to your account", name(word));
    let entries = format!(
        "select count(*) from audit_entries where action = 'provider_connected' and detail = '{}' and target = '{}'",
        name(word),
        MARIA.email
    );
    let mails = app.mails(MARIA.email).await.into_iter().filter(|mail| mail.subject == subject).count();
    (app.count("select count(*) from user_identities").await, app.count(entries).await, mails)
}

#[tokio::test]
async fn a_connection_is_in_the_audit_log_and_told_by_mail_however_it_came_about() {
    each_provider_with_mail(async |app, server, word| {
        let browser = maria(app).await;
        // By the address.
        let other = app.browser();
        assert_eq!(leads_to(&sign_in(&other, server, word, MARIA).await), INSIDE);
        assert_eq!(connections(app, word).await, (1, 1, 1));
        // The next sign-ins connect nothing.
        assert_eq!(leads_to(&sign_in(&app.browser(), server, word, MARIA).await), INSIDE);
        assert_eq!(leads_to(&sign_in(&browser, server, word, MARIA).await), (StatusCode::SEE_OTHER, "/account"));
        assert_eq!(connections(app, word).await, (1, 1, 1));
        // From the account's page.
        browser.post("/api/disconnect", &[("provider", word)]).send().await.expect("an answer");
        assert_eq!(leads_to(&sign_in(&browser, server, word, MARIA).await), (StatusCode::SEE_OTHER, "/account"));
        assert_eq!(connections(app, word).await, (1, 2, 2));
        assert!(app.mails(MARIA.email).await[0].text.contains("/forgot"), "the mail says what to do");
    })
    .await;
}

#[tokio::test]
async fn with_a_second_factor_the_account_is_joined_after_the_code_and_not_before() {
    each_provider_with_mail(async |app, server, word| {
        let browser = maria(app).await;
        let TurnedOn { key, recovery_codes: codes, .. } = turn_on(app, &browser).await;
        let phone = app.browser();
        assert_eq!(leads_to(&sign_in(&phone, server, word, MARIA).await), CODE_NEEDED);
        assert!(!phone.is_signed_in().await);
        let wrong = phone.post("/api/login/code", &[("code", "000000")]).send().await.expect("an answer");
        assert_eq!(header(&wrong, "location"), "/login/code");
        assert_eq!(connections(app, word).await, (0, 0, 0), "the provider alone connects nothing");
        // Whoever did not show a code can still not come in by the provider alone.
        assert_eq!(leads_to(&sign_in(&app.browser(), server, word, MARIA).await), CODE_NEEDED);

        let right = code(&key, app.db.now() + STEP);
        let form = [("code", right.as_str()), ("next", "/account?tab=1")];
        let response = phone.post("/api/login/code", &form).send().await.expect("an answer");
        assert_eq!(leads_to(&response), INSIDE);
        assert!(phone.is_signed_in().await);
        assert_eq!(connections(app, word).await, (1, 1, 1));

        // The provider is connected now. It still does not stand for the code.
        let tablet = app.browser();
        assert_eq!(leads_to(&sign_in(&tablet, server, word, MARIA).await), CODE_NEEDED);
        assert!(!tablet.is_signed_in().await);
        let form = [("code", codes[0].as_str())];
        let response = tablet.post("/api/login/code", &form).send().await.expect("an answer");
        assert_eq!(leads_to(&response), (StatusCode::SEE_OTHER, "/account"));
        assert!(tablet.is_signed_in().await);
        assert_eq!(connections(app, word).await, (1, 1, 1));
    })
    .await;
}

#[tokio::test]
async fn what_changed_between_the_provider_and_the_code_ends_the_sign_in() {
    each_provider_with_mail(async |app, server, word| {
        let browser = maria(app).await;
        let codes = turn_on(app, &browser).await.recovery_codes;
        for (number, change) in [
            "update users set email = 'other@example.com', email_lower = 'other@example.com'",
            "update users set email_verified_at = null",
            "update users set disabled_at = 1",
            "update users set session_epoch = session_epoch + 1",
        ]
        .into_iter()
        .enumerate()
        {
            let phone = app.browser();
            assert_eq!(leads_to(&sign_in(&phone, server, word, MARIA).await), CODE_NEEDED, "{change}");
            app.execute(sql(change)).await;
            let form = [("code", codes[number].as_str())];
            let response = phone.post("/api/login/code", &form).send().await.expect("an answer");
            assert_eq!(leads_to(&response), REFUSED, "{change}");
            assert!(!phone.is_signed_in().await, "{change}");
            assert_eq!(app.count("select count(*) from user_identities").await, 0, "{change}");
            app.execute(sql(
                "update users set email = 'maria@example.com', email_lower = 'maria@example.com', email_verified_at = 1, \
                 disabled_at = null",
            ))
            .await;
        }
    })
    .await;
}

#[tokio::test]
async fn two_sign_ins_that_wait_for_their_code_connect_the_provider_once() {
    each_provider_with_mail(async |app, server, word| {
        let TurnedOn { key, recovery_codes, .. } = turn_on(app, &maria(app).await).await;
        let (one, two) = (app.browser(), app.browser());
        for browser in [&one, &two] {
            assert_eq!(leads_to(&sign_in(browser, server, word, MARIA).await), CODE_NEEDED);
        }
        let (first, second) = (recovery_codes[5].clone(), code(&key, app.db.now() + STEP));
        let forms = ([("code", first.as_str())], [("code", second.as_str())]);
        let (first, second) =
            tokio::join!(one.post("/api/login/code", &forms.0).send(), two.post("/api/login/code", &forms.1).send());
        for response in [first.expect("an answer"), second.expect("an answer")] {
            assert_eq!(leads_to(&response), (StatusCode::SEE_OTHER, "/account"));
        }
        assert_eq!(connections(app, word).await, (1, 1, 1));
    })
    .await;
}
