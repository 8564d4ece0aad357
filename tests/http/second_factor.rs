//! The second factor: signing in with it, codes that count once, a lost device, and admins who must have it.

use std::time::Duration;

use reqwest::StatusCode;
use waymark::{auth::second_factor::code_at, db::sql, timestamp::Timestamp};

use crate::support::{ADMIN, Browser, PASSWORD, Setup, TestApp, each_app, each_app_with, header};

/// The time for which a code is the current one. The site also takes the codes of the step before and the step after.
pub const STEP: Duration = Duration::from_secs(30);

/// A second factor that was turned on.
pub struct TurnedOn {
    /// The key of the authenticator app.
    pub key: String,
    /// The code that turned it on. The site takes only codes of later steps from now on.
    pub used: String,
    pub recovery_codes: Vec<String>,
}

/// Begins to set up a second factor. Returns the key.
pub async fn begin(browser: &Browser) -> String {
    browser.submit("/api/second-factor/begin", &[("current_password", PASSWORD)]).await;
    let page = browser.text("/account/second-factor").await;
    assert!(page.contains("class=\"qr\"") && !page.contains("style="), "{page}");
    let key = page.split("<code class=\"breakable\">").nth(1).and_then(|rest| rest.split('<').next()).expect("a key");
    key.replace(' ', "")
}

/// Turns the second factor on.
pub async fn turn_on(app: &TestApp, browser: &Browser) -> TurnedOn {
    let key = begin(browser).await;
    let wrong = browser.submit("/api/second-factor/on", &[("code", "000000")]).await;
    assert!(browser.text(&wrong).await.contains("This code is wrong"));
    let used = code(&key, app.db.now());
    let done = browser.submit("/api/second-factor/on", &[("code", &used)]).await;
    let page = browser.text(&done).await;
    let codes = page.split("<li><code>").skip(1).map(|rest| rest.split('<').next().expect("a code").to_owned());
    let recovery_codes: Vec<String> = codes.collect();
    assert_eq!(recovery_codes.len(), 10, "{page}");
    assert!(!browser.text("/account/second-factor").await.contains(&recovery_codes[0]), "shown once");
    TurnedOn { key, used, recovery_codes }
}

pub fn code(key: &str, at: Timestamp) -> String {
    code_at(key, at).expect("a code")
}

async fn sign_in(browser: &Browser) {
    let response = browser.login("maria@example.com", PASSWORD).await;
    assert_eq!(header(&response, "location"), "/login/code");
    assert!(!browser.is_signed_in().await, "the password alone signs nobody in");
}

#[tokio::test]
async fn a_code_counts_once_and_half_a_minute_off_is_fine() {
    each_app(async |app| {
        let maria = app.member("maria@example.com").await;
        let other = app.browser();
        other.login("maria@example.com", PASSWORD).await;
        let TurnedOn { key, used, .. } = turn_on(&app, &maria).await;
        assert!(maria.is_signed_in().await && !other.is_signed_in().await, "sessions without a code have ended");

        let (phone, tablet) = (app.browser(), app.browser());
        sign_in(&phone).await;
        sign_in(&tablet).await;
        // The code that turned it on is used up, and codes from further away never count.
        for wrong in [used, code(&key, app.db.now() + 4 * STEP), code(&key, app.db.now() - 4 * STEP)] {
            assert_eq!(phone.submit("/api/login/code", &[("code", &wrong)]).await, "/login/code");
        }
        // As if it had been turned on a step earlier, so that the present code is free.
        app.execute(sql("update second_factors set last_step = last_step - 1")).await;
        let now = code(&key, app.db.now());
        let form = [("code", now.as_str())];
        let (one, two) = tokio::join!(phone.submit("/api/login/code", &form), tablet.submit("/api/login/code", &form));
        assert_eq!([one.as_str(), &two].iter().filter(|to| **to == "/account").count(), 1, "{one} {two}");
        assert_ne!(phone.is_signed_in().await, tablet.is_signed_in().await);
        // The next code of a clock that is fast.
        let third = app.browser();
        sign_in(&third).await;
        assert_eq!(third.submit("/api/login/code", &[("code", &code(&key, app.db.now() + STEP))]).await, "/account");
        assert!(third.is_signed_in().await);
    })
    .await;
}

#[tokio::test]
async fn nothing_but_the_second_step_is_open_before_it() {
    each_app(async |app| {
        let maria = app.member("maria@example.com").await;
        let key = turn_on(&app, &maria).await.key;
        let thief = app.browser();
        sign_in(&thief).await;
        for path in ["/account", "/account/second-factor", "/account/export.json", "/admin"] {
            assert!(header(&thief.get(path).send().await.expect("an answer"), "location").starts_with("/login?next="));
        }
        for path in
            ["/api/password", "/api/erase", "/api/second-factor/off", "/api/second-factor/on", "/api/sessions/end"]
        {
            let form = [("current_password", PASSWORD), ("new_password", "another battery staple"), ("code", "000000")];
            let response = thief.post_json(path, &form).send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
        }
        // Guesses wait, and the right code waits too.
        for _ in 0..12 {
            thief.submit("/api/login/code", &[("code", "000000")]).await;
        }
        let right = code(&key, app.db.now() + STEP);
        let response = thief.post_json("/api/login/code", &[("code", &right)]).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(!thief.is_signed_in().await);
        // A new password ends a sign-in that has begun with the old one.
        app.execute(sql("delete from sign_in_failures")).await;
        app.execute(sql("update users set session_epoch = session_epoch + 1")).await;
        assert_eq!(thief.submit("/api/login/code", &[("code", &right)]).await, "/login");
        // Without a first step there is no second one.
        assert_eq!(app.browser().submit("/api/login/code", &[("code", &right)]).await, "/login");
    })
    .await;
}

#[tokio::test]
async fn a_lost_device_takes_a_recovery_code_once_or_the_operator() {
    each_app(async |app| {
        let maria = app.member("maria@example.com").await;
        let codes = turn_on(&app, &maria).await.recovery_codes;
        let phone = app.browser();
        sign_in(&phone).await;
        let form = [("code", codes[3].as_str())];
        assert_eq!(phone.submit("/api/login/code", &form).await, "/account");
        let again = app.browser();
        sign_in(&again).await;
        assert_eq!(again.submit("/api/login/code", &form).await, "/login/code", "once");
        let typed = codes[4].to_uppercase().replace('-', " ");
        assert_eq!(again.submit("/api/login/code", &[("code", &typed)]).await, "/account");
        assert_eq!(app.count("select count(*) from recovery_codes").await, 8);
        assert_eq!(app.count("select count(*) from audit_entries where action = 'recovery_code_used'").await, 2);
        // Off takes both.
        let form = [("current_password", PASSWORD), ("code", "000000")];
        let page = again.submit("/api/second-factor/off", &form).await;
        assert!(again.text(&page).await.contains("This code is wrong"));
        let form = [("current_password", PASSWORD), ("code", codes[5].as_str())];
        again.submit("/api/second-factor/off", &form).await;
        assert_eq!(app.count("select count(*) from second_factors").await, 0);
        app.browser().login("maria@example.com", PASSWORD).await;

        turn_on(&app, &again).await;
        let (id, email): (waymark::id::UserId, String) =
            sql("select id, email from users").fetch_one(&mut app.conn().await).await.expect("a user");
        assert!(waymark::auth::second_factor::reset(&app.db, id, &email).await.expect("reset"));
        assert!(!again.is_signed_in().await, "sessions end");
        assert_eq!(header(&again.login("maria@example.com", PASSWORD).await, "location"), "/account");
    })
    .await;
}

#[tokio::test]
async fn admins_can_be_required_to_have_it() {
    let setup = || Setup { variables: vec![("REQUIRE_SECOND_FACTOR", "admins".into())], ..Setup::default() };
    each_app_with(setup, async |app| {
        let admin = app.admin().await;
        for path in ["/admin", "/admin/users", "/admin/leads.csv"] {
            let response = admin.get(path).send().await.expect("an answer");
            assert_eq!(header(&response, "location"), "/account/second-factor", "{path}");
        }
        let response = admin.post_json("/api/campaign-aliases", &[("alias", "a"), ("campaign", "b")]).send().await;
        assert_eq!(response.expect("an answer").status(), StatusCode::FORBIDDEN);
        assert!(admin.text("/account/second-factor").await.contains("Admins of this site need a second factor."));
        let TurnedOn { key, recovery_codes: codes, .. } = turn_on(&app, &admin).await;
        assert_eq!(admin.open("/admin/users").await, StatusCode::OK);
        // What is dangerous asks for a code too.
        let bob = app.member("bob@example.com").await;
        let id: waymark::id::UserId = sql("select id from users where email = 'bob@example.com'")
            .fetch_scalar(&mut app.conn().await)
            .await
            .expect("a user");
        let id = id.to_string();
        let without = [("id", id.as_str()), ("current_password", PASSWORD)];
        let page = admin.submit("/api/users/disable", &without).await;
        assert!(admin.text(&page).await.contains("This code is wrong"));
        assert!(bob.is_signed_in().await);
        let fresh = code(&key, app.db.now() + STEP);
        admin.submit("/api/users/disable", &[without[0], without[1], ("code", &fresh)]).await;
        assert!(!bob.is_signed_in().await);
        // A token is shown once.
        let form = [("name", "checkout"), ("current_password", PASSWORD), ("code", codes[0].as_str())];
        let page = admin.submit("/api/tokens", &form).await;
        assert!(admin.text(&page).await.contains("value=\"wmk_") && !admin.text(&page).await.contains("wmk_"));
        assert_eq!(app.count("select count(*) from api_tokens where revoked_at is null").await, 1);
        admin.submit("/api/tokens/revoke", &[("name", "checkout")]).await;
        assert_eq!(app.count("select count(*) from api_tokens where revoked_at is null").await, 0);
        assert_eq!(app.count("select count(*) from audit_entries where action like 'api_token_%'").await, 2);
        let _ = ADMIN;
    })
    .await;
}
