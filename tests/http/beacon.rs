//! The beacon, by which a page's script reports the browser's address.

use reqwest::{Response, StatusCode, header};

use crate::support::{Browser, Setup, TestApp, each_app, each_app_with};

/// Sends what the page's script sends.
async fn beacon(browser: &Browser, fields: &[(&str, &str)]) -> Response {
    let request = browser.post("/api/touch", fields).header("sec-fetch-site", "same-origin");
    request.header("sec-fetch-dest", "empty").header("origin", &browser.url).send().await.expect("an answer")
}

async fn touches(app: &TestApp) -> Vec<(Option<String>, Option<String>, String, String, i64)> {
    waymark::db::sql("select source, campaign, channel, landing_path, hits from touches order by occurred_at, id")
        .fetch_all(&mut app.conn().await)
        .await
        .expect("rows")
}

const QUERY: &str = "utm_source=google&utm_medium=cpc&utm_campaign=spring";

#[tokio::test]
async fn what_the_server_saw_is_not_counted_again() {
    each_app(async |app| {
        let browser = app.browser();
        browser.open(&format!("/pricing?{QUERY}")).await;
        for _ in 0..3 {
            let response = beacon(&browser, &[("path", "/pricing"), ("query", QUERY)]).await;
            assert_eq!(response.status(), StatusCode::NO_CONTENT);
        }
        let touches = touches(&app).await;
        assert_eq!(touches.len(), 1);
        assert_eq!(touches[0].4, 1, "it is no further hit either");
    })
    .await;
}

#[tokio::test]
async fn a_page_whose_query_was_stripped_is_one_touch_with_its_beacon() {
    each_app(async |app| {
        // The page came from a cache, so the server saw no request.
        let browser = app.browser();
        let response = beacon(&browser, &[("path", "/pricing"), ("query", QUERY)]).await;
        assert!(response.headers().contains_key(header::SET_COOKIE), "the visitor is known from now on");
        beacon(&browser, &[("path", "/pricing"), ("query", QUERY)]).await;
        assert_eq!(
            touches(&app).await,
            [(Some("google".into()), Some("spring".into()), "Paid Search".into(), "/pricing".into(), 1)]
        );
        browser.register("maria@example.com").await;
        assert_eq!(app.count("select count(*) from lead_sources").await, 1);
        // The query did not reach the server, which saw only the referrer.
        app.execute(waymark::db::sql("delete from touches")).await;
        let browser = app.browser();
        let referer = "https://www.google.com/";
        browser.get("/pricing").header(header::REFERER, referer).send().await.expect("an answer");
        assert_eq!(touches(&app).await[0].2, "Organic Search");
        beacon(&browser, &[("path", "/pricing"), ("query", QUERY), ("referrer", referer)]).await;
        let touches = touches(&app).await;
        assert_eq!(touches.len(), 1, "{touches:?}");
        assert_eq!((touches[0].1.as_deref(), touches[0].2.as_str()), (Some("spring"), "Paid Search"));
    })
    .await;
}

#[tokio::test]
async fn a_fragment_says_what_no_server_sees() {
    each_app(async |app| {
        let browser = app.browser();
        beacon(&browser, &[("path", "/"), ("query", ""), ("fragment", "utm_source=podcast&utm_medium=audio")]).await;
        assert_eq!(touches(&app).await[0].2, "Audio");
        // The beacon completes the touch of a query that the server saw.
        app.execute(waymark::db::sql("delete from touches")).await;
        let browser = app.browser();
        browser.open("/?utm_source=podcast").await;
        let fields = [("path", "/"), ("query", "utm_source=podcast"), ("fragment", "utm_campaign=episode-7")];
        beacon(&browser, &fields).await;
        let touches = touches(&app).await;
        assert_eq!(touches.len(), 1, "{touches:?}");
        assert_eq!((touches[0].0.as_deref(), touches[0].1.as_deref()), (Some("podcast"), Some("episode-7")));
    })
    .await;
}

#[tokio::test]
async fn only_pages_of_our_own_may_send_one() {
    each_app(async |app| {
        let before = app.db.operations();
        let own = app.url.clone();
        let fields = [("path", "/"), ("query", QUERY)];
        for (origin, site) in [
            (Some("https://evil.example"), Some("cross-site")),
            (Some("https://evil.example"), None),
            (Some("https://sub.127.0.0.1"), Some("same-site")),
            (Some("null"), None),
            (None, Some("cross-site")),
            (None, Some("none")),
            (Some(own.as_str()), Some("cross-site")),
            (None, None),
        ] {
            let mut request = app.browser().post("/api/touch", &fields);
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            if let Some(site) = site {
                request = request.header("sec-fetch-site", site);
            }
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{origin:?} {site:?}");
            assert!(!response.headers().contains_key(header::SET_COOKIE));
        }
        assert_eq!(app.db.operations(), before);
        assert_eq!(app.count("select count(*) from touches").await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_says_nothing_or_is_no_person_leaves_nothing() {
    each_app_with(
        || Setup { variables: vec![("ATTRIBUTION_GPC", "no_capture".into())], ..Setup::default() },
        async |app| {
            let before = app.db.operations();
            for fields in [
                &[][..],
                &[("path", "/"), ("query", "a=b")],
                &[("path", "pricing"), ("query", QUERY)],
                &[("path", "/a b"), ("query", QUERY)],
                &[("path", "/pkg/x.js"), ("query", QUERY)],
                // A referrer alone is left to the server, which sees it with the page's request.
                &[("path", "/"), ("query", ""), ("referrer", "https://www.google.com/")],
            ] {
                let response = beacon(&app.browser(), fields).await;
                assert_eq!(response.status(), StatusCode::NO_CONTENT, "{fields:?}");
                assert!(!response.headers().contains_key(header::SET_COOKIE), "{fields:?}");
            }
            let fields = [("path", "/"), ("query", QUERY)];
            for (name, value) in [
                ("user-agent", "Mozilla/5.0 (compatible; Googlebot/2.1)"),
                ("sec-gpc", "1"),
                ("cookie", "waymark-consent=no.1.1"),
            ] {
                let request = app.browser().post("/api/touch", &fields).header("sec-fetch-site", "same-origin");
                let response = request.header(name, value).send().await.expect("an answer");
                assert_eq!(response.status(), StatusCode::NO_CONTENT, "{name}");
                assert!(!response.headers().contains_key(header::SET_COOKIE), "{name}");
            }
            assert_eq!(app.db.operations(), before);
        },
    )
    .await;
}

#[tokio::test]
async fn a_flood_is_told_to_wait() {
    let setup = || Setup { variables: vec![("TRUSTED_PROXIES", "127.0.0.1/32".into())], ..Setup::default() };
    each_app_with(setup, async |app| {
        let send = async |address: &str| {
            let request = app.browser().post("/api/touch", &[("path", "/"), ("query", "a=b")]);
            let request = request.header("sec-fetch-site", "same-origin").header("x-forwarded-for", address);
            request.send().await.expect("an answer").status()
        };
        for _ in 0..300 {
            assert_eq!(send("198.51.100.7").await, StatusCode::NO_CONTENT);
        }
        assert_eq!(send("198.51.100.7").await, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(send("198.51.100.8").await, StatusCode::NO_CONTENT);
    })
    .await;
}
