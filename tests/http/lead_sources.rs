//! Sentinel values: a handler puts `utm_medium` and `utm_source` into the session, and the layer makes a lead of them, as the
//! README of django-utm-tracker shows.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    response::Redirect,
    routing::get,
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tower_sessions::Session;
use waymark::{attribution::capture::lead_source_layer::SENTINELS, db::sql, state::AppState};

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
        "placeholder" => json!({ "utm_medium": "partner", "utm_source": "(not set)" }),
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
        for what in ["medium", "source", "numbers", "lists", "nulls", "empty", "placeholder", "half"] {
            let browser = app.browser();
            assert_eq!(browser.open(&format!("/seed/{what}")).await, StatusCode::SEE_OTHER, "{what}");
            browser.register(&format!("{what}@example.com")).await;
            assert_eq!(browser.open("/").await, StatusCode::OK, "{what}");
            assert_eq!(app.count("select count(*) from touches").await, 0, "{what}");
            // What is no whole lead source stays only if the other half may still come.
            let waits = matches!(what, "medium" | "source");
            assert_eq!((what, left_in(&browser).await.is_empty()), (what, !waits));
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

#[tokio::test]
async fn values_that_an_earlier_request_left_are_no_part_of_the_next_link() {
    each_app_with(setup, async |app| {
        let browser = app.member("maria@example.com").await;
        // The session is as after a request in which the database failed.
        app.edit_sessions(|record| {
            record.data.extend(seeds("all").as_object().expect("an object").clone());
        })
        .await;
        browser.open("/?utm_source=newsletter&utm_medium=email").await;
        let mut sources: Vec<_> = leads(&app).await.into_iter().map(|lead| (lead.0, lead.1)).collect();
        sources.sort();
        assert_eq!(sources, [("email".into(), "newsletter".into()), ("partner".into(), "acme".into())]);
        assert_eq!(left_in(&browser).await, [""; 0]);
    })
    .await;
}

/// What a touch says, in the order medium, source, campaign, term, content, click ids, referrer, hits.
type Row = (String, String, Option<String>, Option<String>, Option<String>, String, Option<String>, i64);

async fn touches(app: &TestApp) -> Vec<Row> {
    sql("select medium, source, campaign, term, content, click_ids, referrer, hits from touches order by occurred_at, id")
        .fetch_all(&mut app.conn().await)
        .await
        .expect("rows")
}

const LINK: &str = "utm_source=newsletter&utm_medium=email&utm_campaign=spring&utm_content=kept&gclid=AbC";

/// The touch of [`LINK`] at a page whose handler seeds "both".
fn completed(referrer: Option<&str>, hits: i64) -> Row {
    let (campaign, content, ids) = (Some("spring".into()), Some("kept".into()), r#"{"gclid":"AbC"}"#.into());
    ("partner".into(), "acme".into(), campaign, None, content, ids, referrer.map(str::to_owned), hits)
}

#[tokio::test]
async fn link_and_seeds_of_one_request_are_one_touch() {
    each_app_with(setup, async |app| {
        let browser = app.browser();
        let open = async |path: &str| {
            let request = browser.get(path).header("referer", "https://t.co/abc");
            request.send().await.expect("an answer").status()
        };
        assert_eq!(open(&format!("/seed/both?{LINK}")).await, StatusCode::SEE_OTHER);
        assert_eq!(touches(&app).await, [completed(Some("t.co/abc"), 1)]);
        assert_eq!(app.count("select count(*) from touches where origin = 'seeded' and not derived").await, 1);
        // The redirect may keep the query or drop it; the visitor may go back and reload. All of this is the same arrival.
        open(&format!("/?{LINK}")).await;
        open("/login").await;
        open(&format!("/seed/both?{LINK}")).await;
        assert_eq!(touches(&app).await, [completed(Some("t.co/abc"), 4)]);
        // Another link at the same page is another arrival.
        open("/seed/both?utm_content=other").await;
        assert_eq!(app.count("select count(*) from touches").await, 2);
        assert_eq!(left_in(&browser).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn seeds_complete_what_a_referrer_or_a_click_id_said() {
    each_app_with(setup, async |app| {
        let browser = app.browser();
        let request = browser.get("/seed/all?gad_source=1").header("referer", "https://www.google.com/");
        request.send().await.expect("an answer");
        let all = touches(&app).await;
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!((all[0].0.as_str(), all[0].1.as_str(), all[0].4.as_deref()), ("partner", "acme", Some("poster")));
        assert_eq!((all[0].5.as_str(), all[0].6.as_deref()), (r#"{"gad_source":"1"}"#, Some("www.google.com/")));
        let browser = app.browser();
        browser.open("/seed/both?fbclid=x").await;
        let derived =
            "select count(*) from touches where source = 'acme' and click_ids like '%fbclid%' and not derived";
        assert_eq!((app.count(derived).await, app.count("select count(*) from touches").await), (1, 2));
    })
    .await;
}

#[tokio::test]
async fn an_earlier_page_with_the_same_link_stays_a_touch_of_its_own() {
    each_app_with(setup, async |app| {
        let browser = app.browser();
        browser.open("/?utm_campaign=spring").await;
        browser.open("/seed/both?utm_campaign=spring").await;
        let rows: Vec<(String, i64)> = sql("select landing_path, hits from touches order by occurred_at, id")
            .fetch_all(&mut app.conn().await)
            .await
            .expect("rows");
        assert_eq!(rows, [("/".into(), 1), ("/seed/both".into(), 1)]);
    })
    .await;
}

#[tokio::test]
async fn requests_at_once_with_link_and_seeds_are_one_touch() {
    each_app_with(setup, async |app| {
        let browser = app.member("maria@example.com").await;
        let path = format!("/seed/both?{LINK}");
        let at_once = (0..8).map(|_| browser.open(&path));
        for status in futures::future::join_all(at_once).await {
            assert_eq!(status, StatusCode::SEE_OTHER);
        }
        assert_eq!(touches(&app).await, [completed(None, 8)]);
        assert_eq!(left_in(&browser).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn link_and_seeds_are_one_touch_whenever_the_database_fails() {
    const BREAK: &str = "alter table touches rename to elsewhere";
    const MEND: &str = "alter table elsewhere rename to touches";
    let setup = || {
        let breaks = async |State(state): State<AppState>, session: Session| {
            state.db.transaction(|conn| Box::pin(sql(BREAK).execute(conn))).await.expect("renamed");
            seed(session, Path("both".to_owned())).await
        };
        let mut setup = setup();
        setup.routes = setup.routes.route("/break", get(breaks));
        setup
    };
    each_app_with(setup, async |app| {
        // The link's touch is stored, and cannot be completed.
        let browser = app.browser();
        assert_eq!(browser.open(&format!("/break?{LINK}")).await, StatusCode::SEE_OTHER);
        app.execute(sql(MEND)).await;
        assert_eq!(app.count("select count(*) from touches where source = 'newsletter'").await, 1);
        assert_eq!(left_in(&browser).await, [""; 0], "nor is there a second touch to come");
        assert_eq!(touches(&app).await, [completed(None, 1)]);
        // Nothing is stored.
        app.execute(sql("delete from touches")).await;
        app.execute(sql(BREAK)).await;
        let browser = app.browser();
        assert_eq!(browser.open(&format!("/seed/both?{LINK}")).await, StatusCode::SEE_OTHER);
        app.execute(sql(MEND)).await;
        browser.open("/login").await;
        assert_eq!(touches(&app).await, [completed(None, 1)]);
        // The values of a page without a link stay in the session.
        app.execute(sql("delete from touches")).await;
        app.execute(sql(BREAK)).await;
        browser.open("/seed/both").await;
        app.execute(sql(MEND)).await;
        browser.open("/login").await;
        assert_eq!(app.count("select count(*) from touches where source = 'acme'").await, 1);
    })
    .await;
}

#[tokio::test]
async fn link_and_seeds_obey_consent_and_privacy_together() {
    let setup = || Setup {
        variables: vec![("ATTRIBUTION_CONSENT", "required".into()), ("ATTRIBUTION_GPC", "no_capture".into())],
        ..setup()
    };
    each_app_with(setup, async |app| {
        let path = format!("/seed/both?{LINK}");
        let open = async |name: &str, value: String| {
            let request = app.browser().get(&path).header(name, value);
            request.send().await.expect("an answer").status()
        };
        for (name, value) in [("sec-gpc", "1"), ("cookie", "waymark-consent=no.1.1"), ("accept-language", "en")] {
            assert_eq!(open(name, value.to_owned()).await, StatusCode::SEE_OTHER);
            assert_eq!(app.count("select count(*) from touches").await, 0, "{name}");
        }
        open("cookie", format!("waymark-consent=yes.1.{}", app.db.now().as_millis())).await;
        assert_eq!(touches(&app).await, [completed(None, 1)]);
    })
    .await;
}
