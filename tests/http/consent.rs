//! Consent: nothing is stored before it, no landing is lost, and withdrawing is as easy as agreeing.

use std::time::Duration;

use reqwest::{Response, StatusCode, header};

use crate::support::{Browser, Setup, TestApp, each_app, each_app_with, set_cookies};
use waymark::{
    db::sql,
    timestamp::{MILLISECOND, Timestamp},
};

pub const LANDING: &str = "/?utm_source=google&utm_medium=cpc&utm_campaign=spring&gclid=AbC&page=2";

pub fn required() -> Setup {
    Setup { variables: vec![("ATTRIBUTION_CONSENT", "required".into())], ..Setup::default() }
}

/// Returns the hidden fields of the banner on a page. A page without a banner has none.
pub fn banner(page: &str) -> Vec<(String, String)> {
    let Some(at) = page.find(r#"action="/api/consent""#) else { return Vec::new() };
    let form = &page[at..at + page[at..].find("</form>").expect("a form's end")];
    let attribute = |input: &str, name: &str| {
        let from = input.find(&format!(r#" {name}=""#))? + name.len() + 3;
        Some(input[from..from + input[from..].find('"')?].replace("&amp;", "&"))
    };
    form.split("<input")
        .skip(1)
        .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value").unwrap_or_default())))
        .collect()
}

pub async fn decide(browser: &Browser, fields: &[(String, String)], choice: &str) -> Response {
    let mut fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.push(("choice", choice));
    browser.post("/api/consent", &fields).send().await.expect("an answer")
}

async fn rows(app: &TestApp) -> i64 {
    let mut sum = 0;
    for table in ["visitors", "touches", "tower_sessions", "consents"] {
        sum += app.count(format!("select count(*) from {table}")).await;
    }
    sum
}

#[tokio::test]
async fn before_consent_nothing_after_it_the_landing_s_touch_with_the_landing_s_time() {
    each_app_with(required, async |app| {
        let browser = app.browser();
        let before = app.db.operations();
        let landed = app.db.now();
        let response = browser.get(LANDING).send().await.expect("an answer");
        assert!(set_cookies(&response).is_empty());
        let fields = banner(&response.text().await.expect("text"));
        assert!(fields.iter().any(|(name, value)| name == "landing" && !value.is_empty()), "{fields:?}");
        let looked_around = browser.get("/login").send().await.expect("an answer");
        assert!(set_cookies(&looked_around).is_empty());
        assert_eq!(app.db.operations(), before, "no query");
        assert_eq!(rows(&app).await, 0);

        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let agreed = app.db.now();
        let response = decide(&browser, &fields, "yes").await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers()["location"], "/?page=2", "without what has become a touch");
        assert!(set_cookies(&response).iter().any(|cookie| cookie.starts_with("waymark-consent=yes.")));
        let (at, campaign, ids): (Timestamp, String, String) =
            sql("select occurred_at, campaign, click_ids from touches")
                .fetch_one(&mut app.conn().await)
                .await
                .expect("one touch");
        assert!((landed - 5 * MILLISECOND..agreed - 200 * MILLISECOND).contains(&at), "{landed:?} {at:?} {agreed:?}");
        assert_eq!((campaign.as_str(), ids.as_str()), ("spring", r#"{"gclid":"AbC"}"#));
        assert_eq!(app.count("select count(*) from consents where granted and wording = '1'").await, 1);

        // The form sent again, after the back button, is a repeat of the touch.
        decide(&browser, &fields, "yes").await;
        assert_eq!(app.count("select count(*) from touches").await, 1);
        // From now on arrivals are captured at once, and the banner is gone.
        let page = browser.text("/?utm_source=second").await;
        assert!(banner(&page).is_empty());
        assert_eq!(app.count("select count(*) from touches").await, 2);
        browser.register("maria@example.com").await;
        assert_eq!(app.count("select count(*) from lead_sources").await, 2);
    })
    .await;
}

#[tokio::test]
async fn who_declines_is_not_asked_and_not_captured() {
    each_app_with(required, async |app| {
        let browser = app.browser();
        let fields = banner(&browser.text(LANDING).await);
        let response = decide(&browser, &fields, "no").await;
        let cookies = set_cookies(&response);
        assert_eq!(cookies.len(), 1, "{cookies:?}");
        assert!(cookies[0].starts_with("waymark-consent=no.") && cookies[0].contains("HttpOnly"), "{cookies:?}");
        let response = browser.get(LANDING).send().await.expect("an answer");
        assert!(set_cookies(&response).is_empty());
        assert!(banner(&response.text().await.expect("text")).is_empty());
        assert_eq!(rows(&app).await, 0);
        // The visitor can still create an account, which has no lead source.
        browser.register("maria@example.com").await;
        browser.open(LANDING).await;
        assert_eq!(app.count("select count(*) from touches").await, 0);
    })
    .await;
}

#[tokio::test]
async fn taking_it_back_forgets_what_no_account_holds() {
    each_app_with(required, async |app| {
        let browser = app.browser();
        let fields = banner(&browser.text(LANDING).await);
        decide(&browser, &fields, "yes").await;
        assert_eq!(app.count("select count(*) from touches").await, 1);
        let page = browser.text("/privacy").await;
        assert!(page.contains("Withdraw consent"), "{page}");
        let response = decide(&browser, &[("next".into(), "/privacy".into())], "no").await;
        let cookies = set_cookies(&response);
        assert!(
            cookies.iter().any(|cookie| cookie.starts_with("waymark=;") && cookie.contains("Max-Age=0")),
            "{cookies:?}"
        );
        assert_eq!(app.count("select count(*) from touches").await, 0);
        assert_eq!(app.count("select count(*) from visitors").await, 0);
        browser.open("/?utm_source=again").await;
        assert_eq!(app.count("select count(*) from touches").await, 0);
        // Touches of a user stay with the account, where the user can erase them.
        let member = app.browser();
        let fields = banner(&member.text(LANDING).await);
        decide(&member, &fields, "yes").await;
        member.register("maria@example.com").await;
        decide(&member, &[], "no").await;
        assert_eq!(app.count("select count(*) from lead_sources").await, 1);
        assert_eq!(app.count("select count(*) from consents where not granted").await, 1);
        assert!(member.is_signed_in().await);
    })
    .await;
}

#[tokio::test]
async fn where_consent_is_implied_a_visitor_can_object() {
    each_app(async |app| {
        let browser = app.browser();
        let page = browser.text(LANDING).await;
        assert!(banner(&page).is_empty());
        assert_eq!(app.count("select count(*) from touches").await, 1);
        decide(&browser, &[("next".into(), "/privacy".into())], "no").await;
        assert_eq!(app.count("select count(*) from touches").await, 0);
        browser.open("/?utm_source=again").await;
        assert_eq!(app.count("select count(*) from touches").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_referral_link_waits_for_consent_too() {
    each_app_with(required, async |app| {
        let referrer = app.browser();
        referrer.register("otto@example.com").await;
        let page = referrer.text("/account").await;
        let at = page.find("/r/").expect("a referral link") + 3;
        let token: String = page[at..].chars().take_while(char::is_ascii_alphanumeric).collect();
        let sessions = app.count("select count(*) from tower_sessions").await;
        let browser = app.browser();
        let response = browser.get(&format!("/r/{token}?x=1")).send().await.expect("an answer");
        assert!(set_cookies(&response).is_empty());
        let target = response.headers()["location"].to_str().expect("text").to_owned();
        let fields = banner(&browser.text(&target).await);
        assert_eq!(app.count("select count(*) from tower_sessions").await, sessions);
        decide(&browser, &fields, "yes").await;
        browser.register("maria@example.com").await;
        assert_eq!(app.count("select count(*) from referrals").await, 1);
        let channel: String =
            sql("select channel from touches").fetch_scalar(&mut app.conn().await).await.expect("one touch");
        assert_eq!(channel, "Referral program");
    })
    .await;
}

#[tokio::test]
async fn nonsense_in_the_form_is_harmless() {
    each_app_with(required, async |app| {
        for (field, value) in [
            ("landing", "%%%"),
            ("landing", "W10"),
            ("beacon", "path=/&query=utm_source%3Dx%00"),
            ("at", "99999999999999999"),
            ("next", "//evil.example"),
            ("next", "https://evil.example/"),
            ("next", "/\\evil.example"),
            ("next", "/a\r\nset-cookie: x=y"),
        ] {
            let response = decide(&app.browser(), &[(field.into(), value.into())], "yes").await;
            assert_eq!(response.status(), StatusCode::SEE_OTHER, "{field}={value}");
            assert_eq!(response.headers()["location"], "/", "{field}={value}");
        }
        let response = decide(&app.browser(), &[], "perhaps").await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let forged = app.browser().post("/api/consent", &[("choice", "yes")]).header("sec-fetch-site", "cross-site");
        assert_eq!(forged.send().await.expect("an answer").status(), StatusCode::FORBIDDEN);
        // The form also holds what the page's script read.
        let fields = [("path", "/x"), ("query", ""), ("fragment", "utm_source=podcast")];
        let beacon = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let landed = app.db.now() - Duration::from_mins(1);
        let response =
            decide(&app.browser(), &[("beacon".into(), beacon), ("at".into(), landed.as_millis().to_string())], "yes")
                .await;
        assert!(response.headers().contains_key(header::SET_COOKIE));
        let at: Timestamp = sql("select occurred_at from touches where source = 'podcast'")
            .fetch_scalar(&mut app.conn().await)
            .await
            .expect("one touch");
        assert_eq!(at, landed);
    })
    .await;
}

#[tokio::test]
async fn who_looks_around_before_deciding_brings_the_landing_along() {
    each_app_with(required, async |app| {
        let browser = app.browser();
        let landed = app.db.now();
        // Follows a link from a page of this site, as a browser does.
        let follow = async |from: String, to: &str| {
            let mut at = format!("{}{to}", app.url);
            loop {
                let path = at.strip_prefix(&app.url).expect("a page of ours").to_owned();
                let request = browser.get(&path).header(header::REFERER, &from).header("sec-fetch-site", "same-origin");
                let response = request.send().await.expect("an answer");
                assert!(set_cookies(&response).is_empty(), "{path}");
                if response.status() != StatusCode::SEE_OTHER {
                    assert_eq!(response.status(), StatusCode::OK, "{path}");
                    assert_eq!(response.headers()["cache-control"], "no-store", "{path}");
                    return (at, response.text().await.expect("text"));
                }
                at = format!("{}{}", app.url, response.headers()["location"].to_str().expect("text"));
            }
        };
        browser.open(LANDING).await;
        let mut from = format!("{}{LANDING}", app.url);
        let mut page = String::new();
        for to in ["/login", "/privacy?a=b", "/account?c=d", "/", "/register"] {
            (from, page) = follow(from, to).await;
            assert!(from.contains("_wm="), "{from}");
        }
        assert_eq!(rows(&app).await, 0);
        let response = decide(&browser, &banner(&page), "yes").await;
        assert_eq!(response.headers()["location"], "/register");
        let (at, path, internal): (Timestamp, String, bool) =
            sql("select occurred_at, landing_path, internal from touches")
                .fetch_one(&mut app.conn().await)
                .await
                .expect("one touch");
        assert_eq!((path.as_str(), internal), ("/", false));
        assert!(at >= landed - 5 * MILLISECOND, "{at:?}");
        // No landing is carried from another site's page, to a path without a page, or from a text that cannot be read.
        for (path, referer) in [
            ("/login", format!("https://elsewhere.example{LANDING}")),
            ("/login", format!("{}/?_wm=nonsense", app.url)),
            ("/login", format!("{}/?a=b", app.url)),
            ("/api/none", from.clone()),
        ] {
            let stranger = app.browser();
            let response = stranger.get(path).header(header::REFERER, &referer).send().await.expect("an answer");
            assert_ne!(response.status(), StatusCode::SEE_OTHER, "{path} from {referer}");
        }
        // A page for users redirects to the sign-in page, and the address carries the landing.
        let closed = app.browser().get("/account?utm_source=closed").send().await.expect("an answer");
        let location = closed.headers()["location"].to_str().expect("text").to_owned();
        assert!(location.starts_with("/login?next=%2Faccount%3Futm_source%3Dclosed&_wm="), "{location}");
        // Where the sign-in leads back to carries no landing.
        let carried = location.split_once("&_wm=").expect("a landing").1;
        let request = app.browser().get(&format!("/account?a=b&_wm={carried}")).header("sec-fetch-site", "same-origin");
        let location =
            request.send().await.expect("an answer").headers()["location"].to_str().expect("text").to_owned();
        assert!(location.starts_with("/login?next=%2Faccount%3Fa%3Db&_wm="), "{location}");
    })
    .await;
}

#[tokio::test]
async fn a_copy_of_a_page_takes_nobody_s_touch() {
    each_app_with(required, async |app| {
        let page = app.browser().text("/?utm_source=first").await;
        let mut fields = banner(&page);
        let beacon = |source: &str| {
            let query = format!("utm_source={source}");
            form_urlencoded::Serializer::new(String::new())
                .append_pair("path", "/")
                .append_pair("query", &query)
                .finish()
        };
        for source in ["one", "two"] {
            fields.retain(|(name, _)| name != "beacon");
            fields.push(("beacon".into(), beacon(source)));
            decide(&app.browser(), &fields, "yes").await;
        }
        assert_eq!(app.count("select count(distinct source) from touches where source in ('one', 'two')").await, 2);
    })
    .await;
}

#[tokio::test]
async fn machines_and_forged_times_leave_nothing() {
    each_app_with(required, async |app| {
        let fields = banner(&app.browser().text(LANDING).await);
        let mut form: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        form.push(("choice", "yes"));
        let bot =
            app.browser().post("/api/consent", &form).header("user-agent", "Mozilla/5.0 (compatible; Googlebot/2.1)");
        bot.send().await.expect("an answer");
        assert_eq!(app.count("select count(*) from touches").await, 0);
        // With Sec-GPC the waiting click id is dropped.
        let browser = app.browser();
        browser.post("/api/consent", &form).header("sec-gpc", "1").send().await.expect("an answer");
        assert_eq!(app.count("select count(*) from touches where click_ids = '{}'").await, 1);
        // Agreeing several times is one decision.
        for _ in 0..5 {
            browser.post("/api/consent", &[("choice", "yes")]).send().await.expect("an answer");
        }
        assert_eq!(app.count("select count(*) from consents").await, 1);
        // A decision's time in the far future is not stored.
        let forged = app.browser().get("/?utm_source=x").header("cookie", "waymark-consent=yes.1.9223372036854775807");
        forged.send().await.expect("an answer");
        let latest = app.count("select max(decided_at) from consents").await;
        assert!(latest <= app.db.now().as_millis(), "{latest}");
    })
    .await;
}

#[tokio::test]
async fn a_member_who_changes_their_mind_again_and_again_adds_no_rows() {
    each_app(async |app| {
        let member = app.browser();
        member.open(LANDING).await;
        member.register("maria@example.com").await;
        decide(&member, &[], "no").await;
        let first = app.count("select decided_at from consents").await;
        for _ in 0..20 {
            decide(&member, &[], "yes").await;
            decide(&member, &[], "no").await;
        }
        assert_eq!(app.count("select count(*) from consents").await, 20);
        assert_eq!(app.count("select min(decided_at) from consents").await, first, "the first decision is kept");
        let latest =
            "select count(*) from (select granted from consents order by decided_at desc limit 1) t where not granted";
        assert_eq!(app.count(latest).await, 1, "and the latest");
    })
    .await;
}
