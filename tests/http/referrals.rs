//! Referral links and the users that they bring.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use waymark::{
    attribution::referral::token::{NewToken, create_token, disable_token},
    db::sql,
    timestamp::{DAY, MILLISECOND},
};

use crate::support::{Browser, Setup, TestApp, each_app, each_app_with, header, raw_request, set_cookies};

/// Returns the token on a member's account page.
async fn token_of(member: &Browser) -> String {
    let page = member.text("/account").await;
    let (_, rest) = page.split_once("/r/").expect("a referral link");
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}

async fn campaign_link(app: &TestApp, campaign: &str, landing: &str) -> String {
    let new = NewToken { campaign: campaign.into(), landing_path: landing.into(), expires_at: None };
    create_token(&app.db, new, &waymark::audit::Actor::command_line()).await.expect("a link")
}

async fn referrals(app: &TestApp) -> Vec<(String, String)> {
    sql("select u.email, r.token from referrals r join users u on u.id = r.referee_id order by r.created_at, u.email")
        .fetch_all(&mut app.conn().await)
        .await
        .expect("rows")
}

/// Follows a link and checks where it leads.
async fn follow(browser: &Browser, token: &str) {
    let response = browser.get(&format!("/r/{token}")).send().await.expect("an answer");
    assert_eq!((response.status(), header(&response, "location")), (StatusCode::SEE_OTHER, "/"), "{token}");
}

#[tokio::test]
async fn a_sign_up_through_a_members_link_is_one_lead_and_counts_for_the_member() {
    each_app(async |app| {
        let owner = app.member("owner@example.com").await;
        let token = token_of(&owner).await;
        assert_eq!(token, token_of(&owner).await, "it stays the same");
        assert!(owner.text("/account").await.contains("Nobody has signed up through this link yet."));

        let friend = app.browser();
        let response = friend.get(&format!("/r/{token}?page=2")).send().await.expect("an answer");
        assert_eq!((response.status(), header(&response, "location")), (StatusCode::SEE_OTHER, "/?page=2"));
        assert_eq!(set_cookies(&response).len(), 1);
        for _ in 0..2 {
            follow(&friend, &token).await;
        }
        friend.register("friend@example.com").await;
        friend.logout().await;
        friend.login("friend@example.com", crate::support::PASSWORD).await;

        let lead: (String, String, String, String, String, i64) =
            sql("select medium, source, campaign, term, channel, hits
            from lead_sources where term is not null")
            .fetch_one(&mut app.conn().await)
            .await
            .expect("one lead");
        assert_eq!(
            lead,
            ("referral".into(), "internal".into(), "referral".into(), token.clone(), "Referral program".into(), 3)
        );
        assert_eq!(referrals(&app).await, [("friend@example.com".into(), token)]);
        assert!(owner.text("/account").await.contains("1 person signed up through this link."));
    })
    .await;
}

#[tokio::test]
async fn a_referral_link_with_parameters_of_its_own_is_one_touch() {
    each_app(async |app| {
        let token = campaign_link(&app, "fair", "/").await;
        for (query, content, ids) in [
            ("utm_content=kept", Some("kept"), "{}"),
            ("utm_source=x&utm_medium=cpc&utm_term=y&gclid=AbC", None, r#"{"gclid":"AbC"}"#),
            ("fbclid=q&utm_content=a&utm_campaign=mine", Some("a"), r#"{"fbclid":"q"}"#),
        ] {
            app.execute(sql("delete from touches")).await;
            let browser = app.browser();
            let response = browser.get(&format!("/r/{token}?{query}")).send().await.expect("an answer");
            browser.open(header(&response, "location")).await;
            type Row = (String, String, String, String, Option<String>, String, String, i64);
            let rows: Vec<Row> =
                sql("select medium, source, campaign, term, content, click_ids, channel, hits from touches")
                    .fetch_all(&mut app.conn().await)
                    .await
                    .expect("rows");
            let channel = "Referral program".to_owned();
            let content = content.map(str::to_owned);
            let expected: Row =
                ("referral".into(), "internal".into(), "fair".into(), token.clone(), content, ids.into(), channel, 2);
            assert_eq!(rows, [expected], "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn before_consent_a_referral_link_with_parameters_waits_as_one_touch() {
    let setup = || Setup { variables: vec![("ATTRIBUTION_CONSENT", "required".into())], ..Setup::default() };
    each_app_with(setup, async |app| {
        let token = campaign_link(&app, "fair", "/").await;
        let browser = app.browser();
        let response =
            browser.get(&format!("/r/{token}?utm_content=kept&utm_medium=email")).send().await.expect("an answer");
        let page = browser.text(header(&response, "location")).await;
        let landing = page.split_once(r#"name="landing" value=""#).expect("a landing").1;
        let landing = landing.split('"').next().expect("a value");
        browser.post("/api/consent", &[("choice", "yes"), ("landing", landing)]).send().await.expect("an answer");
        let rows: Vec<(String, String, String)> =
            sql("select medium, term, content from touches").fetch_all(&mut app.conn().await).await.expect("rows");
        assert_eq!(rows, [("referral".into(), token, "kept".into())]);
    })
    .await;
}

#[tokio::test]
async fn what_does_not_count_gets_the_same_answer_and_leaves_nothing() {
    each_app(async |app| {
        let owner = app.member("owner@example.com").await;
        let token = token_of(&owner).await;
        let ended = campaign_link(&app, "ended", "/").await;
        assert!(disable_token(&app.db, ended.clone(), &waymark::audit::Actor::command_line()).await.expect("disabled"));
        let expired =
            NewToken { campaign: "old".into(), landing_path: "/".into(), expires_at: Some(app.db.now() - MILLISECOND) };
        let expired = create_token(&app.db, expired, &waymark::audit::Actor::command_line()).await.expect("a link");
        let sessions = app.count("select count(*) from tower_sessions").await;

        let link = format!("{}/r/{token}", app.url);
        let client = app.browser().client;
        let mut requests = vec![
            ("its owner", owner.get(&format!("/r/{token}"))),
            ("HEAD", client.request(Method::HEAD, &link)),
            ("a bot", client.get(&link).header("user-agent", "Googlebot/2.1 (+http://www.google.com/bot.html)")),
            ("a preview", client.get(&link).header("user-agent", "WhatsApp/2.23.20.0")),
            ("a prefetch", client.get(&link).header("sec-purpose", "prefetch;prerender")),
            ("an old prefetch", client.get(&link).header("purpose", "prefetch")),
            ("a picture", client.get(&link).header("sec-fetch-dest", "image")),
            ("a fetch", client.get(&link).header("sec-fetch-dest", "empty")),
            ("disabled", client.get(format!("{}/r/{ended}", app.url))),
            ("expired", client.get(format!("{}/r/{expired}", app.url))),
        ];
        let long = "x".repeat(33);
        for malformed in [
            "unknown23456",
            "short",
            &long,
            "%27or%271%27%3D%271",
            "a%00bcdefgh",
            "%FF%FEaaaaaa",
            "%E4%F6%FC",
            "..%2f..%2fadmin",
        ] {
            requests.push((malformed, client.get(format!("{}/r/{malformed}", app.url))));
        }
        for (what, request) in requests {
            let response = request.send().await.expect("an answer");
            assert_eq!((response.status(), header(&response, "location")), (StatusCode::SEE_OTHER, "/"), "{what}");
            assert_eq!(set_cookies(&response), [""; 0], "{what}");
            assert_eq!(header(&response, "cache-control"), "no-store", "{what}");
        }
        assert_eq!(app.count("select count(*) from touches").await, 0);
        assert_eq!(app.count("select count(*) from tower_sessions").await, sessions);
        // The signed-out owner is a visitor like any other, and cannot become their own referrer.
        owner.logout().await;
        follow(&owner, &token).await;
        owner.login("owner@example.com", crate::support::PASSWORD).await;
        assert_eq!(referrals(&app).await, []);
    })
    .await;
}

#[tokio::test]
async fn many_guesses_leave_no_rows() {
    each_app(async |app| {
        let browser = app.browser();
        for guess in 0..500_u32 {
            let token: String = format!("{:x}", guess.wrapping_mul(2_654_435_761)).repeat(2).chars().take(12).collect();
            follow(&browser, &token).await;
        }
        for table in ["touches", "visitors", "tower_sessions", "referrals"] {
            assert_eq!(app.count(format!("select count(*) from {table}")).await, 0, "{table}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_campaign_link_leads_to_its_page_and_nowhere_else() {
    each_app(async |app| {
        let token = campaign_link(&app, "fair", "/register").await;
        let browser = app.browser();
        let response = browser.get(&format!("/r/{token}?a=%26b&c=d#e")).send().await.expect("an answer");
        assert_eq!(header(&response, "location"), "/register?a=%26b&c=d");
        browser.register("maria@example.com").await;
        let campaign: String =
            sql("select campaign from lead_sources").fetch_scalar(&mut app.conn().await).await.expect("one");
        assert_eq!(campaign, "fair");
        assert_eq!(referrals(&app).await, [("maria@example.com".into(), token.clone())]);
        for query in ["%0d%0aSet-Cookie:%20a=b", "//evil.example", "next=//evil.example", "?", "&&&"] {
            let answer = raw_request(&app.url, "GET", &format!("/r/{token}?{query}"), "").await;
            assert!(answer.contains(&format!("location: /register?{query}\r\n")), "{answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn of_several_links_the_first_or_the_last_wins_by_configuration() {
    for (rule, winner) in [("first", 0), ("last", 1)] {
        let setup = || Setup { variables: vec![("REFERRAL_CREDIT", rule.into())], ..Setup::default() };
        each_app_with(setup, async |app| {
            let links = [campaign_link(&app, "one", "/").await, campaign_link(&app, "two", "/").await];
            let browser = app.browser();
            follow(&browser, &links[0]).await;
            follow(&browser, &links[1]).await;
            browser.register("maria@example.com").await;
            assert_eq!(referrals(&app).await, [("maria@example.com".into(), links[winner].clone())], "{rule}");
            // A user has one referrer, which does not change.
            follow(&browser, &links[1 - winner]).await;
            browser.login("maria@example.com", crate::support::PASSWORD).await;
            assert_eq!(referrals(&app).await.len(), 1);
        })
        .await;
    }
}

#[tokio::test]
async fn a_link_counts_for_thirty_days() {
    each_app(async |app| {
        let token = campaign_link(&app, "fair", "/").await;
        for (email, age, counts) in [
            ("old@example.com", 30 * DAY + Duration::from_mins(1), 0),
            ("new@example.com", 30 * DAY - Duration::from_mins(1), 1),
        ] {
            let browser = app.browser();
            follow(&browser, &token).await;
            app.execute(sql("update touches set occurred_at = $1").bind(app.db.now() - age)).await;
            browser.register(email).await;
            assert_eq!(referrals(&app).await.len(), counts, "{email}");
        }
        // A link that was disabled after the visitor followed it counts.
        let browser = app.browser();
        follow(&browser, &token).await;
        assert!(disable_token(&app.db, token, &waymark::audit::Actor::command_line()).await.expect("disabled"));
        browser.register("between@example.com").await;
        assert_eq!(referrals(&app).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_link_typed_by_hand_as_utm_parameters_is_the_same_arrival() {
    each_app(async |app| {
        let token = campaign_link(&app, "fair", "/").await;
        let browser = app.browser();
        browser.open(&format!("/?utm_medium=referral&utm_source=internal&utm_term={token}")).await;
        browser.open("/?utm_medium=referral&utm_source=internal&utm_term=unknown23456").await;
        browser.register("maria@example.com").await;
        assert_eq!(referrals(&app).await, [("maria@example.com".into(), token.clone())]);
        // The parameters of a disabled link do not count as a referral.
        assert!(disable_token(&app.db, token.clone(), &waymark::audit::Actor::command_line()).await.expect("disabled"));
        let browser = app.browser();
        browser.open(&format!("/?utm_medium=referral&utm_source=internal&utm_term={token}")).await;
        browser.register("late@example.com").await;
        assert_eq!(referrals(&app).await.len(), 1);
    })
    .await;
}
