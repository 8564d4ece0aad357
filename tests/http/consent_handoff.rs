//! Before consent a landing travels in addresses and forms. People copy both, and neither may carry a landing to somebody else.

use std::time::Duration;

use reqwest::{StatusCode, header};

use crate::{
    consent::{LANDING, banner, decide, required},
    support::{Browser, each_app_with},
};

/// Follows a link from a page of this site as a browser does, with redirects. Returns the address and the page.
async fn follow(browser: &Browser, from: &str, to: &str, site: Option<&str>) -> (String, String) {
    let mut at = to.to_owned();
    for _ in 0..5 {
        let mut request = browser.get(&at);
        if !from.is_empty() {
            request = request.header(header::REFERER, format!("{}{from}", browser.url));
        }
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        let response = request.send().await.expect("an answer");
        if response.status() != StatusCode::SEE_OTHER {
            return (at, response.text().await.expect("text"));
        }
        at = response.headers()["location"].to_str().expect("text").to_owned();
    }
    panic!("{to} from {from} redirects for ever, to {at}");
}

#[tokio::test]
async fn a_copied_address_carries_nothing() {
    each_app_with(required, async |app| {
        let first = app.browser();
        first.open(LANDING).await;
        let (copied, page) = follow(&first, LANDING, "/privacy?a=b", Some("same-origin")).await;
        assert!(copied.starts_with("/privacy?a=b&_wm="), "{copied}");
        decide(&first, &banner(&page), "yes").await;
        // pasted, from a message, from another site, and by a browser that does not say
        for site in [Some("none"), Some("cross-site"), Some("same-site"), None] {
            let second = app.browser();
            let (at, page) = follow(&second, "", &copied, site).await;
            assert_eq!(at, "/privacy?a=b", "{site:?}");
            // neither do the pages after it
            let (next, page_after) = follow(&second, &at, "/login", Some("same-origin")).await;
            assert_eq!(next, "/login");
            for page in [page, page_after] {
                let fields = banner(&page);
                assert!(fields.contains(&("landing".to_owned(), String::new())), "{fields:?}");
                decide(&second, &fields, "yes").await;
            }
        }
        // a landing of one's own at a copied address is one's own
        let third = app.browser();
        let (at, page) = follow(&third, "", &format!("{copied}&utm_source=own"), Some("cross-site")).await;
        assert_eq!(at, "/privacy?a=b&utm_source=own");
        decide(&third, &banner(&page), "yes").await;
        let sources = "select count(*) from touches where source = 'google'";
        assert_eq!((app.count(sources).await, app.count("select count(*) from touches").await), (1, 2));
        first.register("first@example.com").await;
        assert_eq!(app.count("select count(*) from lead_sources").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_copied_form_takes_nobody_s_touch() {
    each_app_with(required, async |app| {
        let first = app.browser();
        let fields = banner(&first.text("/?utm_source=first").await);
        decide(&first, &fields, "yes").await;
        let thief = app.browser();
        decide(&thief, &fields, "yes").await;
        thief.register("thief@example.com").await;
        first.register("first@example.com").await;
        let leads =
            "select count(*) from lead_sources l join users u on u.id = l.user_id where u.email = 'first@example.com'";
        assert_eq!(app.count(leads).await, 1, "the touch stays with the visitor who agreed");
    })
    .await;
}

#[tokio::test]
async fn a_landing_waits_half_an_hour() {
    each_app_with(required, async |app| {
        let landing = |age: Duration| {
            let id = waymark::id::TouchId::new();
            let at = (app.db.now() - age).as_millis();
            let json = format!(r#"[{{"i":"{id}","t":{at},"q":"utm_source=waited","p":"/"}}]"#);
            base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, json)
        };
        for (age, expected) in [(Duration::from_mins(31), 0), (Duration::from_mins(29), 1)] {
            let landing = landing(age);
            let (_, page) = follow(&app.browser(), "/x", &format!("/login?_wm={landing}"), Some("same-origin")).await;
            let waits = !banner(&page).contains(&("landing".to_owned(), String::new()));
            assert_eq!(waits, expected == 1, "in the address");
            decide(&app.browser(), &[("landing".into(), landing)], "yes").await;
            assert_eq!(app.count("select count(*) from touches").await, expected, "in the form");
        }
    })
    .await;
}

#[tokio::test]
async fn no_parameter_of_a_page_makes_a_loop() {
    each_app_with(required, async |app| {
        let browser = app.browser();
        let nothing = "W10";
        for query in [
            "landing=summer",
            "landing=",
            "landing",
            "_wm=summer",
            "_wm=",
            "_wm",
            "_wm=a&_wm=b",
            "_wm=%25&_wm=",
            "_WM=x",
            "%5Fwm=x",
            "_wm[]=x",
            "a=1&_wm=W10",
            "next=%2F",
            "?",
            "&&",
            "=_wm",
            "_wm=W10&landing=_wm",
            nothing,
        ] {
            for site in [Some("same-origin"), Some("none"), Some("cross-site"), None] {
                for from in ["/?utm_source=a", "/?_wm=x&utm_source=a", ""] {
                    let (at, page) = follow(&browser, from, &format!("/login?{query}"), site).await;
                    assert!(at.starts_with(&format!("/login?{query}")) || query.contains("_wm"), "{at}");
                    assert!(page.contains("Sign in"), "{at}");
                }
            }
        }
    })
    .await;
}
