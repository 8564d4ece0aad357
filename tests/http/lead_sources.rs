//! Sentinel values: a handler puts `utm_medium` and `utm_source` into the session, and the layer makes a lead of them, as the
//! README of django-utm-tracker shows.

use std::sync::Arc;

use axum::{Json, Router, extract::Path, response::Redirect, routing::get};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tower_sessions::Session;
use waymark::{attribution::capture::lead_source_layer::SENTINELS, db::sql};

use crate::support::{Browser, Setup, TestApp, each_app_with};

/// Returns the values that a test's handler seeds.
fn seeds(what: &str) -> Value {
    match what {
        "both" => json!({ "utm_medium": "Partner ", "utm_source": "ACME" }),
        "all" => json!({
            "utm_medium": "partner", "utm_source": "acme", "utm_campaign": "Fair 2026", "utm_term": "stand 7", "utm_content": "poster"
        }),
        "medium" => json!({ "utm_medium": "partner" }),
        "source" => json!({ "utm_source": "acme", "utm_campaign": "fair" }),
        "numbers" => json!({ "utm_medium": 1, "utm_source": 2 }),
        "lists" => json!({ "utm_medium": ["partner"], "utm_source": ["acme"] }),
        "nulls" => json!({ "utm_medium": null, "utm_source": null }),
        "empty" => json!({ "utm_medium": " ", "utm_source": "" }),
        "half" => json!({ "utm_medium": "partner", "utm_source": "\u{0}" }),
        "odd" => json!({ "utm_medium": "partner", "utm_source": "acme", "utm_campaign": 7, "utm_term": "\u{0}" }),
        other => panic!("{other}"),
    }
}

async fn seed(session: Session, Path(what): Path<String>) -> Redirect {
    for (name, value) in seeds(&what).as_object().expect("an object") {
        session.insert_value(name, value.clone()).await.expect("a session");
    }
    Redirect::to("/")
}

async fn left(session: Session) -> Json<Vec<&'static str>> {
    let mut left = Vec::new();
    for name in SENTINELS {
        if session.get_value(name).await.expect("a session").is_some() {
            left.push(name);
        }
    }
    Json(left)
}

fn setup() -> Setup {
    let both = Arc::new(Barrier::new(2));
    let meet = move || {
        let both = both.clone();
        async move {
            both.wait().await;
        }
    };
    let routes = Router::new().route("/seed/{what}", get(seed)).route("/left", get(left)).route("/meet", get(meet));
    Setup { routes, ..Setup::default() }
}

async fn left_in(browser: &Browser) -> Vec<String> {
    browser.get("/left").send().await.expect("an answer").json().await.expect("JSON")
}

type Lead = (String, String, Option<String>, Option<String>, Option<String>, String, i64);

async fn leads(app: &TestApp) -> Vec<Lead> {
    sql("select medium, source, campaign, term, content, landing_path, hits from lead_sources order by id")
        .fetch_all(&mut app.conn().await)
        .await
        .expect("rows")
}

fn lead(medium: &str, source: &str, rest: [Option<&str>; 3], path: &str) -> Lead {
    let [campaign, term, content] = rest.map(|value| value.map(str::to_owned));
    (medium.into(), source.into(), campaign, term, content, path.into(), 1)
}

#[tokio::test]
async fn an_anonymous_visitor_is_seeded_and_signs_up() {
    each_app_with(setup, async |app| {
        let browser = app.browser();
        assert_eq!(browser.open("/seed/both").await, StatusCode::SEE_OTHER);
        assert_eq!(app.count("select count(*) from touches").await, 1, "in the same response");
        assert_eq!(left_in(&browser).await, [""; 0], "the values are gone");
        browser.open("/").await;
        browser.register("maria@example.com").await;
        browser.open("/").await;
        // The values are cleaned like those of a query.
        assert_eq!(leads(&app).await, [lead("partner", "acme", [None; 3], "/seed/both")]);
    })
    .await;
}

#[tokio::test]
async fn a_member_is_seeded() {
    each_app_with(setup, async |app| {
        let browser = app.member("maria@example.com").await;
        browser.open("/seed/all").await;
        let all = lead("partner", "acme", [Some("fair 2026"), Some("stand 7"), Some("poster")], "/seed/all");
        assert_eq!(leads(&app).await, [all]);
        assert_eq!(left_in(&browser).await, [""; 0]);
        assert!(browser.is_signed_in().await);
        // Values that are not text are left out.
        browser.open("/seed/odd").await;
        assert_eq!(leads(&app).await[1], lead("partner", "acme", [None; 3], "/seed/odd"));
        assert_eq!(left_in(&browser).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn half_a_lead_source_and_what_is_no_text_are_nothing() {
    each_app_with(setup, async |app| {
        for what in ["medium", "source", "numbers", "lists", "nulls", "empty", "half"] {
            let browser = app.browser();
            assert_eq!(browser.open(&format!("/seed/{what}")).await, StatusCode::SEE_OTHER, "{what}");
            browser.register(&format!("{what}@example.com")).await;
            assert_eq!(browser.open("/").await, StatusCode::OK, "{what}");
            assert_eq!(app.count("select count(*) from touches").await, 0, "{what}");
        }
        // The source may come in a later request than the medium.
        let browser = app.browser();
        browser.open("/seed/medium").await;
        browser.open("/seed/source").await;
        browser.register("later@example.com").await;
        assert_eq!(leads(&app).await, [lead("partner", "acme", [Some("fair"), None, None], "/seed/source")]);
    })
    .await;
}

#[tokio::test]
async fn a_robot_that_reaches_the_handler_is_the_handlers_business_and_a_visitor_without_seeds_is_nobodys() {
    each_app_with(setup, async |app| {
        let browser = app.browser();
        browser.open("/left").await;
        assert_eq!(app.count("select count(*) from tower_sessions").await, 0);
        browser
            .client
            .get(format!("{}/seed/both", app.url))
            .header("user-agent", "curl/8")
            .send()
            .await
            .expect("an answer");
        assert_eq!(app.count("select count(*) from touches").await, 1);
    })
    .await;
}

#[tokio::test]
async fn two_requests_at_once_make_one_touch_of_what_both_find() {
    each_app_with(setup, async |app| {
        let browser = app.member("maria@example.com").await;
        // The session is as after a request in which the database failed.
        app.edit_sessions(|record| {
            record.data.extend(seeds("all").as_object().expect("an object").clone());
        })
        .await;
        let (one, other) = tokio::join!(browser.open("/meet"), browser.open("/meet"));
        assert_eq!((one, other), (StatusCode::OK, StatusCode::OK));
        let leads = leads(&app).await;
        assert_eq!((leads.len(), leads[0].6), (1, 2), "one touch, seen twice: {leads:?}");
        assert_eq!(left_in(&browser).await, [""; 0]);
    })
    .await;
}
