//! Global Privacy Control: what `ATTRIBUTION_GPC` says holds for every way to a touch.

use axum::{Router, response::Redirect, routing::get};
use reqwest::RequestBuilder;
use tower_sessions::Session;
use waymark::{
    attribution::referral::token::{NewToken, create_token},
    db::sql,
};

use crate::support::{Browser, Setup, TestApp, each_app_with};

const QUERY: &str = "utm_source=google&utm_medium=cpc&gclid=CLICK";

/// The ways to a touch.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Door {
    Link,
    Referrer,
    ReferralLink,
    SeededValues,
    Beacon,
    DeferredCookie,
    /// Only where consent is required: the landing in the form, and what the page's script read.
    ConsentForm,
    ConsentFormWithBeacon,
}

const DOORS: [Door; 8] = [
    Door::Link,
    Door::Referrer,
    Door::ReferralLink,
    Door::SeededValues,
    Door::Beacon,
    Door::DeferredCookie,
    Door::ConsentForm,
    Door::ConsentFormWithBeacon,
];

async fn seed(session: Session) -> Redirect {
    for (name, value) in [("utm_medium", "partner"), ("utm_source", "acme")] {
        session.insert(name, value).await.expect("a session");
    }
    Redirect::to("/")
}

fn setup(gpc: &'static str, consent: &'static str) -> Setup {
    let variables = vec![("ATTRIBUTION_GPC", gpc.into()), ("ATTRIBUTION_CONSENT", consent.into())];
    Setup { variables, routes: Router::new().route("/seed", get(seed)), ..Setup::default() }
}

/// A touch as a cookie or a form holds it.
fn deferred(app: &TestApp) -> String {
    let (id, at) = (waymark::id::TouchId::new(), app.db.now().as_millis());
    let json = format!(r#"[{{"i":"{id}","t":{at},"q":"{QUERY}","p":"/"}}]"#);
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, json)
}

async fn request(app: &TestApp, browser: &Browser, door: Door) -> RequestBuilder {
    let beacon: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("path", "/"), ("query", QUERY), ("fragment", "utm_campaign=x")])
        .finish();
    match door {
        Door::Link => browser.get(&format!("/?{QUERY}")),
        Door::Referrer => browser.get("/").header("referer", "https://www.google.com/"),
        Door::ReferralLink => {
            let new = NewToken { campaign: "friends".into(), landing_path: "/".into(), expires_at: None };
            browser.get(&format!(
                "/r/{}",
                create_token(&app.db, new, &waymark::audit::Actor::command_line()).await.expect("a link")
            ))
        }
        Door::SeededValues => browser.get("/seed"),
        Door::Beacon => {
            browser.post("/api/touch", &[("path", "/"), ("query", QUERY)]).header("sec-fetch-site", "same-origin")
        }
        Door::DeferredCookie => browser.get("/login").header("cookie", format!("waymark-waiting={}", deferred(app))),
        Door::ConsentForm => browser.post("/api/consent", &[("choice", "yes"), ("landing", &deferred(app))]),
        Door::ConsentFormWithBeacon => browser.post("/api/consent", &[("choice", "yes"), ("beacon", &beacon)]),
    }
}

#[tokio::test]
async fn the_signal_holds_at_every_door() {
    for (gpc, touches, click_ids) in [("ignore", 1, 1), ("no_click_ids", 1, 0), ("no_capture", 0, 0)] {
        for consent in ["implied", "required"] {
            each_app_with(
                || setup(gpc, consent),
                async |app| {
                    for door in DOORS {
                        let asks = matches!(door, Door::ConsentForm | Door::ConsentFormWithBeacon);
                        if asks != (consent == "required") {
                            continue;
                        }
                        app.execute(sql("delete from touches")).await;
                        let browser = app.browser();
                        let request = request(&app, &browser, door).await.header("sec-gpc", "1");
                        let response = request.send().await.expect("an answer");
                        assert!(response.status().is_success() || response.status().is_redirection(), "{door:?}");
                        assert_eq!(app.count("select count(*) from touches").await, touches, "{door:?} with {gpc}");
                        let has_ids = matches!(door, Door::Link | Door::Beacon | Door::DeferredCookie) || asks;
                        let ids = app.count("select count(*) from touches where click_ids <> '{}'").await;
                        assert_eq!(ids, if has_ids { click_ids } else { 0 }, "{door:?} with {gpc}");
                        if door == Door::ReferralLink {
                            browser.register(&format!("{gpc}@example.com")).await;
                            assert_eq!(
                                app.count("select count(*) from referrals").await,
                                touches,
                                "who brought whom, with {gpc}"
                            );
                        }
                    }
                },
            )
            .await;
        }
    }
}

#[tokio::test]
async fn a_landing_that_waits_for_consent_does_not_travel_either() {
    each_app_with(
        || setup("no_capture", "required"),
        async |app| {
            let browser = app.browser();
            for (path, referer) in [
                (format!("/?{QUERY}"), ""),
                ("/login".to_owned(), QUERY),
                (format!("/login?_wm={}", deferred(&app)), ""),
            ] {
                let request = browser.get(&path).header("referer", format!("{}/?{referer}", app.url));
                let response = request
                    .header("sec-fetch-site", "same-origin")
                    .header("sec-gpc", "1")
                    .send()
                    .await
                    .expect("an answer");
                assert_eq!(response.status(), reqwest::StatusCode::OK, "{path}");
                let page = response.text().await.expect("text");
                assert!(page.contains(r#"name="landing""#) && !page.contains(r#"name="landing" value"#), "{page}");
            }
        },
    )
    .await;
}
