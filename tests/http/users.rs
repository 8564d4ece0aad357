//! Users for admins: the list, a user's page, and what admins change. And what users see and end of their own sessions.

use reqwest::StatusCode;
use waymark::{db::sql, id::UserId};

use crate::support::{ADMIN, Browser, CHROME, PASSWORD, TestApp, each_app, header};

async fn id_of(app: &TestApp, email: &str) -> UserId {
    let find = sql("select id from users where email_lower = $1").bind(email);
    find.fetch_scalar(&mut app.conn().await).await.expect("a user")
}

/// Returns the e-mail addresses in the list, in its order.
async fn listed(admin: &Browser, query: &str) -> Vec<String> {
    let page = admin.text(&format!("/admin/users{query}")).await;
    let rows = page.split("<tbody>").nth(1).and_then(|rest| rest.split("</tbody>").next()).unwrap_or_default();
    let titles = rows.split("class=\"cover-link\"").skip(1);
    titles
        .map(|row| row.split('>').nth(1).and_then(|rest| rest.split('<').next()).expect("a name").to_owned())
        .collect()
}

/// Posts a change, and returns the page that the answer leads to.
async fn change(browser: &Browser, path: &str, form: &[(&str, &str)]) -> String {
    let response = browser.post(path, form).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}");
    browser.text(header(&response, "location")).await
}

#[tokio::test]
async fn admins_search_and_filter_users() {
    each_app(async |app| {
        for (email, link) in [
            ("ada@example.com", "/?utm_source=google&utm_medium=cpc&utm_campaign=spring"),
            ("bob@example.org", "/?utm_source=news&utm_medium=email&utm_campaign=letter"),
            ("cleo@example.com", "/"),
        ] {
            let browser = app.browser();
            browser.open(link).await;
            browser.register(email).await;
        }
        // A later touch by another campaign is not the first one.
        let bob = app.browser();
        bob.login("bob@example.org", PASSWORD).await;
        bob.open("/?utm_source=google&utm_medium=cpc&utm_campaign=spring").await;
        let admin = app.admin().await;
        app.execute(sql("update users set disabled_at = 1 where email = 'cleo@example.com'")).await;
        let all = [ADMIN, "cleo@example.com", "bob@example.org", "ada@example.com"];
        for (query, expected) in [
            ("", &all[..]),
            ("?role=admin", &all[..1]),
            ("?role=member&state=active", &all[2..]),
            ("?state=disabled", &all[1..2]),
            ("?state=erased", &[]),
            ("?q=EXAMPLE.ORG", &all[2..3]),
            ("?q=ada", &all[3..]),
            ("?q=nobody", &[]),
            ("?source=google", &all[3..]),
            ("?campaign=letter", &all[2..3]),
            ("?campaign=letter&q=ada", &[]),
            ("?from=2020-01-01&to=2020-12-31", &[]),
            ("?from=2020-01-01", &all),
            ("?before=x", &all),
        ] {
            assert_eq!(listed(&admin, query).await, expected, "{query}");
        }
        let empty = admin.text("/admin/users?q=nobody").await;
        assert!(empty.contains("Nothing matches") && empty.contains("Show all users"), "{empty}");
    })
    .await;
}

#[tokio::test]
async fn pages_of_users_follow_each_other() {
    each_app(async |app| {
        let admin = app.admin().await;
        for n in 0..120 {
            let email = format!("user-{n:03}@example.com");
            let insert = sql(
                "insert into users (id, email, email_lower, password_hash, created_at) values ($1, $2, $2, '!', $3)",
            );
            // Several users of one moment.
            app.execute(insert.bind(UserId::new()).bind(email).bind(i64::from(n / 7))).await;
        }
        let link = |page: &str, rel: &str| {
            let before = page.split(&format!("rel=\"{rel}\"")).next().filter(|before| before.len() < page.len())?;
            let href = before.rsplit("href=\"").next()?.split('"').next()?;
            Some(href.replace("&amp;", "&").trim_start_matches("/admin/users").to_owned())
        };
        for filter in ["", "?q=example"] {
            let (mut seen, mut query) = (Vec::new(), filter.to_owned());
            loop {
                seen.extend(listed(&admin, &query).await);
                match link(&admin.text(&format!("/admin/users{query}")).await, "next") {
                    Some(next) => query = next,
                    None => break,
                }
            }
            let mut sorted = seen.clone();
            sorted.sort();
            sorted.dedup();
            assert_eq!((seen.len(), sorted.len()), (121, 121), "{filter}");
            let back = link(&admin.text(&format!("/admin/users{query}")).await, "prev").expect("a newer page");
            assert_eq!(listed(&admin, &back).await, seen[50..100], "{filter}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_admin_changes_an_account_after_giving_the_password() {
    each_app(async |app| {
        let (admin, bob) = (app.admin().await, app.member("bob@example.com").await);
        let id = id_of(&app, "bob@example.com").await.to_string();
        let id = id.as_str();
        let wrong =
            change(&admin, "/api/users/role", &[("id", id), ("role", "admin"), ("current_password", "no")]).await;
        assert!(
            wrong.contains("This is not your current password.") && wrong.contains("<details open class=\"action\""),
            "{wrong}"
        );
        assert_eq!(bob.open("/admin").await, StatusCode::FORBIDDEN);
        let form = [("id", id), ("role", "admin"), ("current_password", PASSWORD)];
        assert!(change(&admin, "/api/users/role", &form).await.contains("The user is an admin now."));
        assert_eq!(bob.open("/admin").await, StatusCode::OK);
        let form = [("id", id), ("role", "owner"), ("current_password", PASSWORD)];
        assert!(change(&admin, "/api/users/role", &form).await.contains("There is no such role."));
        let form = [("id", id), ("role", "member"), ("current_password", PASSWORD)];
        assert!(change(&admin, "/api/users/role", &form).await.contains("The user is a member now."));
        assert_eq!(bob.open("/admin").await, StatusCode::FORBIDDEN);

        assert!(
            change(&admin, "/api/users/end-sessions", &[("id", id)])
                .await
                .contains("All sessions of the user have ended.")
        );
        assert!(!bob.is_signed_in().await);
        bob.login("bob@example.com", PASSWORD).await;
        let form = [("id", id), ("current_password", PASSWORD)];
        assert!(change(&admin, "/api/users/disable", &form).await.contains("The account is disabled"));
        assert!(!bob.is_signed_in().await);
        bob.login("bob@example.com", PASSWORD).await;
        assert!(!bob.is_signed_in().await, "disabled");
        assert!(change(&admin, "/api/users/enable", &[("id", id)]).await.contains("The account is enabled."));
        bob.login("bob@example.com", PASSWORD).await;
        assert!(bob.is_signed_in().await);
        let page = admin.text(&format!("/admin/users/{id}")).await;
        assert!(page.contains("Chrome on Linux") && page.contains("member → admin"), "{page}");

        assert!(change(&admin, "/api/users/erase", &form).await.contains("The account is closed."));
        assert!(!bob.is_signed_in().await);
        let page = admin.text(&format!("/admin/users/{id}")).await;
        assert!(
            page.contains("Erased user") && !page.contains("bob@example.com") && !page.contains("Your password"),
            "{page}"
        );
        let gone = change(&admin, "/api/users/enable", &[("id", id)]).await;
        assert!(gone.contains("There is no such account any more."), "{gone}");
    })
    .await;
}

#[tokio::test]
async fn admins_do_not_lock_themselves_out() {
    each_app(async |app| {
        let admin = app.admin().await;
        let own = id_of(&app, ADMIN).await.to_string();
        let form = [("id", own.as_str()), ("role", "member"), ("current_password", PASSWORD)];
        for path in ["/api/users/role", "/api/users/disable", "/api/users/erase"] {
            assert!(change(&admin, path, &form).await.contains("This is your own account."), "{path}");
        }
        assert_eq!(admin.open("/admin").await, StatusCode::OK);
        assert!(change(&admin, "/api/users/role", &[("id", "1")]).await.contains("There is no such account."));
        let unknown = UserId::new().to_string();
        let response = admin.post("/api/users/enable", &[("id", &unknown)]).send().await.expect("an answer");
        assert_eq!(header(&response, "location"), format!("/admin/users/{unknown}"));
        assert_eq!(admin.open(&format!("/admin/users/{unknown}")).await, StatusCode::NOT_FOUND);
    })
    .await;
}

/// Returns the keys of the sessions that the account page offers to end.
async fn keys(browser: &Browser) -> Vec<String> {
    let page = browser.text("/account").await;
    let fields = page.split("name=\"key\" value=\"").skip(1);
    fields.map(|rest| rest.split('"').next().expect("a value").to_owned()).collect()
}

#[tokio::test]
async fn users_see_and_end_their_own_sessions_only() {
    each_app(async |app| {
        let (maria, eve) = (app.member("maria@example.com").await, app.member("eve@example.com").await);
        let (phone, tablet) = (app.browser(), app.browser());
        let sign_in = phone.post("/api/login", &[("email", "maria@example.com"), ("password", PASSWORD)]);
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1";
        sign_in.header("user-agent", safari).send().await.expect("an answer");
        tablet.login("maria@example.com", PASSWORD).await;
        let page = maria.text("/account").await;
        assert!(page.contains("Safari on iPhone") && page.matches("This one").count() == 1, "{page} {CHROME}");
        let others = keys(&maria).await;
        assert_eq!((others.len(), keys(&eve).await.len()), (2, 0));

        for key in &others {
            eve.post("/api/sessions/end", &[("key", key)]).send().await.expect("an answer");
        }
        assert!(phone.is_signed_in().await && tablet.is_signed_in().await, "keys of others end nothing");
        let answer = change(&maria, "/api/sessions/end", &[("key", &others[0])]).await;
        assert!(answer.contains("The session has ended."), "{answer}");
        assert_ne!(phone.is_signed_in().await, tablet.is_signed_in().await, "one of the two has ended");
        phone.login("maria@example.com", PASSWORD).await;
        tablet.login("maria@example.com", PASSWORD).await;
        assert!(change(&maria, "/api/sessions/end-others", &[]).await.contains("sessions have ended"));
        assert!(maria.is_signed_in().await && !phone.is_signed_in().await && !tablet.is_signed_in().await);
        assert!(eve.is_signed_in().await);
    })
    .await;
}
