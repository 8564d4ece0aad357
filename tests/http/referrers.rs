//! Referrers that become touches, and referrers from which a visitor only returns.

use reqwest::{Response, header};

use crate::support::{Browser, Setup, TestApp, each_app, each_app_with};

async fn from(browser: &Browser, path: &str, referer: &str) -> Response {
    browser.get(path).header(header::REFERER, referer).send().await.expect("an answer")
}

/// Returns source, medium, channel, referrer and hits of all touches, in order.
async fn touches(app: &TestApp) -> Vec<(Option<String>, Option<String>, String, Option<String>, i64)> {
    waymark::db::sql("select source, medium, channel, referrer, hits from touches order by occurred_at, id")
        .fetch_all(&mut app.conn().await)
        .await
        .expect("rows")
}

#[tokio::test]
async fn a_page_elsewhere_is_where_a_visitor_came_from() {
    each_app(async |app| {
        for (referer, source, medium, channel) in [
            ("https://www.google.de/", "google", "organic", "Organic Search"),
            ("https://l.facebook.com/", "facebook", "social", "Organic Social"),
            ("https://chatgpt.com/", "chatgpt", "ai-assistant", "AI Assistants"),
            ("https://mail.google.com/", "gmail", "email", "Email"),
            ("https://blog.example.net/2026/a-review?secret=1", "blog.example.net", "referral", "Referral"),
        ] {
            app.execute(waymark::db::sql("delete from touches")).await;
            let response = from(&app.browser(), "/pricing?page=2", referer).await;
            assert!(response.headers().contains_key(header::SET_COOKIE), "{referer}");
            let touches = touches(&app).await;
            assert_eq!(touches.len(), 1, "{referer}");
            let (got_source, got_medium, got_channel, referrer, _) = &touches[0];
            assert_eq!(
                (got_source.as_deref(), got_medium.as_deref(), got_channel.as_str()),
                (Some(source), Some(medium), channel),
                "{referer}"
            );
            assert!(!referrer.as_deref().unwrap_or_default().contains("secret"), "{referrer:?}");
        }
        assert_eq!(app.count("select count(*) from touches where derived and origin = 'referrer'").await, 1);
    })
    .await;
}

#[tokio::test]
async fn the_way_back_from_paying_or_signing_in_changes_nothing() {
    let setup = || Setup {
        variables: vec![("ATTRIBUTION_IGNORED_REFERRERS", "partner.example/return, sso.example".into())],
        ..Setup::default()
    };
    each_app_with(setup, async |app| {
        let own = format!("{}/account", app.url);
        let before = app.db.operations();
        for referer in [
            "https://checkout.stripe.com/c/pay/cs_test_123",
            "https://accounts.google.com/",
            "https://www.paypal.com/checkoutnow",
            "https://github.com/login/oauth/authorize",
            "https://partner.example/return/42",
            "https://login.sso.example/",
            own.as_str(),
            "about:blank",
            "nonsense",
        ] {
            let response = from(&app.browser(), "/account?order=7", referer).await;
            assert!(!response.headers().contains_key(header::SET_COOKIE), "{referer}");
        }
        assert_eq!(app.db.operations(), before, "no query");
        // A link with signals counts. A page of the same host that is not part of a sign-in or payment counts too.
        for (path, referer) in [
            ("/?utm_source=stripe&utm_medium=partner", "https://checkout.stripe.com/c/pay/cs_test_123"),
            ("/?gclid=x", "https://accounts.google.com/"),
            ("/", "https://github.com/someone/list"),
            ("/", "https://partner.example/blog"),
        ] {
            let response = from(&app.browser(), path, referer).await;
            assert!(response.headers().contains_key(header::SET_COOKIE), "{path} from {referer}");
        }
        assert_eq!(app.count("select count(*) from touches").await, 4);
    })
    .await;
}

#[tokio::test]
async fn the_answer_of_any_identity_provider_is_no_arrival() {
    let setup = || Setup {
        routes: axum::Router::new()
            .route("/auth/callback", axum::routing::get(async || axum::response::Redirect::to("/account"))),
        ..Setup::default()
    };
    each_app_with(setup, async |app| {
        let before = app.db.operations();
        for (path, referer) in [
            ("/auth/callback?code=3f1c&state=x", "https://github.com/"),
            ("/auth/callback?state=x&code=3f1c", "https://www.facebook.com/v19.0/dialog/oauth"),
            ("/auth/callback?error=access_denied&state=x", "https://sso.customer.example/"),
            ("/auth/callback?oauth_token=a&oauth_verifier=b", "https://api.twitter.com/"),
            ("/auth/callback?ticket=ST-1-x", "https://cas.university.example/"),
        ] {
            let response = from(&app.browser(), path, referer).await;
            assert!(!response.headers().contains_key(header::SET_COOKIE), "{path}");
            // A browser that obeys this header sends no `Referer` to /account.
            assert_eq!(crate::support::header(&response, "referrer-policy"), "no-referrer", "{path}");
        }
        let page = from(&app.browser(), "/login?SAMLResponse=fVLJ", "https://idp.example/").await;
        assert!(!page.headers().contains_key(header::SET_COOKIE));
        assert_eq!(crate::support::header(&page, "referrer-policy"), "strict-origin-when-cross-origin", "a page");
        assert_eq!(app.db.operations(), before, "no query");
        // A code alone belongs to a coupon site, and an explicit signal is never ignored.
        for (path, referer, source) in [
            ("/?code=SAVE10", "https://coupons.example/", "coupons.example"),
            ("/?code=3f1c&state=x&utm_source=news", "https://github.com/", "news"),
            ("/?code=3f1c&state=x&gclid=y", "https://github.com/", "google"),
            ("/", "https://github.com/someone/list", "github.com"),
        ] {
            app.execute(waymark::db::sql("delete from touches")).await;
            let response = from(&app.browser(), path, referer).await;
            assert_eq!(crate::support::header(&response, "referrer-policy"), "strict-origin-when-cross-origin");
            assert_eq!(touches(&app).await[0].0.as_deref(), Some(source), "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn our_own_site_is_no_source_whatever_its_host_is_called() {
    let setup = || Setup { variables: vec![("SITE_URL", "https://www.shop.example".into())], ..Setup::default() };
    each_app_with(setup, async |app| {
        let open = async |path: &str, referer: &str, site: &str| {
            let request = app.browser().get(path).header(header::REFERER, referer).header("sec-fetch-site", site);
            request.send().await.expect("an answer")
        };
        let before = app.db.operations();
        for (referer, site) in [
            ("https://shop.example/", "cross-site"),
            ("https://www.shop.example/", "cross-site"),
            ("https://blog.shop.example/a", "same-site"),
            ("https://docs.shop.example/", "cross-site"),
            ("https://other.example/", "same-site"),
            ("https://shop-example.cdn.ampproject.org/v/s/shop.example/a", "cross-site"),
            ("https://www-shop-example.translate.goog/", "cross-site"),
            ("https://blog-shop-example.translate.goog/", "cross-site"),
        ] {
            for path in ["/", "/login?page=2"] {
                let response = open(path, referer, site).await;
                assert!(!response.headers().contains_key(header::SET_COOKIE), "{path} from {referer}");
            }
        }
        assert_eq!(app.db.operations(), before, "no query");
        for (referer, source, channel) in [
            ("https://myshop.example/", "myshop.example", "Referral"),
            ("https://shop.example.evil.example/", "shop.example.evil.example", "Referral"),
            ("https://my--shop-example.translate.goog/", "my-shop.example", "Referral"),
            ("https://www-reddit-com.translate.goog/r/rust", "reddit", "Organic Social"),
            ("https://news-site-example.cdn.ampproject.org/", "news.site.example", "Referral"),
        ] {
            app.execute(waymark::db::sql("delete from touches")).await;
            open("/", referer, "cross-site").await;
            let touch = touches(&app).await.remove(0);
            assert_eq!((touch.0.as_deref(), touch.2.as_str()), (Some(source), channel), "{referer}");
        }
        // A link with signals is kept, as internal.
        app.execute(waymark::db::sql("delete from touches")).await;
        open("/?utm_source=a", "https://blog.shop.example/", "same-site").await;
        open("/?utm_source=b", "https://shop-example.cdn.ampproject.org/", "cross-site").await;
        open("/?utm_source=c", "", "same-origin").await;
        assert_eq!(app.count("select count(*) from touches where internal").await, 3);
        open("/?utm_source=d", "https://other.example/", "cross-site").await;
        assert_eq!(app.count("select count(*) from touches where not internal").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_return_from_paying_leaves_the_visitor_s_touches_as_they_are() {
    each_app(async |app| {
        let browser = app.browser();
        browser.open("/?utm_source=newsletter&utm_medium=email").await;
        let before = touches(&app).await;
        from(&browser, "/thanks", "https://checkout.stripe.com/c/pay/cs_test_123").await;
        from(&browser, "/account", "https://accounts.google.com/").await;
        assert_eq!(touches(&app).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_redirect_that_drops_the_query_is_the_same_arrival() {
    each_app(async |app| {
        let browser = app.browser();
        from(&browser, "/old?utm_source=facebook&utm_medium=paid_social", "https://l.facebook.com/").await;
        from(&browser, "/new", "https://l.facebook.com/").await;
        let touches = touches(&app).await;
        assert_eq!(touches.len(), 1, "{touches:?}");
        assert_eq!((touches[0].0.as_deref(), touches[0].4), (Some("facebook"), 2));
        // The same page with another referrer is another arrival.
        from(&browser, "/new", "https://www.google.com/").await;
        assert_eq!(app.count("select count(*) from touches").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_referral_link_on_a_page_elsewhere_is_one_arrival() {
    each_app(async |app| {
        let admin = app.admin().await;
        let page = admin.text("/account").await;
        let at = page.find("/r/").expect("a referral link") + 3;
        let token: String = page[at..].chars().take_while(char::is_ascii_alphanumeric).collect();
        let browser = app.browser();
        let response = from(&browser, &format!("/r/{token}"), "https://t.co/abc").await;
        let target = response.headers()["location"].to_str().expect("text").to_owned();
        from(&browser, &target, "https://t.co/abc").await;
        let touches = touches(&app).await;
        assert_eq!(touches.len(), 1, "{touches:?}");
        assert_eq!((touches[0].0.as_deref(), touches[0].2.as_str()), (Some("internal"), "Referral program"));
        assert_eq!(touches[0].3.as_deref(), Some("t.co/abc"), "and it is known where the link stood");
        // With an unknown token, neither the link nor the referrer makes a touch.
        let response = from(&app.browser(), "/r/unknown0000", "https://t.co/abc").await;
        assert!(!response.headers().contains_key(header::SET_COOKIE));
    })
    .await;
}
