//! Which arrivals count, what is counted of the others, and merged campaign names in reports.

use reqwest::StatusCode;
use waymark::db::sql;

use crate::support::{Browser, CHROME, TestApp, each_app, header, set_cookies};

/// Returns the counts by reason, over all days.
async fn counters(app: &TestApp) -> Vec<(String, i64)> {
    sql("select reason, cast(sum(count) as bigint) from ignored_arrivals group by reason order by reason")
        .fetch_all(&mut app.conn().await)
        .await
        .expect("rows")
}

async fn touch(browser: &Browser, query: &str) {
    assert_eq!(browser.open(&format!("/?{query}")).await, StatusCode::OK);
}

/// Returns campaign and touches of each row of `campaigns.csv`, without campaigns that have no touch.
async fn campaigns_csv(admin: &Browser, query: &str) -> Vec<(String, String)> {
    let text = admin.text(&format!("/admin/campaigns.csv?{query}")).await;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().expect("a header").clone();
    let column = |name| headers.iter().position(|header| header == name).expect("the column");
    let (campaign, touches) = (column("campaign"), column("touches"));
    let mut rows: Vec<_> = reader
        .records()
        .map(|record| record.expect("a record"))
        .map(|record| (record[campaign].to_owned(), record[touches].to_owned()))
        .filter(|(_, touches)| touches != "0")
        .collect();
    rows.sort();
    rows
}

fn rows(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(campaign, touches)| ((*campaign).to_owned(), (*touches).to_owned())).collect()
}

#[tokio::test]
async fn what_does_not_count_leaves_nothing_but_its_counter() {
    let requests: &[(&str, &str, &str)] = &[
        ("user-agent", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot_crawler"),
        ("user-agent", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)", "bot_ai"),
        ("user-agent", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "bot_preview"),
        ("user-agent", "WhatsApp/2.23.20.0 A", "bot_preview"),
        ("user-agent", "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", "bot_monitor"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/140.0.0.0 Safari/537.36", "bot_headless"),
        ("user-agent", "curl/8.5.0", "bot_library"),
        ("user-agent", "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "bot_other"),
        ("user-agent", "", "bot_other"),
        ("from", "crawler@example.com", "bot_other"),
        ("signature-agent", "\"https://chatgpt.com\"", "signed_agent"),
        ("sec-ch-ua", "\"HeadlessChrome\";v=\"140\"", "bot_headless"),
        ("sec-purpose", "prefetch;prerender", "prefetch"),
        ("purpose", "prefetch", "prefetch"),
        ("x-purpose", "preview", "prefetch"),
        ("x-moz", "prefetch", "prefetch"),
        ("sec-fetch-dest", "image", "not_document"),
        ("accept", "application/json", "not_document"),
    ];
    each_app(async |app| {
        let admin = app.admin().await;
        let browser = app.browser();
        // The admin has a session and is a visitor.
        let rows = async || {
            let touches = app.count("select count(*) from touches").await;
            let visitors = app.count("select count(*) from visitors").await;
            (touches, visitors, app.count("select count(*) from tower_sessions").await)
        };
        let before = rows().await;
        let mut expected = std::collections::BTreeMap::new();
        for (name, value, reason) in requests {
            let request = browser.get("/?utm_source=news&gclid=abc").header(*name, *value);
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::OK, "{name}: {value}");
            assert_eq!(set_cookies(&response), [""; 0], "{name}: {value}");
            *expected.entry((*reason).to_owned()).or_insert(0) += 1;
        }
        // A request without a signal is not counted.
        assert_eq!(browser.get("/").header("user-agent", "curl/8.5.0").send().await.expect("an answer").status(), 200);
        assert_eq!(rows().await, before);
        // The page writes the waiting counts to the database and shows the reasons.
        let page = admin.text("/admin/quality").await;
        assert_eq!(counters(&app).await, expected.into_iter().collect::<Vec<_>>());
        for words in ["Search crawlers", "Link previews", "Prefetched", "Not a page load", "HTTP libraries"] {
            assert!(page.contains(words), "{words}");
        }
        assert!(admin.text("/admin/quality?from=2020-01-01&to=2020-01-31").await.contains("Everything counted"));
        // Each count is written once.
        admin.text("/admin/quality").await;
        assert_eq!(counters(&app).await.iter().map(|(_, count)| count).sum::<i64>(), requests.len() as i64);
    })
    .await;
}

#[tokio::test]
async fn placeholders_are_counted_by_the_name_of_their_parameter() {
    each_app(async |app| {
        let admin = app.admin().await;
        let before = app.count("select count(*) from touches").await;
        for query in [
            // Each browser brings a touch, but the last two bring none.
            "utm_source=news&utm_campaign={{campaign.name}}",
            "utm_source=blog&utm_campaign=%%CAMPAIGN%%&gclid={gclid}",
            "utm_source=tiktok&ttclid=__CLICKID__",
            "utm_source=(not%20set)&utm_medium=(none)",
            "utm_source=undefined",
        ] {
            let response = app.browser().get(&format!("/?{query}")).send().await.expect("an answer");
            let counts = !query.starts_with("utm_source=(not") && !query.ends_with("undefined");
            assert_eq!(set_cookies(&response).len(), usize::from(counts), "{query}");
        }
        let bot = app.browser().get("/?utm_term={keyword}").header("user-agent", "curl/8.5.0");
        assert_eq!(bot.send().await.expect("an answer").status(), StatusCode::OK);
        assert_eq!(app.count("select count(*) from touches").await, before + 3);
        let page = admin.text("/admin/quality").await;
        let expected = [
            ("bot_library", 1),
            ("placeholder_gclid", 1),
            ("placeholder_ttclid", 1),
            ("placeholder_utm_campaign", 2),
            ("placeholder_utm_medium", 1),
            ("placeholder_utm_source", 2),
            ("placeholders", 2),
        ];
        assert_eq!(counters(&app).await, expected.map(|(reason, count)| (reason.to_owned(), count)));
        for words in ["Left out of links", "A placeholder in utm_campaign", "Nothing but placeholders"] {
            assert!(page.contains(words), "{words}: {page}");
        }
        // What is left out of a link is no arrival that did not count.
        assert!(!page.contains("placeholder_"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn people_in_apps_count() {
    const APPS: [&str; 4] = [
        CHROME,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22F76 Instagram 382.0.0.20.90 (iPhone14,5; iOS 18_5; en_US)",
        "Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/470.1;]",
        "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
    ];
    each_app(async |app| {
        for agent in APPS {
            let request = app.browser().get("/?utm_source=news").header("user-agent", agent);
            let response = request.send().await.expect("an answer");
            assert_eq!(set_cookies(&response).len(), 1, "{agent}");
        }
        assert_eq!(app.count("select count(*) from touches").await, APPS.len() as i64);
        app.admin().await.text("/admin/quality").await;
        assert_eq!(counters(&app).await, []);
    })
    .await;
}

#[tokio::test]
async fn campaigns_merge_and_unmerge() {
    each_app(async |app| {
        let admin = app.admin().await;
        let visitor = app.browser();
        for campaign in ["spring_sale", "spring_sale", "spring-sale", "springsale", "autumn"] {
            // Each touch has another content. Otherwise it would be a repeat.
            touch(
                &visitor,
                &format!("utm_source=news&utm_medium=email&utm_campaign={campaign}&utm_content={campaign}"),
            )
            .await;
        }
        touch(&app.browser(), "utm_source=news&utm_medium=email&utm_campaign=spring_sale").await;
        visitor.register("member@example.com").await;
        let apart = rows(&[("autumn", "1"), ("spring-sale", "1"), ("spring_sale", "2"), ("springsale", "1")]);
        assert_eq!(campaigns_csv(&admin, "").await, apart);
        let page = admin.text("/admin/quality?period=7d").await;
        assert!(page.contains("Merge spring-sale into spring_sale"), "{page}");
        assert!(page.contains("Merge springsale into spring_sale"), "{page}");
        assert!(!page.contains("autumn"));

        let form = [("alias", "Spring-Sale"), ("campaign", "spring_sale"), ("query", "period=7d&x=//evil.example")];
        let response = admin.post("/api/campaign-aliases", &form).send().await.expect("an answer");
        assert_eq!(
            (response.status(), header(&response, "location")),
            (StatusCode::SEE_OTHER, "/admin/quality?period=7d")
        );
        let page = admin.text("/admin/quality?period=7d").await;
        assert!(page.contains("“spring-sale” is merged into “spring_sale”."), "{page}");
        assert!(page.contains("Undo the merging of spring-sale into spring_sale"));
        assert!(!page.contains("Merge spring-sale into"));
        admin
            .post("/api/campaign-aliases", &[("alias", "springsale"), ("campaign", "spring-sale")])
            .send()
            .await
            .expect("an answer");

        // Every report and filter finds the campaign by each of its names.
        let merged = rows(&[("autumn", "1"), ("spring_sale", "4")]);
        assert_eq!(campaigns_csv(&admin, "").await, merged);
        for name in ["spring_sale", "spring-sale", "SpringSale"] {
            assert_eq!(campaigns_csv(&admin, &format!("campaign={name}")).await, merged[1..], "{name}");
        }
        assert_eq!(campaigns_csv(&admin, "q=ing_sale").await, merged[1..]);
        // A search for a part of a merged name finds only the touches whose link had that name.
        assert_eq!(campaigns_csv(&admin, "q=ingsale").await, rows(&[("spring_sale", "1")]));
        let campaigns = admin.text("/admin/campaigns?campaign=spring_sale").await;
        assert!(
            campaigns.contains("spring_sale")
                && !campaigns.contains("springsale")
                && !campaigns.contains("spring-sale")
        );
        let leads = app.leads_csv(&admin).await;
        assert_eq!(leads.iter().filter(|lead| &lead[5] == "spring_sale").count(), 3);
        assert_eq!(leads.iter().filter(|lead| lead[5].contains("springsale")).count(), 0);
        // The touches keep the campaign of their link.
        assert_eq!(app.count("select count(*) from touches where campaign = 'springsale'").await, 1);

        for alias in ["spring-sale", "springsale"] {
            let form = [("alias", alias), ("query", "")];
            let response = admin.post("/api/campaign-aliases/remove", &form).send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::SEE_OTHER);
        }
        assert_eq!(campaigns_csv(&admin, "").await, apart);
    })
    .await;
}

#[tokio::test]
async fn merging_says_what_is_wrong_and_is_for_admins() {
    each_app(async |app| {
        let form = [("alias", "a"), ("campaign", "b")];
        let signed_out = app.browser().post_json("/api/campaign-aliases", &form).send().await.expect("an answer");
        assert_eq!(signed_out.status(), StatusCode::UNAUTHORIZED);
        let member = app.member("member@example.com").await;
        for path in ["/api/campaign-aliases", "/api/campaign-aliases/remove"] {
            let response = member.post_json(path, &form).send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
        }
        assert_eq!(member.open("/admin/quality").await, StatusCode::FORBIDDEN);
        assert_eq!(app.count("select count(*) from campaign_aliases").await, 0);

        let admin = app.admin().await;
        assert_eq!(admin.post_json("/api/campaign-aliases", &form).send().await.expect("an answer").status(), 200);
        for (alias, campaign, message) in [
            ("b", "a", "“a” is merged into “b” already. Undo that first."),
            ("x", "X", "A campaign cannot be merged into itself."),
            ("", "x", "Give both names."),
        ] {
            let form = [("alias", alias), ("campaign", campaign)];
            let response = admin.post("/api/campaign-aliases", &form).send().await.expect("an answer");
            let page = admin.text(header(&response, "location")).await;
            assert!(page.contains(message), "{message}");
        }
        assert_eq!(app.count("select count(*) from campaign_aliases").await, 1);
    })
    .await;
}
