//! Which pages and server functions an anonymous visitor, a member and an admin may use.

use leptos::server_fn::axum::server_fn_paths;
use leptos_axum::generate_route_list;
use reqwest::{Method, StatusCode};
use waymark::{
    app::App,
    db::sql,
    id::{TouchId, UserId},
};

use crate::support::{Browser, PASSWORD, TestApp, each_app, header, raw_request, session_cookie};

/// Texts that only admins may read. A page of anyone else must not have them.
const CAMPAIGN: &str = "undisclosed-campaign";
const MEMBER: &str = "undisclosed@example.com";

/// Creates a member who came by a campaign, and returns all admin paths.
async fn admin_paths(app: &TestApp) -> Vec<String> {
    let member = app.browser();
    member.open(&format!("/?utm_source=news&utm_medium=email&utm_campaign={CAMPAIGN}")).await;
    member.register(MEMBER).await;
    let (lead, user): (TouchId, UserId) =
        sql("select id, user_id from lead_sources").fetch_one(&mut app.conn().await).await.expect("a lead");
    let pages = generate_route_list(App).into_iter().map(|route| route.path().to_owned());
    let ids = |path: String| match path.contains("/users/") {
        true => path.replace("{id}", &user.to_string()),
        false => path.replace("{id}", &lead.to_string()),
    };
    let pages: Vec<String> = pages.filter(|path| path.starts_with("/admin")).map(ids).collect();
    assert!(pages.len() >= 6 && !pages.iter().any(|path| path.contains(['{', ':'])), "{pages:?}");
    pages
        .into_iter()
        .chain(["leads", "campaigns", "conversions", "models"].map(|file| format!("/admin/{file}.csv")))
        .collect()
}

fn assert_shows_nothing(who: &str, path: &str, text: &str) {
    for secret in [CAMPAIGN, MEMBER] {
        assert!(!text.contains(secret), "{who} reads {secret} at {path}: {text}");
    }
}

#[tokio::test]
async fn admin_pages_and_files_are_for_admins() {
    each_app(async |app| {
        let paths = admin_paths(&app).await;
        let (anonymous, member, admin) = (app.browser(), app.member("bob@example.com").await, app.admin().await);
        let mut shown = String::new();
        for path in &paths {
            let response = admin.get(path).send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            shown += &response.text().await.expect("text");

            for path in [path.clone(), format!("{path}/"), format!("{path}?from=2020-01-01&x=1")] {
                let response = anonymous.get(&path).send().await.expect("an answer");
                assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}");
                assert!(header(&response, "location").starts_with("/login?next=%2Fadmin"), "{path}");
                assert_shows_nothing("anonymous", &path, &response.text().await.expect("text"));

                let response = member.get(&path).send().await.expect("an answer");
                assert_eq!((response.status(), header(&response, "location")), (StatusCode::FORBIDDEN, ""), "{path}");
                let text = response.text().await.expect("text");
                assert!(text.contains("This page is not for your account"), "{path}");
                assert_shows_nothing("a member", &path, &text);
            }
        }
        assert!(shown.contains(CAMPAIGN) && shown.contains(MEMBER), "admins do see it");
    })
    .await;
}

#[tokio::test]
async fn no_method_opens_an_admin_path() {
    each_app(async |app| {
        let paths = admin_paths(&app).await;
        let (anonymous, member) = (app.browser(), app.member("bob@example.com").await);
        for path in &paths {
            for method in
                [Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS, Method::TRACE]
            {
                for (who, browser) in [("anonymous", &anonymous), ("a member", &member)] {
                    let request = browser.client.request(method.clone(), format!("{}{path}", app.url));
                    let response = request.send().await.expect("an answer");
                    let closed = [StatusCode::SEE_OTHER, StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
                    assert!(closed.contains(&response.status()), "{who} {method} {path}: {}", response.status());
                    assert_shows_nothing(who, path, &response.text().await.expect("text"));
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn no_spelling_of_an_address_goes_round_the_guard() {
    each_app(async |app| {
        admin_paths(&app).await;
        app.member("bob@example.com").await;
        let member = app.browser().login("bob@example.com", PASSWORD).await;
        let member = format!("Cookie: {}\r\n", session_cookie(&member).expect("a cookie"));
        let admin = app.admin().await.login(crate::support::ADMIN, PASSWORD).await;
        let admin = format!("Cookie: {}\r\n", session_cookie(&admin).expect("a cookie"));
        let spellings = [
            "/admin",
            "/admin/",
            "/admin//",
            "//admin",
            "///admin",
            "/./admin",
            "/admin/.",
            "/admin/../admin",
            "/x/../admin",
            "/%61dmin",
            "/%61%64%6d%69%6e",
            "/admin%2f",
            "/admin%2Fleads",
            "%2fadmin",
            "/%2fadmin",
            "/ADMIN",
            "/Admin",
            "/admin;x=1",
            "/admin.html",
            "/admin%00",
            "/admin%20",
            "/admin%09",
            "/\\admin",
            "/admin\\leads",
            "/admin//leads",
            "//admin//leads",
            "/admin/%6ceads",
            "/admin/leads/",
            "/admin/leads//",
            "/admin/leads.csv/",
            "/admin/leads%2ecsv",
            "/admin//leads.csv",
            "//x/admin",
            "//x/admin/leads",
            "//x/admin/leads.csv",
            "/login/../admin",
            "/pkg/../admin",
            "/pkg/..%2fadmin",
            "/r/..%2f..%2fadmin",
            "/?/admin",
            "/#/admin",
            "http://x/admin",
            "http://x//admin/leads",
        ];
        let mut shown = 0;
        for target in spellings {
            for (who, cookie) in [("anonymous", ""), ("a member", member.as_str())] {
                let answer = raw_request(&app.url, "GET", target, cookie).await;
                assert_shows_nothing(who, target, &answer);
                let status = answer.get(9..12).unwrap_or_default();
                let closed = ["303", "308", "400", "403", "404"].contains(&status);
                let elsewhere = status == "200" && !answer.contains("/admin/leads.csv");
                assert!(closed || elsewhere, "{who} {target}: {answer}");
            }
            shown += usize::from(raw_request(&app.url, "GET", target, &admin).await.contains(CAMPAIGN));
        }
        assert!(shown > 0, "the spellings mean something");
    })
    .await;
}

/// Returns what a request could have changed: numbers of rows, of disabled links, and of ended sessions. Failed sign-ins are
/// left out, because everyone's are stored.
async fn rows(app: &TestApp) -> Vec<i64> {
    let mut rows = Vec::new();
    for table in [
        "users",
        "tower_sessions",
        "visitors",
        "touches",
        "referral_tokens",
        "referrals",
        "api_tokens",
        "second_factors",
        "projects",
        "invitations",
        "queued_jobs",
    ] {
        rows.push(app.count(format!("select count(*) from {table}")).await);
    }
    rows.push(app.count("select count(*) from referral_tokens where disabled_at is not null").await);
    rows.push(app.count("select count(*) from users where role = 'admin' or disabled_at is not null").await);
    rows.push(app.count("select cast(sum(session_epoch) as bigint) from users").await);
    rows
}

/// Calls a server function with every field filled in that an attacker could know.
async fn call(browser: &Browser, path: &str, method: &Method, user: UserId) -> reqwest::Response {
    let id = user.to_string();
    let form = [
        ("campaign", "c"),
        ("landing_path", "/"),
        ("expires_at", ""),
        ("token", "abcdefghijkm"),
        ("id", id.as_str()),
        ("role", "admin"),
        ("name", "checkout"),
        ("key", "1"),
        ("current_password", PASSWORD),
        ("email", "invited@example.com"),
    ];
    let request = match *method {
        Method::GET => browser.get(path).header("accept", "application/json"),
        _ => browser.post_json(path, &form),
    };
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn server_functions_that_are_not_for_everyone_refuse_everyone_else() {
    // A function that is in neither list is for admins.
    const FOR_EVERYONE: [&str; 11] = [
        "/api/login",
        "/api/login/code",
        "/api/register",
        "/api/logout",
        "/api/forgot",
        "/api/reset",
        "/api/verify",
        "/api/login/link",
        "/api/login/token",
        "/api/email/confirm",
        "/api/invitation",
    ];
    const FOR_MEMBERS: &[&str] = &[
        "/api/disconnect",
        "/api/email",
        "/api/verify/send",
        "/api/password",
        "/api/erase",
        "/api/sessions/end",
        "/api/sessions/end-others",
        "/api/second-factor/begin",
        "/api/second-factor/on",
        "/api/second-factor/off",
        "/api/second-factor/codes",
        "/api/projects",
        "/api/projects/delete",
    ];
    each_app(async |app| {
        app.member("eve@example.com").await;
        let (eve,): (UserId,) = sql("select id from users").fetch_one(&mut app.conn().await).await.expect("a user");
        let (anonymous, member) = (app.browser(), app.member("bob@example.com").await);
        member.open("/account").await;
        let tokens = "insert into referral_tokens (token, created_at) values ('abcdefghijkm', 1)";
        app.execute(sql(tokens)).await;
        let before = rows(&app).await;
        let functions: Vec<(&str, Method)> = server_fn_paths().collect();
        for known in FOR_EVERYONE.iter().chain(FOR_MEMBERS) {
            assert!(functions.iter().any(|(path, _)| path == known), "{known} in {functions:?}");
        }
        let mut for_admins = 0;
        for (path, method) in functions {
            assert_eq!(method, Method::POST, "{path} would write on GET");
            if FOR_EVERYONE.contains(&path) {
                continue;
            }
            let response = call(&anonymous, path, &method, eve).await;
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
            let plain = anonymous.post(path, &[("campaign", "c")]).send().await.expect("an answer");
            assert_eq!(plain.status(), StatusCode::SEE_OTHER, "{path}");
            assert!(header(&plain, "location").starts_with("/login?next=%2F"), "{path}");
            if !FOR_MEMBERS.contains(&path) {
                for_admins += 1;
                assert_eq!(call(&member, path, &method, eve).await.status(), StatusCode::FORBIDDEN, "{path}");
                let plain = member.post(path, &[("campaign", "c")]).send().await.expect("an answer");
                assert_eq!((plain.status(), header(&plain, "location")), (StatusCode::FORBIDDEN, ""), "{path}");
            }
        }
        assert!(for_admins >= 2, "there are some");
        assert_eq!(rows(&app).await, before, "nothing changed");
    })
    .await;
}

#[tokio::test]
async fn an_admin_makes_and_disables_links() {
    each_app(async |app| {
        let admin = app.admin().await;
        let response = admin.post("/api/referral-tokens", &[("campaign", "Partner"), ("landing_path", "/register")]);
        assert_eq!(header(&response.send().await.expect("an answer"), "location"), "/admin/referrals");
        let token: String =
            sql("select token from referral_tokens").fetch_scalar(&mut app.conn().await).await.expect("one link");
        assert!(admin.text("/admin/referrals").await.contains(&format!("The link /r/{token} was created.")));
        admin.post("/api/referral-tokens/disable", &[("token", &token)]).send().await.expect("an answer");
        assert_eq!(app.count("select count(*) from referral_tokens where disabled_at is not null").await, 1);
    })
    .await;
}

#[tokio::test]
async fn nobody_makes_oneself_an_admin() {
    each_app(async |app| {
        let browser = app.browser();
        let form = [
            ("email", "eve@example.com"),
            ("password", PASSWORD),
            ("role", "admin"),
            ("is_admin", "true"),
            ("user[role]", "admin"),
            ("id", "00000000-0000-0000-0000-000000000000"),
            ("user_id", "00000000-0000-0000-0000-000000000000"),
            ("session_epoch", "9"),
            ("lead_id", "1"),
        ];
        let response = browser.post("/api/register", &form).send().await.expect("an answer");
        assert_eq!(header(&response, "location"), "/account");
        assert_eq!(app.count("select count(*) from users where role = 'member' and session_epoch = 0").await, 1);
        browser.post("/api/login", &form).send().await.expect("an answer");
        assert_eq!(browser.open("/admin").await, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn who_is_no_admin_any_more_is_none_with_the_next_request() {
    each_app(async |app| {
        let admin = app.admin().await;
        assert_eq!(admin.open("/admin").await, StatusCode::OK);
        app.execute(sql("update users set role = 'member'")).await;
        assert_eq!(admin.open("/admin").await, StatusCode::FORBIDDEN);
        assert_eq!(
            call(&admin, "/api/referral-tokens", &Method::POST, UserId::new()).await.status(),
            StatusCode::FORBIDDEN
        );
    })
    .await;
}
