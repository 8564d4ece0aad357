//! Invitations, and a site where accounts are by invitation only.

use reqwest::StatusCode;
use waymark::{db::sql, id::InvitationId};

use crate::{
    provider_server::{MARIA as MARIA_THERE, ProviderServer},
    support::{ADMIN, Browser, PASSWORD, Setup, TestApp, each_app_with, header, with_mail},
};

const MARIA: &str = "maria@example.com";

fn by_invitation() -> Setup {
    let mut setup = with_mail();
    setup.variables.push(("REGISTRATION", "invite".into()));
    setup
}

/// Invites a person as a member, and returns the path of the link.
async fn invite(app: &TestApp, admin: &Browser, email: &str) -> String {
    let form = [("email", email), ("role", "member")];
    assert_eq!(admin.submit("/api/invitations", &form).await, "/admin/users#invitations");
    app.link(email, "/invitation/").await
}

async fn accept(browser: &Browser, link: &str, password: &str) -> String {
    let token = link.rsplit('/').next().expect("a token");
    browser.submit("/api/invitation", &[("token", token), ("new_password", password)]).await
}

async fn id_of_invitation(app: &TestApp) -> String {
    let id: InvitationId =
        sql("select id from invitations").fetch_scalar(&mut app.conn().await).await.expect("an invitation");
    id.to_string()
}

async fn audit(app: &TestApp) -> Vec<String> {
    let rows: Vec<(String, Option<String>, Option<String>)> = sql("select action, target, detail from audit_entries
        where action like '%invit%' order by id")
    .fetch_all(&mut app.conn().await)
    .await
    .expect("entries");
    let line = |(action, target, detail): (String, Option<String>, Option<String>)| {
        [Some(action), target, detail].into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    rows.into_iter().map(line).collect()
}

#[tokio::test]
async fn an_invited_person_has_an_account_with_a_confirmed_address_and_what_brought_them() {
    each_app_with(by_invitation, async |app| {
        let admin = app.admin().await;
        let maria = app.browser();
        maria.open("/?utm_source=news&utm_medium=email&utm_campaign=spring").await;
        let link = invite(&app, &admin, "Maria@example.com").await;
        let response = maria.get(&link).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, "referrer-policy"), "same-origin");
        assert_eq!(header(&response, "cache-control"), "no-store");
        let page = response.text().await.expect("text");
        assert!(page.contains("Create your account") && page.contains("Maria@example.com"), "{page}");
        assert!(!page.contains("data-component=\"Beacon_"), "{page}");
        assert_eq!(app.count("select count(*) from users").await, 1, "opening it changes nothing");
        assert_eq!(accept(&maria, &link, "password").await, link);
        assert!(maria.text(&link).await.contains("field-error"));

        assert_eq!(accept(&maria, &link, PASSWORD).await, "/account");
        assert!(maria.is_signed_in().await);
        assert!(!maria.text("/account").await.contains("Not confirmed"));
        let account = "select count(*) from users where email = 'Maria@example.com' and role = 'member'
            and email_verified_at is not null";
        assert_eq!(app.count(account).await, 1);
        let leads = "select count(*) from lead_sources l join users u on u.id = l.user_id
            where u.email = 'Maria@example.com' and l.source = 'news' and l.landing_path = '/'";
        assert_eq!(app.count(leads).await, 1);
        assert_eq!(app.count("select count(*) from touches").await, 1, "the link is no landing");
        assert_eq!(app.count("select count(*) from conversions where kind = 'signup'").await, 2);
        let admins = "select count(*) from visitors v join users u on u.id = v.user_id where u.role = 'admin'";
        assert_eq!(app.count(admins).await, 1, "the admin's own browser");
        assert_eq!(
            audit(&app).await,
            ["user_invited Maria@example.com member", "invitation_accepted Maria@example.com member"]
        );

        let other = app.browser();
        assert_eq!(other.open(&link).await, StatusCode::GONE, "once");
        assert_eq!(accept(&other, &link, PASSWORD).await, link);
        assert!(!other.is_signed_in().await);
        for table in ["invitations", "one_time_tokens"] {
            assert_eq!(app.count(format!("select count(*) from {table}")).await, 0, "{table}");
        }
    })
    .await;
}

#[tokio::test]
async fn without_an_invitation_nobody_makes_an_account() {
    each_app_with(by_invitation, async |app| {
        let admin = app.admin().await;
        let stranger = app.browser();
        let form = [("email", "eve@example.com"), ("password", PASSWORD)];
        assert_eq!(stranger.status_of("/api/register", &form).await, 403);
        assert_eq!(stranger.submit("/api/register", &form).await, "/register");
        let page = stranger.text("/register").await;
        assert!(page.contains("By invitation only") && !page.contains("/api/register"), "{page}");
        for path in ["/", "/login", "/privacy"] {
            let page = stranger.text(path).await;
            assert!(!page.contains("href=\"/register"), "{path}: {page}");
        }
        assert_eq!(app.count("select count(*) from users").await, 1);
        assert_eq!(app.mails("eve@example.com").await.len(), 0);
        // People who have an account sign in and set a new password as before.
        let link = invite(&app, &admin, MARIA).await;
        accept(&app.browser(), &link, PASSWORD).await;
        assert_eq!(app.browser().login(MARIA, PASSWORD).await.headers()["location"], "/account");
        stranger.submit("/api/forgot", &[("email", MARIA)]).await;
        assert!(app.link(MARIA, "/reset/").await.starts_with("/reset/"));
    })
    .await;
}

#[tokio::test]
async fn a_provider_makes_no_account_for_strangers_and_opens_those_that_are_there() {
    for word in ["github", "google"] {
        let server = ProviderServer::start().await;
        let setup = || {
            let mut setup = server.setup();
            setup.variables.push(("REGISTRATION", "invite".into()));
            setup
        };
        each_app_with(setup, async |app| {
            let come = async |browser: &Browser| {
                let response = browser.get(&format!("/login/{word}")).send().await.expect("an answer");
                let back = server.lets_through(header(&response, "location"), MARIA_THERE);
                let response = browser.get(&back).send().await.expect("an answer");
                header(&response, "location").to_owned()
            };
            let browser = app.browser();
            assert_eq!(come(&browser).await, "/login");
            let page = browser.text("/login").await;
            assert!(page.contains("by invitation only") && !browser.is_signed_in().await, "{page}");
            assert_eq!(app.count("select count(*) from users").await, 0);
            let insert = "insert into users (id, email, email_lower, password_hash, created_at, email_verified_at)
                values ($1, $2, $2, '!', 1, 1)";
            app.execute(sql(insert).bind(waymark::id::UserId::new()).bind(MARIA_THERE.email)).await;
            assert_eq!(come(&browser).await, "/account");
            assert!(browser.is_signed_in().await);
        })
        .await;
    }
}

#[tokio::test]
async fn inviting_an_admin_takes_the_password() {
    each_app_with(with_mail, async |app| {
        let admin = app.admin().await;
        let form = |password| [("email", MARIA), ("role", "admin"), ("current_password", password)];
        assert_eq!(admin.status_of("/api/invitations", &form("")).await, 422);
        assert_eq!(admin.status_of("/api/invitations", &form("wrong horse battery")).await, 422);
        admin.submit("/api/invitations", &form("wrong horse battery")).await;
        let page = admin.text("/admin/users").await;
        assert!(page.contains("This is not your current password.") && page.contains(MARIA), "{page}");
        assert_eq!(app.count("select count(*) from invitations").await, 0);
        assert_eq!(admin.status_of("/api/invitations", &form(PASSWORD)).await, 200);
        let link = app.link(MARIA, "/invitation/").await;
        let mail = app.mails(MARIA).await.remove(0);
        assert!(mail.text.contains("administrator too"), "{mail:?}");
        let maria = app.browser();
        accept(&maria, &link, PASSWORD).await;
        assert_eq!(maria.open("/admin/users").await, StatusCode::OK);
        assert!(audit(&app).await.contains(&format!("invitation_accepted {MARIA} admin")));
        assert_eq!(admin.status_of("/api/invitations", &[("email", "x@example.com"), ("role", "owner")]).await, 422);
    })
    .await;
}

#[tokio::test]
async fn an_invitation_ends_when_it_is_revoked_expires_or_its_admin_is_shut_out() {
    each_app_with(with_mail, async |app| {
        let admin = app.admin().await;
        let dead = async |link: &str, why: &str| {
            assert_eq!(app.browser().open(link).await, StatusCode::GONE, "{why}");
            assert_eq!(accept(&app.browser(), link, PASSWORD).await, link, "{why}");
            assert_eq!(app.count("select count(*) from users").await, 1, "{why}");
        };
        let link = invite(&app, &admin, MARIA).await;
        let page = admin.text("/admin/users").await;
        assert!(page.contains("Until ") && page.contains("/api/invitations/revoke"), "{page}");
        for (change, back, why) in [
            ("disabled_at = 1", "disabled_at = null", "the admin is disabled"),
            ("role = 'member'", "role = 'admin'", "the admin is no admin any more"),
        ] {
            app.execute(sql(format!("update users set {change}"))).await;
            dead(&link, why).await;
            app.execute(sql(format!("update users set {back}"))).await;
        }
        assert_eq!(app.browser().open(&link).await, StatusCode::OK);
        app.execute(sql("update one_time_tokens set expires_at = 1")).await;
        app.execute(sql("update invitations set expires_at = 1")).await;
        dead(&link, "it has expired").await;
        assert!(admin.text("/admin/users").await.contains("Expired "));

        let id = id_of_invitation(&app).await;
        app.execute(sql("update invitations set role = 'admin'")).await;
        assert_eq!(admin.status_of("/api/invitations/resend", &[("id", &id)]).await, 422, "takes the password");
        app.execute(sql("update invitations set role = 'member'")).await;
        // Mails that a stranger causes keep no invitation away.
        for _ in 0..6 {
            app.browser().submit("/api/forgot", &[("email", MARIA)]).await;
        }
        admin.submit("/api/invitations/resend", &[("id", &id)]).await;
        assert!(admin.text("/admin/users").await.contains("is on its way again"));
        let again = app.link(MARIA, "/invitation/").await;
        assert_ne!(again, link);
        assert_eq!(app.browser().open(&again).await, StatusCode::OK);
        admin.submit("/api/invitations/revoke", &[("id", &id)]).await;
        dead(&again, "it is revoked").await;
        let page = admin.text("/admin/users").await;
        assert!(page.contains("is revoked") && !page.contains("/api/invitations/revoke"), "{page}");
        for path in ["/api/invitations/resend", "/api/invitations/revoke"] {
            for id in [id.as_str(), "x", ""] {
                assert_eq!(admin.status_of(path, &[("id", id)]).await, 422, "{path} {id}");
            }
        }
        let entries = ["user_invited {} member", "user_invited {} member, sent again", "invitation_revoked {}"]
            .map(|e| e.replace("{}", MARIA));
        assert_eq!(audit(&app).await, entries);
    })
    .await;
}

#[tokio::test]
async fn an_address_with_an_account_is_told_and_loses_nothing() {
    each_app_with(with_mail, async |app| {
        let admin = app.admin().await;
        assert_eq!(admin.status_of("/api/invitations", &[("email", ADMIN), ("role", "member")]).await, 422);
        assert_eq!(admin.status_of("/api/invitations", &[("email", "nobody"), ("role", "member")]).await, 422);
        admin.submit("/api/invitations", &[("email", " Admin@Example.com"), ("role", "member")]).await;
        assert!(admin.text("/admin/users").await.contains("There is an account with this e-mail address already."));
        let link = invite(&app, &admin, MARIA).await;
        // Meanwhile Maria signs up by herself.
        let maria = app.browser();
        maria.submit("/api/register", &[("email", "MARIA@example.com"), ("password", PASSWORD)]).await;
        let page = maria.text(&link).await;
        assert!(page.contains("You have an account") && page.contains("/forgot"), "{page}");
        let token = link.rsplit('/').next().expect("a token");
        let form = [("token", token), ("new_password", "another horse battery")];
        assert_eq!(app.browser().status_of("/api/invitation", &form).await, 422);
        assert_eq!(app.browser().login(MARIA, PASSWORD).await.headers()["location"], "/account");
        assert!(admin.text("/admin/users").await.contains("Has an account"));
        let id = id_of_invitation(&app).await;
        assert_eq!(admin.status_of("/api/invitations/resend", &[("id", &id)]).await, 422);
        // Her erasure takes the invitation along.
        let erased = maria.login(MARIA, PASSWORD).await;
        assert_eq!(erased.status(), StatusCode::SEE_OTHER);
        maria.submit("/api/erase", &[("current_password", PASSWORD)]).await;
        for table in ["invitations", "one_time_tokens where purpose = 'invite'"] {
            assert_eq!(app.count(format!("select count(*) from {table}")).await, 0, "{table}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_has_one_invitation_and_gets_few_mails() {
    each_app_with(with_mail, async |app| {
        let admin = app.admin().await;
        let links = [invite(&app, &admin, MARIA).await, invite(&app, &admin, "Maria@Example.com").await];
        assert_eq!(app.count("select count(*) from invitations").await, 1);
        for link in &links {
            assert_eq!(app.browser().open(link).await, StatusCode::OK);
        }
        let (one, other) = (app.browser(), app.browser());
        let (left, right) = tokio::join!(accept(&one, &links[0], PASSWORD), accept(&other, &links[1], PASSWORD));
        assert_ne!(left == "/account", right == "/account", "{left} {right}");
        assert_eq!(app.count("select count(*) from users").await, 2);
        assert_eq!(app.browser().login(MARIA, PASSWORD).await.headers()["location"], "/account");

        let form = [("email", "nora@example.com"), ("role", "member")];
        for n in 0..5 {
            assert_eq!(admin.status_of("/api/invitations", &form).await, 200, "{n}");
        }
        assert_eq!(admin.status_of("/api/invitations", &form).await, 422);
        assert_eq!(app.mails("nora@example.com").await.len(), 5);
    })
    .await;
}

#[tokio::test]
async fn without_mail_the_page_says_why_nobody_can_be_invited() {
    let setup = || {
        let variables = vec![("LEPTOS_ENV", "PROD".into()), ("REGISTRATION", "invite".into())];
        Setup { variables, ..Setup::default() }
    };
    each_app_with(setup, async |app| {
        let admin = app.admin().await;
        let page = admin.text("/admin/users").await;
        assert!(page.contains("this server sends none") && !page.contains("/api/invitations"), "{page}");
        for path in ["/api/invitations", "/api/invitations/resend", "/api/invitations/revoke", "/api/invitation"] {
            assert_eq!(admin.status_of(path, &[("email", MARIA), ("role", "member")]).await, 404, "{path}");
        }
        assert_eq!(app.browser().open("/invitation/AAAAAAAAAAAAAAAAAAAAAA").await, StatusCode::NOT_FOUND);
    })
    .await;
}
