//! Whatever way somebody becomes a user or comes back, what brought the person is the person's: every door in three situations.
//!
//! In each case the person arrives in one browser by a link of a campaign. Afterwards there is one touch with this campaign, and it is
//! the right user's.

use std::sync::Arc;

use reqwest::StatusCode;
use waymark::{
    attribution::referral::token::{NewToken, create_token},
    audit::Actor,
    db::sql,
    id::UserId,
};

use crate::{
    consent::{banner, decide},
    support::{Browser, PASSWORD, Setup, TestApp, each_app_with, header, with_mail},
};

/// A way into an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// Signs up with a password.
    SignUp,
    /// Signs in with a password, on a device that the account does not know.
    SignIn,
    /// Signs up, and uses the link that confirms the address.
    Verify,
    /// Asks for a link that signs in.
    MagicLink,
    /// Asks for a link that sets a password, and signs in with it.
    Reset,
    /// Sets the first password of an account that an admin made.
    AdminMade,
    /// Comes into an imported account for the first time.
    Imported,
    /// Signs up after following a member's link.
    Referral,
    // Further doors have their place here: a line here and in `DOORS`, and how to go through it in `go`. GitHub, Google, invitation.
}

const DOORS: [Door; 8] = [
    Door::SignUp,
    Door::SignIn,
    Door::Verify,
    Door::MagicLink,
    Door::Reset,
    Door::AdminMade,
    Door::Imported,
    Door::Referral,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Situation {
    /// Arrives, asks and opens in one browser.
    SameBrowser,
    /// Arrives and asks in one browser, and opens the link or signs in with another one.
    OtherBrowser,
    /// As before, but the site has to ask before it remembers anybody, and the person agrees when all is done.
    LateConsent,
}

/// Makes an account without a password, as an import or an admin does.
async fn account_without_password(app: &TestApp, email: &str) {
    let row = sql("insert into users (id, email, email_lower, password_hash, created_at) values ($1, $2, $2, '!', 0)");
    app.execute(row.bind(UserId::new()).bind(email)).await;
}

async fn post(browser: &Browser, path: &str, form: &[(&str, &str)]) -> String {
    let response = browser.post(path, form).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}");
    header(&response, "location").to_owned()
}

fn token_of(link: &str) -> &str {
    link.rsplit('/').next().expect("a token")
}

/// Makes what has to be there before the person arrives.
async fn prepare(app: &TestApp, door: Door, email: &str) {
    match door {
        Door::SignUp | Door::Verify | Door::Referral => {}
        Door::SignIn | Door::MagicLink | Door::Reset => {
            let elsewhere = app.browser();
            post(&elsewhere, "/api/register", &[("email", email), ("password", PASSWORD)]).await;
            let link = app.link(email, "/verify/").await;
            post(&elsewhere, "/api/verify", &[("token", token_of(&link))]).await;
        }
        Door::AdminMade | Door::Imported => account_without_password(app, email).await,
    }
}

/// Goes through a door: `asks` is the browser in which the person arrived, `opens` the one at the end.
async fn go(app: &TestApp, door: Door, email: &str, asks: &Browser, opens: &Browser) {
    match door {
        Door::SignUp | Door::Referral => {
            post(asks, "/api/register", &[("email", email), ("password", PASSWORD)]).await;
            assert_eq!(opens.login(email, PASSWORD).await.headers()["location"], "/account");
        }
        Door::SignIn => {
            assert_eq!(asks.login(email, PASSWORD).await.headers()["location"], "/account");
            assert_eq!(opens.login(email, PASSWORD).await.headers()["location"], "/account");
        }
        Door::Verify => {
            post(asks, "/api/register", &[("email", email), ("password", PASSWORD)]).await;
            let link = app.link(email, "/verify/").await;
            assert_eq!(opens.open(&link).await, StatusCode::OK);
            // Only the browser that made the account confirms the address at once. Any other has to sign in first.
            if post(opens, "/api/verify", &[("token", token_of(&link))]).await.starts_with("/login?next=%2Fverify%2F") {
                assert_eq!(opens.login(email, PASSWORD).await.headers()["location"], "/account");
                assert_eq!(post(opens, "/api/verify", &[("token", token_of(&link))]).await, "/account");
            }
        }
        Door::MagicLink | Door::Imported => {
            assert_eq!(post(asks, "/api/login/link", &[("email", email)]).await, "/login/link");
            let link = app.link(email, "/login/").await;
            assert_eq!(opens.open(&link).await, StatusCode::OK);
            assert_eq!(post(opens, "/api/login/token", &[("token", token_of(&link))]).await, "/account");
            assert!(opens.is_signed_in().await);
        }
        Door::Reset | Door::AdminMade => {
            assert_eq!(post(asks, "/api/forgot", &[("email", email)]).await, "/forgot");
            let link = app.link(email, "/reset/").await;
            assert_eq!(opens.open(&link).await, StatusCode::OK);
            let form = [("token", token_of(&link)), ("new_password", "a new horse battery")];
            assert_eq!(post(opens, "/api/reset", &form).await, "/login");
        }
    }
}

/// Arrives by a link, and returns the address of the link's campaign.
async fn arrive(app: &TestApp, door: Door, browser: &Browser, campaign: &str) -> Vec<(String, String)> {
    let path = match door {
        Door::Referral => {
            let new = NewToken { campaign: campaign.into(), landing_path: "/".into(), expires_at: None };
            format!("/r/{}", create_token(&app.db, new, &Actor::command_line()).await.expect("a link"))
        }
        _ => format!("/?utm_source=news&utm_medium=email&utm_campaign={campaign}"),
    };
    let response = browser.get(&path).send().await.expect("an answer");
    // A link to a member's page leads on, with the landing if the person has not decided yet.
    let response = match header(&response, "location") {
        "" => response,
        next => browser.get(next).send().await.expect("an answer"),
    };
    banner(&response.text().await.expect("text"))
}

async fn each_situation(setup: fn() -> Setup, situations: &[Situation]) {
    each_app_with(setup, async |app: Arc<TestApp>| {
        for door in DOORS {
            for situation in situations {
                let name = format!("{door:?}-{situation:?}").to_lowercase();
                let email = format!("{name}@example.com");
                prepare(&app, door, &email).await;
                let asks = app.browser();
                let opens = if *situation == Situation::SameBrowser { asks.clone() } else { app.browser() };
                let fields = arrive(&app, door, &asks, &name).await;
                go(&app, door, &email, &asks, &opens).await;
                if *situation == Situation::LateConsent {
                    assert!(!fields.is_empty(), "{name}: the site asks");
                    decide(&asks, &fields, "yes").await;
                }
                let touches: Vec<(Option<String>, i64)> = sql("select u.email, t.hits from touches t
                    join visitors v on v.id = t.visitor_id left join users u on u.id = v.user_id where t.campaign = $1")
                .bind(name.as_str())
                .fetch_all(&mut app.conn().await)
                .await
                .expect("rows");
                assert_eq!(touches, [(Some(email.clone()), 1)], "{name}");
                let made = "select count(*) from conversions c join users u on u.id = c.user_id where c.kind = 'signup' and u.email = ";
                let made = app.count(format!("{made}'{email}'")).await;
                assert_eq!(made, i64::from(!matches!(door, Door::AdminMade | Door::Imported)), "{name}");
            }
        }
        let referred = app.count("select count(*) from referrals").await;
        let expected = if situations.contains(&Situation::LateConsent) { 0 } else { 2 };
        assert_eq!(referred, expected, "a referral counts if it is known at the sign-up");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_in_the_same_and_in_another_browser() {
    each_situation(with_mail, &[Situation::SameBrowser, Situation::OtherBrowser]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_with_consent_given_late() {
    let setup = || {
        let mut setup = with_mail();
        setup.variables.push(("ATTRIBUTION_CONSENT", "required".into()));
        setup
    };
    each_situation(setup, &[Situation::LateConsent]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_opened_twice_at_once_or_never_changes_nothing_more() {
    each_app_with(with_mail, async |app: Arc<TestApp>| {
        for door in [Door::MagicLink, Door::Reset] {
            let (email, path) = match door {
                Door::MagicLink => ("link@example.com", ("/api/login/link", "/login/", "/api/login/token")),
                _ => ("reset@example.com", ("/api/forgot", "/reset/", "/api/reset")),
            };
            prepare(&app, door, email).await;
            let asks = app.browser();
            arrive(&app, door, &asks, email).await;
            let of_user = format!(
                "select count(*) from touches t join visitors v on v.id = t.visitor_id
                join users u on u.id = v.user_id where u.email = '{email}'"
            );
            // Asked, and never opened: the browser may be anybody's.
            post(&asks, path.0, &[("email", email)]).await;
            let link = app.link(email, path.1).await;
            let before = app.count(of_user.clone()).await;
            for _ in 0..3 {
                assert_eq!(app.browser().open(&link).await, StatusCode::OK, "opening uses nothing");
            }
            assert_eq!(app.count(of_user.clone()).await, before);
            let form = [("token", token_of(&link)), ("new_password", "a new horse battery")];
            // Two browsers at once: one gets in.
            let (one, other) = (app.browser(), app.browser());
            let at_once = tokio::join!(one.post_json(path.2, &form).send(), other.post_json(path.2, &form).send());
            let mut statuses = [at_once.0.expect("an answer").status(), at_once.1.expect("an answer").status()];
            statuses.sort();
            assert_eq!(statuses, [StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY], "{door:?}");
            assert_eq!(app.count(of_user.clone()).await, 1, "{door:?}");
            // And once more.
            assert_eq!(app.browser().open(&link).await, StatusCode::GONE);
            let again = app.browser().post_json(path.2, &form).send().await.expect("an answer");
            assert_eq!(again.status(), StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(app.count(of_user).await, 1);
        }
    })
    .await;
}
