//! The frame of the admin pages, and the message that replaces a page that fails.

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::get,
};
use leptos::prelude::provide_context;
use reqwest::StatusCode;
use uuid::Uuid;
use waymark::{app::shell, db::sql, state::AppState};

use crate::support::{Setup, each_app, each_app_with};

/// Returns the links of the menu, and whether each is the current page.
fn menu(page: &str) -> Vec<(String, bool)> {
    let menu = page.split("aria-label=\"Dashboard\"").nth(1).and_then(|rest| rest.split("</nav>").next());
    let links = menu.expect("a menu").split("<a href=\"").skip(1);
    links
        .map(|link| (link.split('"').next().expect("an address").to_owned(), link.contains("aria-current=\"page\"")))
        .collect()
}

#[tokio::test]
async fn each_page_is_marked_in_the_menu() {
    each_app(async |app| {
        let admin = app.admin().await;
        let links = menu(&admin.text("/admin").await);
        assert!(links.len() >= 8, "{links:?}");
        for (path, _) in links {
            let page = admin.text(&path).await;
            let current: Vec<_> =
                menu(&page).into_iter().filter(|(_, current)| *current).map(|(link, _)| link).collect();
            assert_eq!(current, std::slice::from_ref(&path));
            let heading = page.split("<h1>").nth(1).and_then(|rest| rest.split("</h1>").next()).expect("a heading");
            assert!(page.contains(&format!("<title>{heading} · Waymark</title>")), "{path}: {heading}");
        }
        let campaign = menu(&admin.text("/admin?campaign=spring").await);
        assert!(campaign.contains(&("/admin/campaigns".to_owned(), true)), "{campaign:?}");
    })
    .await;
}

/// The test uses several threads, because Leptos passes an error on through a hook of the thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_page_that_cannot_be_made_says_why() {
    each_app(async |app| {
        let admin = app.admin().await;
        let id = Uuid::now_v7();
        for path in [format!("/admin/leads/{id}"), format!("/admin/users/{id}"), "/admin/leads/x".to_owned()] {
            let response = admin.get(&path).send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            let page = response.text().await.expect("text");
            assert!(page.contains("<title>There is no page here · Waymark</title>"), "{page}");
            let section = path.split('/').take(3).collect::<Vec<_>>().join("/");
            assert!(menu(&page).contains(&(section, true)), "{page}");
        }
        app.execute(sql("drop table referrals")).await;
        let requests = (0..20).map(async |_| {
            let response = admin.get("/admin/referrals").send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            let page = response.text().await.expect("text");
            assert!(page.contains("The database does not answer"), "{page}");
            assert!(page.contains("<title>Not available right now · Waymark</title>"), "{page}");
        });
        futures::future::join_all(requests).await;
    })
    .await;
}

/// Renders `/elsewhere/admin/leads` as `/admin/leads`, past the layer in front of `/admin`.
fn elsewhere() -> Setup {
    let render = async |State(state): State<AppState>, mut request: Request| -> Response {
        let target = request.uri().to_string().replacen("/elsewhere", "", 1);
        *request.uri_mut() = target.parse().expect("an address");
        let options = state.options.clone();
        let context = move || provide_context(state.clone());
        leptos_axum::render_app_async_with_context(context, move || shell(options.clone()))(request).await
    };
    Setup { routes: Router::new().route("/elsewhere/{*path}", get(render)), ..Setup::default() }
}

#[tokio::test]
async fn pages_are_for_admins_wherever_they_are_mounted() {
    each_app_with(elsewhere, async |app| {
        let (anonymous, member, admin) = (app.browser(), app.member("bob@example.com").await, app.admin().await);
        for path in ["/elsewhere/admin", "/elsewhere/admin/leads", "/elsewhere/admin/conversions"] {
            assert_eq!(admin.open(path).await, StatusCode::OK, "{path}");
            for browser in [&anonymous, &member] {
                let response = browser.get(path).send().await.expect("an answer");
                assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
                let page = response.text().await.expect("text");
                assert!(page.contains("This page is not for your account") && !page.contains("Dashboard"), "{page}");
            }
        }
    })
    .await;
}
