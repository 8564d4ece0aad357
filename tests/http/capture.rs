//! Which arrivals become touches, and what a touch keeps.

use reqwest::{Method, StatusCode, header};

use crate::support::{Browser, PASSWORD, Setup, each_app, each_app_with, raw_request, session_cookie};
use waymark::db::sql;

const LANDING: &str = "/?utm_source=Google&utm_medium=CPC&utm_campaign=spring&gclid=AbC-_1";

#[tokio::test]
async fn a_campaign_click_that_signs_up_is_one_lead_however_often_it_is_reloaded() {
    each_app(async |app| {
        let admin = app.admin().await;
        let browser = app.browser();
        assert_eq!(browser.open(LANDING).await, StatusCode::OK);
        browser.register("maria@example.com").await;
        for _ in 0..3 {
            browser.open(LANDING).await;
        }
        browser.login("maria@example.com", PASSWORD).await;
        let leads = app.leads_csv(&admin).await;
        assert_eq!(leads.len(), 1, "{leads:?}");
        let fields: Vec<&str> = leads[0].iter().collect();
        assert_eq!(fields[1], "maria@example.com");
        assert_eq!(fields[3..6], ["cpc", "google", "spring"]);
        assert_eq!(fields[8], "Paid Search");
        assert_eq!(fields[11], r#"{"gclid":"AbC-_1"}"#);
        assert_eq!(fields[13], "4", "three reloads are hits of the same touch");
    })
    .await;
}

#[tokio::test]
async fn a_visitor_without_a_signal_leaves_nothing() {
    each_app(async |app| {
        let before = app.db.operations();
        let response = app.browser().get("/").send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.headers().get(header::SET_COOKIE).is_none());
        assert_eq!(app.db.operations(), before, "no query");
        for path in ["/?page=2", "/login", "/nowhere", "/?utm_source=", "/?mc_eid=person", "/pkg/x?utm_source=a"] {
            let response = app.browser().get(path).send().await.expect("an answer");
            assert!(response.headers().get(header::SET_COOKIE).is_none(), "{path}");
        }
        assert_eq!(app.db.operations(), before, "still no query");
        for table in ["visitors", "touches", "tower_sessions", "users"] {
            let count: i64 = sql(format!("select count(*) from {table}"))
                .fetch_scalar(&mut app.conn().await)
                .await
                .expect("a count");
            assert_eq!(count, 0, "{table}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_click_id_alone_is_a_derived_touch() {
    each_app(async |app| {
        let admin = app.admin().await;
        let browser = app.browser();
        browser.open("/pricing?gclid=Cj0K_x-Y").await;
        browser.register("maria@example.com").await;
        let leads = app.leads_csv(&admin).await;
        assert_eq!(leads.len(), 1);
        assert_eq!((&leads[0][3], &leads[0][4], &leads[0][9]), ("cpc", "google", "/pricing"));
        assert_eq!(app.count("select count(*) from touches where derived").await, 1);
    })
    .await;
}

#[tokio::test]
async fn no_query_is_refused_and_each_is_read_as_the_rules_say() {
    each_app(async |app| {
        let long = format!("/?utm_source=kept&x={}", "a".repeat(60 * 1024));
        let cases: [(&str, Option<(&str, &str)>); 9] = [
            (&long, Some(("kept", "-"))),
            ("/?utm_source=a&utm_source=b&utm_source=", Some(("b", "-"))),
            ("/?utm_source=a%00b", Some(("ab", "-"))),
            ("/?utm_source=a%FFb", Some(("a\u{fffd}b", "-"))),
            ("/?a=1?utm_source=x", Some(("x", "-"))),
            ("/?utm_source=%zz&utm_medium=%", Some(("%zz", "%"))),
            ("/?utm_source[]=x&utm_source=a{x}", Some(("a{x}", "-"))),
            ("/?utm_source=a%0D%0ASet-Cookie:x", Some(("a set-cookie:x", "-"))),
            ("/?UTM_Source=%20A%20%20B%20&amp;utm_medium=m", Some(("a b", "m"))),
        ];
        for (path, expected) in cases {
            let response = raw_request(&app.url, "GET", path, "").await;
            assert!(response.starts_with("HTTP/1.1 200"), "{} {}", &path[..path.len().min(60)], &response[..60]);
            let row: Option<(Option<String>, Option<String>)> =
                sql("select source, medium from touches order by occurred_at desc, id desc limit 1")
                    .fetch_optional(&mut app.conn().await)
                    .await
                    .expect("a row");
            let found = row.map(|(source, medium)| (source.unwrap_or("-".into()), medium.unwrap_or("-".into())));
            let expected = expected.map(|(source, medium)| (source.to_owned(), medium.to_owned()));
            assert_eq!(found, expected, "{}", &path[..path.len().min(60)]);
        }
    })
    .await;
}

#[tokio::test]
async fn only_a_persons_arrival_counts() {
    each_app(async |app| {
        let url = format!("{}{LANDING}", app.url);
        let browser = app.browser();
        let not_arrivals = [
            browser.client.request(Method::HEAD, &url),
            browser.client.post(&url),
            browser.client.get(&url).header("user-agent", "Googlebot/2.1 (+http://www.google.com/bot.html)"),
            browser.client.get(&url).header("user-agent", "curl/8.5.0"),
            browser.client.get(&url).header("sec-purpose", "prefetch;prerender"),
            browser.client.get(&url).header("purpose", "prefetch"),
            browser.client.get(&url).header("x-moz", "prefetch"),
            browser.client.get(&url).header("x-purpose", "preview"),
            browser.client.get(&url).header("sec-fetch-dest", "image"),
            browser.client.get(format!("{}/api/x?utm_source=a", app.url)),
            browser.client.get(format!("{}/favicon.svg?utm_source=a", app.url)),
            browser.client.get(format!("{}/healthz?utm_source=a", app.url)),
        ];
        for request in not_arrivals {
            let response = request.send().await.expect("an answer");
            assert_eq!(session_cookie(&response), None);
        }
        assert_eq!(app.count("select count(*) from touches").await, 0);
        assert_eq!(app.count("select count(*) from tower_sessions").await, 0);
    })
    .await;
}

#[tokio::test]
async fn the_status_of_the_page_does_not_matter() {
    let setup = || Setup {
        routes: axum::Router::new()
            .route("/broken", axum::routing::get(async || StatusCode::INTERNAL_SERVER_ERROR))
            .route("/panics", axum::routing::get(async || -> String { panic!("on purpose") })),
        ..Setup::default()
    };
    each_app_with(setup, async |app| {
        for (path, status) in [("/nowhere", 404), ("/broken", 500), ("/admin", 303), ("/login/", 308)] {
            let browser = app.browser();
            let response = browser.get(&format!("{path}?utm_source=x&utm_campaign=c")).send().await.expect("an answer");
            assert_eq!(response.status(), status, "{path}");
            assert!(session_cookie(&response).is_some(), "{path} sets the cookie");
            // The sign-up links the same visitor.
            browser.register(&format!("user{status}@example.com")).await;
        }
        assert_eq!(app.count("select count(*) from lead_sources").await, 4);
        // A panic ends one request and nothing else.
        let response = app.browser().get("/panics?utm_source=x").send().await.expect("an answer");
        assert_eq!(response.status(), 500);
        assert!(session_cookie(&response).is_some(), "an arrival all the same");
        assert!(response.headers().contains_key("content-security-policy"));
        assert!(response.text().await.expect("text").contains("Something went wrong"));
    })
    .await;
}

#[tokio::test]
async fn a_slash_redirect_keeps_the_query_and_never_leads_elsewhere() {
    each_app(async |app| {
        let response = app.browser().get("/login/?utm_source=x&next=%2Fadmin").send().await.expect("an answer");
        assert_eq!(response.headers()["location"], "/login?utm_source=x&next=%2Fadmin");
        for target in ["//evil.example/", "///evil.example/", "/\\evil.example/"] {
            let answer = raw_request(&app.url, "GET", target, "").await.to_lowercase();
            assert!(
                !answer.contains("\r\nlocation: //") && !answer.contains("\r\nlocation: /\\"),
                "{target}: {answer}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn an_ad_click_from_elsewhere_keeps_the_session() {
    each_app(async |app| {
        let admin = app.admin().await;
        let browser = app.browser();
        let response = browser.register("maria@example.com").await;
        let cookie = response.headers()["set-cookie"].to_str().expect("text").to_owned();
        assert!(cookie.contains("SameSite=Lax") && cookie.contains("HttpOnly"), "{cookie}");
        let landing = browser
            .get("/?utm_source=news&utm_medium=email&utm_campaign=october")
            .header("sec-fetch-site", "cross-site")
            .header("referer", "https://mail.example/inbox?secret=1");
        assert_eq!(session_cookie(&landing.send().await.expect("an answer")), None, "the session is not written");
        assert!(browser.is_signed_in().await);
        let leads = app.leads_csv(&admin).await;
        assert_eq!(leads.len(), 1);
        assert_eq!(&leads[0][10], "mail.example/inbox", "host and path of the referrer, never its query");
    })
    .await;
}

#[tokio::test]
async fn custom_tags_privacy_and_own_links() {
    let setup = || Setup {
        variables: vec![
            ("ATTRIBUTION_CUSTOM_TAGS", "Partner".into()),
            ("ATTRIBUTION_OWN_HOSTS", "www.own.example".into()),
        ],
        ..Setup::default()
    };
    each_app_with(setup, async |app| {
        let browser = app.browser();
        browser.open("/?partner=ACME&partner=Beta&gclid=x").await;
        browser
            .get("/?utm_source=menu")
            .header("referer", "https://www.own.example/a")
            .send()
            .await
            .expect("an answer");
        browser.get("/?utm_source=ad&fbclid=Secret").header("sec-gpc", "1").send().await.expect("an answer");
        let rows: Vec<(String, String, bool)> =
            sql("select tags, click_ids, internal from touches order by occurred_at, id")
                .fetch_all(&mut app.conn().await)
                .await
                .expect("rows");
        assert_eq!(
            rows,
            [
                (r#"{"Partner":["ACME","Beta"]}"#.into(), r#"{"gclid":"x"}"#.into(), false),
                ("{}".into(), "{}".into(), true),
                ("{}".into(), "{}".into(), false),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn one_address_cannot_fill_the_database_with_few_visitors_either() {
    let setup = || Setup { variables: vec![("TRUSTED_PROXIES", "127.0.0.1/32".into())], ..Setup::default() };
    each_app_with(setup, async |app| {
        let land = async |browser: &Browser, address: &str, n: u32| {
            let request = browser.get(&format!("/?utm_source=a{}", n % 7)).header("x-forwarded-for", address);
            request.send().await.expect("an answer").status()
        };
        let browser = app.browser();
        for n in 0..2_000 {
            assert_eq!(land(&browser, "198.51.100.7", n).await, StatusCode::OK);
        }
        let hits = "select cast(sum(hits) as bigint) from touches";
        assert_eq!(app.count(hits).await, 2_000);
        assert_eq!(land(&browser, "198.51.100.7", 0).await, StatusCode::OK, "the page is served");
        assert_eq!(app.count(hits).await, 2_000);
        land(&browser, "198.51.100.8", 0).await;
        assert_eq!(app.count(hits).await, 2_001);
    })
    .await;
}

#[tokio::test]
async fn one_address_cannot_fill_the_database() {
    let setup = || Setup { variables: vec![("TRUSTED_PROXIES", "127.0.0.1/32".into())], ..Setup::default() };
    each_app_with(setup, async |app| {
        let land = async |address: &str| {
            // Each call uses a new browser.
            let request = app.browser().get("/?utm_source=a").header("x-forwarded-for", address);
            request.send().await.expect("an answer")
        };
        for _ in 0..1_000 {
            assert_eq!(land("198.51.100.7").await.status(), StatusCode::OK);
        }
        let response = land("198.51.100.7").await;
        assert_eq!(response.status(), StatusCode::OK, "the page is served");
        assert!(response.headers().get(header::SET_COOKIE).is_none());
        assert_eq!(app.count("select count(*) from visitors").await, 1_000);
        // Another address is not limited, and neither is a private one (a proxy that the configuration does not name).
        for address in ["198.51.100.8", "10.0.0.7"] {
            assert!(land(address).await.headers().get(header::SET_COOKIE).is_some(), "{address}");
        }
    })
    .await;
}
