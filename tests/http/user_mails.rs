//! The links that admins send to users, and accounts whose address nobody has confirmed.

use waymark::{db::sql, id::UserId};

use crate::support::{ADMIN, Browser, PASSWORD, Setup, TestApp, each_app_with, with_mail};

const MARIA: &str = "maria@example.com";

async fn id_of(app: &TestApp, email: &str) -> String {
    let find = sql("select id from users where email_lower = $1").bind(email);
    let id: UserId = find.fetch_scalar(&mut app.conn().await).await.expect("a user");
    id.to_string()
}

async fn status(browser: &Browser, path: &str, id: &str) -> u16 {
    browser.post_json(path, &[("id", id)]).send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn an_admin_sends_a_user_a_link() {
    each_app_with(with_mail, async |app| {
        let maria = app.browser();
        maria.submit("/api/register", &[("email", MARIA), ("password", PASSWORD)]).await;
        maria.login(MARIA, PASSWORD).await;
        let (admin, id) = (app.admin().await, id_of(&app, MARIA).await);
        let page = format!("/admin/users/{id}");
        let text = admin.text(&page).await;
        assert!(text.contains("Not confirmed") && text.contains("Unverified"), "{text}");

        let first = app.link(MARIA, "/verify/").await;
        assert_eq!(admin.submit("/api/users/send-verification", &[("id", &id)]).await, page);
        assert!(admin.text(&page).await.contains("is on its way to the user"));
        let link = app.link(MARIA, "/verify/").await;
        assert_ne!(link, first);
        let token = |link: &str| link.rsplit('/').next().expect("a token").to_owned();
        maria.submit("/api/verify", &[("token", &token(&link))]).await;
        let text = admin.text(&page).await;
        assert!(text.contains("Confirmed ") && !text.contains("send-verification"), "{text}");
        assert_eq!(status(&admin, "/api/users/send-verification", &id).await, 422, "it is confirmed");

        assert_eq!(admin.submit("/api/users/send-reset", &[("id", &id)]).await, page);
        let link = app.link(MARIA, "/reset/").await;
        app.browser().submit("/api/reset", &[("token", &token(&link)), ("new_password", "a new horse battery")]).await;
        assert_eq!(app.browser().login(MARIA, "a new horse battery").await.headers()["location"], "/account");
        let by_admin = "select count(*) from visitors v join users u on u.id = v.user_id where u.role = 'admin'";
        assert_eq!(app.count(by_admin).await, 1, "the admin's browser stays the admin's");
        let entries: Vec<(String,)> =
            sql("select actor_email || ' → ' || target || ' ' || detail from audit_entries where action = 'link_sent' order by id")
                .fetch_all(&mut app.conn().await)
                .await
                .expect("entries");
        let entries: Vec<String> = entries.into_iter().map(|(entry,)| entry).collect();
        let expected = ["to confirm the address", "to set a password"].map(|what| format!("{ADMIN} → {MARIA} {what}"));
        assert_eq!(entries, expected);
    })
    .await;
}

#[tokio::test]
async fn these_links_have_the_limits_of_those_that_users_ask_for() {
    each_app_with(with_mail, async |app| {
        app.browser().submit("/api/register", &[("email", MARIA), ("password", PASSWORD)]).await;
        let (admin, id) = (app.admin().await, id_of(&app, MARIA).await);
        for n in 0..4 {
            assert_eq!(status(&admin, "/api/users/send-reset", &id).await, 200, "{n}");
        }
        assert_eq!(status(&admin, "/api/users/send-reset", &id).await, 429, "the address got five mails");
        assert_eq!(app.mails(MARIA).await.len(), 5);
        app.execute(sql("update users set disabled_at = 1 where email = 'maria@example.com'")).await;
        assert_eq!(status(&admin, "/api/users/send-reset", &id).await, 422, "the account is disabled");
        assert!(!admin.text(&format!("/admin/users/{id}")).await.contains("send-reset"));
        for unknown in [UserId::new().to_string().as_str(), "x", ""] {
            assert_eq!(status(&admin, "/api/users/send-reset", unknown).await, 422, "{unknown}");
        }
    })
    .await;
}

#[tokio::test]
async fn unverified_accounts_are_shown_and_found() {
    each_app_with(with_mail, async |app| {
        app.browser().submit("/api/register", &[("email", MARIA), ("password", PASSWORD)]).await;
        let admin = app.admin().await;
        for (query, maria, others) in
            [("?state=unverified", true, false), ("?state=active", true, true), ("", true, true)]
        {
            let page = admin.text(&format!("/admin/users{query}")).await;
            let rows = page.split("<tbody>").nth(1).and_then(|rest| rest.split("</tbody>").next()).expect("rows");
            assert_eq!((rows.contains(MARIA), rows.contains(ADMIN)), (maria, others), "{query}");
            assert!(rows.contains("Unverified"), "{query}: {rows}");
        }
        app.execute(sql("update users set disabled_at = 1 where email = 'maria@example.com'")).await;
        assert!(admin.text("/admin/users?state=unverified").await.contains("Nothing matches"));
    })
    .await;
}

#[tokio::test]
async fn without_mail_no_link_is_offered() {
    let setup = || Setup { variables: vec![("LEPTOS_ENV", "PROD".into())], ..Setup::default() };
    each_app_with(setup, async |app| {
        app.member(MARIA).await;
        let (admin, id) = (app.admin().await, id_of(&app, MARIA).await);
        assert!(!admin.text(&format!("/admin/users/{id}")).await.contains("/api/users/send"));
        for path in ["/api/users/send-reset", "/api/users/send-verification"] {
            assert_eq!(status(&admin, path, &id).await, 404, "{path}");
        }
    })
    .await;
}
