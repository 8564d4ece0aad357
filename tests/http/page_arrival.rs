//! A page says which touch its request made, or that its request did not count. Its beacon sends this back, and makes no second
//! touch of the arrival.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::{Response, StatusCode, header};
use serde_json::json;
use waymark::{
    db::sql,
    id::{TouchId, VisitorId},
    timestamp::{DAY, Timestamp},
};

use crate::support::{Browser, Setup, TestApp, each_app, each_app_with, header, session_cookie};

const QUERY: &str = "utm_source=google&utm_medium=cpc&utm_campaign=spring";
const PREFETCH: (&str, &str) = ("sec-purpose", "prefetch;anonymous-client-ip");
const GOOGLE: (&str, &str) = ("referer", "https://www.google.com/");

/// What a page says, and what its script sees of its address.
#[derive(Clone)]
struct Page {
    arrival: String,
    tell: String,
    path: String,
    query: String,
    fragment: String,
    referrer: String,
    cache_control: String,
    has_cookie: bool,
    text: String,
}

impl Page {
    async fn open(browser: &Browser, address: &str, headers: &[(&str, &str)]) -> Self {
        let request = headers.iter().fold(browser.get(address), |request, (name, value)| request.header(*name, *value));
        let response = request.send().await.expect("an answer");
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let referrer = headers.iter().find(|(name, _)| *name == "referer").map(|(_, value)| (*value).to_owned());
        let (cache_control, has_cookie) =
            (header(&response, "cache-control").to_owned(), session_cookie(&response).is_some());
        let text = response.text().await.expect("text");
        let html = text.split_once("<html").and_then(|(_, rest)| rest.split_once('>')).expect("a document").0;
        let value = |name: &str| {
            let value = html.split_once(&format!("{name}=\"")).and_then(|(_, rest)| rest.split_once('"'));
            value.map(|(value, _)| value.to_owned()).unwrap_or_default()
        };
        Self {
            arrival: value("data-arrival"),
            tell: value("data-tell"),
            path: path.into(),
            query: query.into(),
            fragment: String::new(),
            referrer: referrer.unwrap_or_default(),
            cache_control,
            has_cookie,
            text,
        }
    }

    fn fields(&self) -> [(&str, &str); 5] {
        let Self { path, query, fragment, referrer, arrival, .. } = self;
        [("path", path), ("query", query), ("fragment", fragment), ("referrer", referrer), ("arrival", arrival)]
    }

    /// Sends the page's beacon with the cookies of this browser.
    async fn beacon(&self, browser: &Browser) -> Response {
        let request = browser.post("/api/touch", &self.fields()).header("sec-fetch-site", "same-origin");
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        response
    }
}

/// Returns source, campaign, click ids and hits of all touches, in order.
async fn touches(app: &TestApp) -> Vec<(String, Option<String>, String, i64)> {
    sql("select source, campaign, click_ids, hits from touches order by occurred_at, id")
        .fetch_all(&mut app.conn().await)
        .await
        .expect("rows")
}

fn touch(source: &str, campaign: Option<&str>, click_ids: &str, hits: i64) -> (String, Option<String>, String, i64) {
    (source.into(), campaign.map(str::to_owned), click_ids.into(), hits)
}

async fn visitors(app: &TestApp) -> i64 {
    app.count("select count(*) from visitors").await
}

#[tokio::test]
async fn a_browser_without_cookies_is_one_visitor_with_one_touch() {
    each_app(async |app| {
        let mut page = Page::open(&app.browser(), &format!("/?{QUERY}"), &[]).await;
        assert_eq!((page.tell.as_str(), page.cache_control.as_str()), ("always", "no-store"));
        for _ in 0..3 {
            let response = page.beacon(&app.browser()).await;
            assert!(!response.headers().contains_key(header::SET_COOKIE), "no further visitor");
        }
        assert_eq!(touches(&app).await, [touch("google", Some("spring"), "{}", 1)]);
        // What only the browser sees completes the touch, also at another replica.
        page.fragment = "gclid=AbC".into();
        let (url, stop) = app.replica().await;
        page.beacon(&Browser::new(&url)).await;
        assert_eq!(touches(&app).await, [touch("google", Some("spring"), r#"{"gclid":"AbC"}"#, 1)]);
        drop(stop);
        assert_eq!((visitors(&app).await, app.count("select count(*) from tower_sessions").await), (1, 1));
        // A referrer alone makes a touch that the page knows, too.
        let page = Page::open(&app.browser(), "/login", &[GOOGLE]).await;
        page.beacon(&app.browser()).await;
        assert_eq!((touches(&app).await.len(), visitors(&app).await), (2, 2));
    })
    .await;
}

#[tokio::test]
async fn a_query_that_a_cdn_cut_completes_the_touch_of_its_own_page() {
    each_app(async |app| {
        for (seen, headers, address, told) in [
            ("/pricing", &[GOOGLE][..], QUERY, touch("google", Some("spring"), "{}", 1)),
            ("/?utm_source=a", &[], "utm_source=a&gclid=x", touch("a", None, r#"{"gclid":"x"}"#, 1)),
            // A script removed a part of the address. Nothing is lost.
            ("/?utm_source=a&gclid=x", &[GOOGLE], "utm_source=a", touch("a", None, r#"{"gclid":"x"}"#, 1)),
            // A script wrote another address.
            ("/?utm_source=a", &[], "utm_source=b&gclid=x", touch("a", None, "{}", 1)),
        ] {
            app.execute(sql("delete from touches")).await;
            let browser = app.browser();
            let mut page = Page::open(&browser, seen, headers).await;
            page.query = address.to_owned();
            for browser in [&browser, &app.browser(), &browser] {
                page.beacon(browser).await;
                assert_eq!(touches(&app).await, std::slice::from_ref(&told), "{seen} {address}");
            }
            // A reload is a repeat of the completed touch.
            Page::open(&browser, seen, headers).await;
            assert_eq!((touches(&app).await.len(), touches(&app).await[0].3), (1, 2), "{seen} {address}");
        }
    })
    .await;
}

#[tokio::test]
async fn two_first_tabs_are_the_visitor_whose_cookie_was_kept() {
    each_app(async |app| {
        for (one, other, expected) in [
            ("utm_source=a", "utm_source=b", vec![touch("a", None, "{}", 1), touch("b", None, "{}", 1)]),
            ("utm_source=a", "utm_source=a", vec![touch("a", None, "{}", 2)]),
        ] {
            app.execute(sql("delete from touches")).await;
            app.execute(sql("delete from visitors")).await;
            let (lost, kept) = (app.browser(), app.browser());
            let first = Page::open(&lost, &format!("/?{one}"), &[]).await;
            let second = Page::open(&kept, &format!("/?{other}"), &[]).await;
            assert_eq!(visitors(&app).await, 2);
            for page in [&first, &second, &first] {
                page.beacon(&kept).await;
            }
            assert_eq!(touches(&app).await, expected);
            assert_eq!(visitors(&app).await, 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_second_first_tab_counts_for_the_user_who_signs_up_meanwhile() {
    each_app(async |app| {
        let kept = app.browser();
        let first = Page::open(&app.browser(), "/?utm_source=a", &[]).await;
        Page::open(&kept, "/?utm_source=b", &[]).await;
        kept.register("maria@example.com").await;
        let (one, other) = tokio::join!(first.beacon(&kept), first.beacon(&kept));
        assert_eq!((one.status(), other.status()), (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT));
        assert_eq!(app.count("select count(*) from lead_sources where source in ('a', 'b') and hits = 1").await, 2);
    })
    .await;
}

#[tokio::test]
async fn what_a_page_says_is_of_no_use_to_another_visitor() {
    each_app(async |app| {
        let browser = app.browser();
        let mut page = Page::open(&browser, "/?utm_source=a", &[]).await;
        page.fragment = "utm_campaign=forged".into();
        let unchanged = async |what: &str| {
            let mine = "select count(*) from touches where source = 'a' and campaign is null and hits = 1";
            assert_eq!(app.count(mine).await, 1, "{what}");
            assert_eq!(app.count("select count(*) from touches where campaign is not null").await, 0, "{what}");
        };
        // A visitor who was here before.
        let other = app.browser();
        Page::open(&other, "/?utm_source=other", &[]).await;
        let earlier = app.db.now() - Duration::from_mins(2);
        app.execute(
            sql("update visitors set first_seen_at = $1 where id in (select visitor_id from touches where source = 'other')")
                .bind(earlier),
        )
        .await;
        page.beacon(&other).await;
        unchanged("another visitor").await;
        // Another browser without cookies, by its user agent.
        let request = app.browser().post("/api/touch", &page.fields()).header("sec-fetch-site", "same-origin");
        request.header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0").send().await.expect("an answer");
        unchanged("another browser").await;
        // A text that nobody made.
        let (before, after) = (&page.arrival[..30], &page.arrival[31..]);
        let other = if page.arrival[30..].starts_with('A') { 'B' } else { 'A' };
        for forged in ["x", &page.arrival[1..], &format!("{before}{other}{after}"), &"A".repeat(43)] {
            Page { arrival: forged.to_owned(), ..page.clone() }.beacon(&app.browser()).await;
        }
        unchanged("a forged text").await;
        // The touch of a user, in the hands of a new visitor.
        browser.register("maria@example.com").await;
        let thief = app.browser();
        Page::open(&thief, "/?utm_source=thief", &[]).await;
        page.beacon(&thief).await;
        unchanged("a user's touch").await;
        assert_eq!(app.count("select count(*) from lead_sources where source = 'a'").await, 1);
        // A page that is a day old.
        app.execute(sql("update touches set occurred_at = $1 where source = 'a'").bind(app.db.now() - DAY - Duration::from_secs(1))).await;
        page.beacon(&browser).await;
        unchanged("an old page").await;
        assert_eq!(app.count("select count(*) from touches").await, 3);
    })
    .await;
}

#[tokio::test]
async fn a_page_that_was_loaded_ahead_counts_when_a_person_opens_it() {
    each_app(async |app| {
        let before = app.db.operations();
        for purpose in [PREFETCH, ("sec-purpose", "prefetch;prerender"), ("x-moz", "prefetch")] {
            let page = Page::open(&app.browser(), "/", &[purpose, GOOGLE]).await;
            assert_eq!((page.arrival.as_str(), page.tell.as_str(), page.has_cookie), ("ahead", "once", false));
            assert_eq!(page.cache_control, "no-cache", "it holds nothing of a person");
        }
        assert_eq!(app.db.operations(), before, "a page that nobody opens leaves nothing");
        for (address, source, campaign) in [
            ("/", "google", None),
            ("/pricing?page=2", "google", None),
            ("/?utm_source=news&utm_campaign=spring", "news", Some("spring")),
        ] {
            app.execute(sql("delete from touches")).await;
            let browser = app.browser();
            let page = Page::open(&browser, address, &[PREFETCH, GOOGLE]).await;
            let response = page.beacon(&browser).await;
            assert!(session_cookie(&response).is_some(), "the visitor is known from now on");
            assert_eq!(touches(&app).await, [touch(source, campaign, "{}", 1)], "{address}");
            // A reload is a repeat.
            Page::open(&browser, address, &[GOOGLE]).await;
            assert_eq!(touches(&app).await.len(), 1, "{address}");
        }
        // Without cookies, too.
        app.execute(sql("delete from touches")).await;
        Page::open(&app.browser(), "/", &[PREFETCH, GOOGLE]).await.beacon(&app.browser()).await;
        assert_eq!(touches(&app).await.len(), 1);
        // What does not count, does not count then either.
        app.execute(sql("delete from touches")).await;
        for referer in ["https://checkout.stripe.com/", &format!("{}/pricing", app.url)] {
            let page = Page::open(&app.browser(), "/", &[PREFETCH, ("referer", referer)]).await;
            page.beacon(&app.browser()).await;
        }
        assert_eq!(touches(&app).await, []);
    })
    .await;
}

#[tokio::test]
async fn a_page_without_an_arrival_says_nothing() {
    each_app(async |app| {
        let browser = app.browser();
        let own = format!("{}/login", app.url);
        for headers in [&[][..], &[("referer", own.as_str())], &[PREFETCH], &[PREFETCH, ("referer", own.as_str())]] {
            let page = Page::open(&browser, "/?page=2", headers).await;
            assert_eq!((page.arrival.as_str(), page.tell.as_str()), ("", ""), "{headers:?}");
            assert_eq!(page.cache_control, "no-cache", "{headers:?}");
        }
        // The page of a known visitor's landing names its touch. The page is for no other visitor.
        Page::open(&browser, "/?utm_source=a", &[]).await;
        let page = Page::open(&browser, "/?utm_source=b", &[]).await;
        assert_eq!((page.arrival.len(), page.tell.as_str(), page.has_cookie), (43, "", false));
        assert_eq!(page.cache_control, "no-store");
        let page = Page::open(&browser, "/privacy", &[]).await;
        assert_eq!((page.arrival.as_str(), page.cache_control.as_str()), ("", "no-cache"));
    })
    .await;
}

#[tokio::test]
async fn before_consent_a_page_that_was_loaded_ahead_waits_in_the_form() {
    let setup = || Setup { variables: vec![("ATTRIBUTION_CONSENT", "required".into())], ..Setup::default() };
    each_app_with(setup, async |app| {
        let browser = app.browser();
        let page = Page::open(&browser, "/", &[PREFETCH, GOOGLE]).await;
        assert!(page.text.contains(r#"name="beacon""#));
        page.beacon(&browser).await;
        assert_eq!(touches(&app).await, [], "the visitor has not decided");
        let beacon: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(page.fields()).finish();
        browser.post("/api/consent", &[("choice", "yes"), ("beacon", &beacon)]).send().await.expect("an answer");
        assert_eq!(touches(&app).await, [touch("google", None, "{}", 1)]);
        // A visitor who agreed has a page that knows its touch.
        let page = Page::open(&browser, &format!("/?{QUERY}"), &[]).await;
        page.beacon(&browser).await;
        assert_eq!((touches(&app).await.len(), page.arrival.len()), (2, 43));
    })
    .await;
}

/// A page shows the id of its touch. Somebody who reads the page's HTML knows the id.
#[tokio::test]
async fn the_id_of_a_touch_does_not_claim_the_touch() {
    each_app(async |app| {
        Page::open(&app.browser(), &format!("/?{QUERY}"), &[]).await;
        let (id, owner): (TouchId, VisitorId) =
            sql("select id, visitor_id from touches").fetch_one(&mut app.conn().await).await.expect("a touch");
        // The cookie of touches that wait for the database is not signed.
        let now = app.db.now();
        let stolen = json!([{ "i": id, "t": now - DAY, "q": "utm_source=thief", "p": "/" }]);
        let cookie = format!("waymark-waiting={}", BASE64_URL_SAFE_NO_PAD.encode(stolen.to_string()));
        app.browser().get("/").header("cookie", cookie).send().await.expect("an answer");
        let rows: Vec<(String, VisitorId, Timestamp)> = sql(
            "select t.source, v.id, v.first_seen_at from touches t join visitors v on v.id = t.visitor_id order by 1",
        )
        .fetch_all(&mut app.conn().await)
        .await
        .expect("rows");
        let [(google, victim, _), (thief, visitor, first_seen_at)] = &rows[..] else { panic!("two touches: {rows:?}") };
        assert_eq!((google.as_str(), *victim, thief.as_str()), ("google", owner, "thief"));
        assert_ne!(*visitor, owner);
        assert!(
            *first_seen_at >= now - Duration::from_mins(1),
            "a cookie does not say since when its visitor is known"
        );
    })
    .await;
}

#[tokio::test]
async fn a_users_touch_changes_only_in_the_users_browser() {
    each_app(async |app| {
        let browser = app.browser();
        let mut page = Page::open(&browser, &format!("/?{QUERY}"), &[]).await;
        browser.register("maria@example.com").await;
        page.fragment = "gclid=x".into();
        page.beacon(&app.browser()).await;
        assert_eq!(touches(&app).await, [touch("google", Some("spring"), "{}", 1)]);
        page.beacon(&browser).await;
        assert_eq!(touches(&app).await, [touch("google", Some("spring"), r#"{"gclid":"x"}"#, 1)]);
    })
    .await;
}
